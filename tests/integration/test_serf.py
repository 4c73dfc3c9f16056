"""Our nodes and HashiCorp's serf in one pool: a memberlist that we did not write."""

import os
import random
from base64 import b64encode
from collections.abc import Mapping
from unittest import skipUnless

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from serena.core.gossip_kinds import Place
from serena.core.node_settings import GossipSettings
from serena.core.swim.messages import State
from serena.core.swim.wire.msgpack import boolean, number, raw, written
from serena.services.gossip import Gossip
from tests.integration.broker import BrokerProcess, until
from tests.integration.pool import SERF, SerfAgent, free_port
from tests.integration.pool import registry as start_registry
from tests.integration.registry import RegistryProcess

FAILED_WITHIN = 30.0  # seconds: a LAN's suspicion in a small pool, alone and at its slowest
KEY = bytes(range(32))
NEEDS_SERF = skipUnless(SERF or os.environ.get("CI"), "serf is not installed: apt-get install serf")


def settings(**more):
    """What our brokers' cluster settings are: names without their KAPOKMQ_."""
    return {"CLUSTER_ISCLUSTER": 1, "CLUSTER_GOSSIPPORT": 0} | more


def console(broker):
    """The names of the brokers that a broker knows."""
    return [node["Name"] for node in broker.api.post("/Console/GetNodes").json]


