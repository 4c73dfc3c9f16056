"""A whole registry in this process, on free ports of the loopback interface."""

import io
import os
import random
import time
from dataclasses import replace
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from serena.core.errors import SettingsError, WorldError
from serena.core.node_settings import AccessSettings, LogSettings, RegistrySettings, ServerSettings
from serena.core.secret import Secret
from serena.services.registry_node import RegistryNode
from tests.integration.http import Api
from tests.serena.services.certificates import make_certificate
from tests.serena.services.pools import PoolCase, live, place, settings


class RegistryCase(PoolCase):
    def registry_settings(self, *seeds, gossip=None, **more):
        given = {
            "server": ServerSettings(port=0),
            "access": AccessSettings(secret=Secret("k3y")),
            "gossip": settings(*seeds, **(gossip or {})),
            "log": LogSettings(directory=str(Path(self.mktemp()) / "log")),
        }
        return RegistrySettings(**(given | more))

    def make_registry(self, given):
        self.said = io.StringIO()
        return RegistryNode(
            given,
            reactor=reactor,
            wall=time.time,
            chance=random.Random(1),  # noqa: S311 -- lots
            entropy=os.urandom,
            say=self.said,
        )

    def registry(self, *seeds, **more):
        node = self.make_registry(self.registry_settings(*seeds, **more))
        node.startService()
        self.addCleanup(lambda: node.stopService() if node.running else None)
        return node


def nodes(registry, key="k3y"):
    """What GetNodes answers."""
    return deferToThread(lambda: Api(registry.port, key).post("/Registry/GetNodes").json)


def members(registry):
    """What is answered of members: states by name."""

    def ask():
        return {row["name"]: row for row in Api(registry.port, "k3y").get("/api/v1/members").json["members"]}

    return deferToThread(ask)


class RegistryNodeTests(RegistryCase):
    async def test_brokers_are_listed_while_they_are_there(self):
        registry = self.registry()
        self.assertIsNone(await nodes(registry))
        b = self.start("mq:127.0.0.1:8012", place(registry.gossip))
        a = self.start("mq:127.0.0.1:8011", place(registry.gossip))
        other = self.start("x", place(registry.gossip))
        await self.until(lambda: len(live(registry.gossip)) == 4)
        self.assertEqual([row["Port"] for row in await nodes(registry)], ["8011", "8012"])
        self.assertEqual(await nodes(registry, "wrong"), {"code": -1, "msg": "Secret key matching error"})
        await b.stopService()
        await self.kill(a)
        await self.until(lambda: len(live(registry.gossip)) == 2)
        self.assertIsNone(await nodes(registry))
        found = await members(registry)
        self.assertEqual(found["mq:127.0.0.1:8012"]["state"], "left")
        self.assertEqual(found["mq:127.0.0.1:8011"]["state"], "dead")
        self.assertEqual((found["x"]["kind"], found["x"]["port"]), (None, other.port))
        own = found[f"r:127.0.0.1:{registry.port}"]
        self.assertEqual((own["meta"]["p"], own["state"]), (["registry"], "alive"))
        self.assertLess(abs(own["since"] - time.time()), 30)

    async def test_two_registries_answer_for_all(self):
        first = self.registry()
        second = self.registry(place(first.gossip))
        self.start("mq:h:1", place(first.gossip))
        self.start("mq:h:2", place(second.gossip))
        await self.until(lambda: len(live(first.gossip)) == len(live(second.gossip)) == 4)
        self.assertEqual(await nodes(first), await nodes(second))
        self.assertEqual(len(await nodes(first)), 2)

    async def test_readiness_and_figures(self):
        registry = self.registry()
        api = Api(registry.port, "k3y")
        for path in ("/healthz", "/readyz", "/"):
            self.assertEqual((await deferToThread(api.get, path)).status, 200)
        await self.until(lambda: not registry.gossip.trouble)
        self.assertEqual(await deferToThread(api.figure, 'serena_members{state="alive"}'), 1)
        self.assertIn(b'serena_build_info{version="', (await deferToThread(api.get, "/metrics")).body)

    async def test_it_speaks_tls(self):
        certificate, key = make_certificate(Path(self.mktemp()))
        self.registry(server=ServerSettings(port=0, certificate=str(certificate), private_key=str(key)))
        await deferLater(reactor, 0)
        self.assertIn("serves https://127.0.0.1:", self.said.getvalue())

    async def test_the_start_is_announced_and_the_key_only_while_it_is_the_default(self):
        registry = self.registry()
        await deferLater(reactor, 0)
        self.assertIn(f"serves http://127.0.0.1:{registry.port}/, gossips on port", self.said.getvalue())
        self.assertNotIn("k3y", self.said.getvalue())
        self.registry(access=AccessSettings())
        await deferLater(reactor, 0)
        self.assertIn("The key is still `test`", self.said.getvalue())

    async def test_what_cannot_be_opened_stops_the_start_and_names_the_remedy(self):
        taken = self.registry()
        for more, wanted in [
            ({"server": ServerSettings(port=taken.port)}, "server.port"),
            ({"gossip": {"port": taken.gossip.port}}, "registry.gossipPort: cannot listen on"),
            ({"log": LogSettings(directory=__file__)}, "log.directory"),
        ]:
            with self.assertRaises(WorldError) as caught:
                self.make_registry(self.registry_settings(**more)).startService()
            self.assertIn(wanted, str(caught.exception))

    async def test_keys_of_gossip_are_read_again(self):
        registry = self.registry(gossip={"keys": (b"1" * 16,)})
        given = registry.settings
        registry.reload(given)
        registry.reload(replace(given, gossip=replace(given.gossip, keys=(b"2" * 16, b"1" * 16))))
        self.assertEqual(registry.settings.gossip.keys[0], b"2" * 16)
        with self.assertRaises(SettingsError):
            registry.reload(replace(given, gossip=replace(given.gossip, keys=())))

    async def test_the_end_is_in_good_order(self):
        registry = self.registry()
        other = self.registry(place(registry.gossip))
        await self.until(lambda: len(live(registry.gossip)) == 2)
        await registry.stopService()
        await self.until(lambda: len(live(other.gossip)) == 1)
        (log,) = Path(registry.settings.log.directory).iterdir()  # noqa: ASYNC240 -- it is over
        self.assertIn("the registry has stopped", log.read_text())