@NEEDS_SERF
class SerfTests(SynchronousTestCase):
    """Processes, each its own."""

    def agree(self, serf, registry, expected: Mapping[str, str]):
        """Wait until both hold that of everybody; serf says failed for dead."""
        theirs = {name: "failed" if state == "dead" else state for name, state in expected.items()}
        until(lambda: registry.states() == expected, f"{expected} at ours", FAILED_WITHIN)
        until(lambda: serf.members() == theirs, f"{theirs} at serf", FAILED_WITHIN)

    def pool(self, key=None):
        """A registry that has joined a serf agent; both encrypt if there is a key."""
        text = b64encode(key).decode() if key else None
        serf = SerfAgent(self, key=text)
        more = {"REGISTRY_GOSSIPKEY": text} if text else {}
        registry = start_registry(self, REGISTRY_REGISTRYADDR=f"127.0.0.1:{serf.port}", **more)
        self.agree(serf, registry, {serf.name: "alive", registry.name: "alive"})
        return serf, registry

    def test_we_join_serf_and_see_it_fail(self):
        serf, registry = self.pool()
        serf.kill()
        until(lambda: registry.states()[serf.name] == "dead", "failure seen", FAILED_WITHIN)

    def test_serf_joins_us_and_sees_us_fail(self):
        registry = start_registry(self)
        serf = SerfAgent(self)
        serf.join(registry.gossip_port)
        self.agree(serf, registry, {serf.name: "alive", registry.name: "alive"})
        registry.kill()
        until(lambda: serf.members()[registry.name] == "failed", "failure seen", FAILED_WITHIN)

    def test_encrypted_and_serf_leaves(self):
        serf, registry = self.pool(KEY)
        serf.leave()
        until(lambda: registry.states()[serf.name] == "left", "leave seen")

    def test_another_key_joins_nobody(self):
        registry = start_registry(self, REGISTRY_GOSSIPKEY=b64encode(KEY).decode())
        for key in (b64encode(KEY[::-1]).decode(), None):
            serf = SerfAgent(self, key=key)
            self.assertRaises(AssertionError, serf.join, registry.gossip_port)
            self.assertEqual(list(registry.states()), [registry.name])
        metrics = registry.api.get("/metrics").body.decode()
        self.assertRegex(metrics, r'serena_gossip_dropped_total\{reason="(decrypt|plaintext)"\} [1-9]')

    def test_without_a_key_nobody_is_listened_to(self):
        registry = start_registry(self, REGISTRY_GOSSIPKEY=b64encode(KEY).decode())
        serf = SerfAgent(self)
        self.assertRaises(AssertionError, serf.join, registry.gossip_port)
        metrics = registry.api.get("/metrics").body.decode()
        self.assertRegex(metrics, r'serena_gossip_dropped_total\{reason="plaintext"\} [1-9]')
        self.assertEqual(list(registry.states()), [registry.name])

    def test_encrypted_and_one_of_ours_is_killed(self):
        serf, registry = self.pool(KEY)
        other = start_registry(
            self,
            REGISTRY_REGISTRYADDR=f"127.0.0.1:{serf.port}",
            REGISTRY_GOSSIPKEY=b64encode(KEY).decode(),
        )
        everybody = dict.fromkeys([serf.name, registry.name, other.name], "alive")
        self.agree(serf, registry, everybody)
        other.kill()
        self.agree(serf, registry, everybody | {other.name: "dead"})

    def test_three_that_start_together_and_are_told_of_each_other(self):
        serf = SerfAgent(self)
        ports = [free_port(), free_port()]
        registries = [
            RegistryProcess(
                self,
                quick=False,
                REGISTRY_GOSSIPPORT=port,
                REGISTRY_REGISTRYADDR=f"127.0.0.1:{other},127.0.0.1:{serf.port}",
            )
            for port, other in (ports, ports[::-1])
        ]
        for port in ports:
            until(lambda port=port: serf.ask("join", f"127.0.0.1:{port}").returncode == 0, "serf joins", FAILED_WITHIN)
        for registry in registries:
            registry.started()
        expected = dict.fromkeys([serf.name, *(registry.name for registry in registries)], "alive")
        for registry in registries:
            self.agree(serf, registry, expected)

    def test_five_nodes_of_both_kinds_converge(self):
        serf, registry = self.pool()
        other = SerfAgent(self, join=registry.gossip_port)
        places = f"127.0.0.1:{other.port},127.0.0.1:{registry.gossip_port}"
        brokers = [BrokerProcess(self, **settings(CLUSTER_REGISTRYADDR=places)).started() for _ in range(2)]
        names = [f"mq:127.0.0.1:{broker.port}" for broker in brokers]
        expected = dict.fromkeys([serf.name, other.name, registry.name, *names], "alive")
        self.agree(serf, registry, expected)
        self.agree(other, registry, expected)
        self.assertEqual(registry.nodes(), sorted(names), "whatever else shares the pool is no broker")
        until(lambda: console(brokers[0]) == sorted(names), "the same at a broker")
        brokers[0].kill()
        self.agree(other, registry, expected | {names[0]: "dead"})
        self.assertEqual(registry.nodes(), [names[1]])


@NEEDS_SERF
class LeaveTests(TestCase):
    """Our node within this process, so that it can say what the product does not: serf's own words."""

    timeout = 60

    async def test_serf_sees_that_we_leave(self):
        serf = await deferToThread(SerfAgent, self)
        ours = Gossip(
            GossipSettings(port=0, seeds=(Place("127.0.0.1", serf.port),)),
            name="ours",
            reactor=reactor,
            chance=random.Random(1),  # noqa: S311 -- repeatable
            entropy=os.urandom,
        )
        ours.startService()
        self.addCleanup(lambda: ours.stopService() if ours.running else None)
        await deferToThread(until, lambda: serf.members().get("ours") == "alive", "our node at serf")
        self.assertEqual({member.state for member in ours.members()}, {State.ALIVE})
        # Serf keeps an intent of its own for it: a user message, of type 0. Without it we would seem to have failed.
        intent = written([(b"LTime", number(100)), (b"Node", raw(b"ours")), (b"Prune", boolean(False))])
        ours.broadcast(b"\0" + intent)
        await deferToThread(until, lambda: serf.members()["ours"] == "leaving", "our intent at serf")
        await ours.stopService()
        await deferToThread(until, lambda: serf.members()["ours"] == "left", "our leave at serf")
