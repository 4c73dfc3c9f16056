"""A whole node in this process, on a free port of the loopback interface."""

import io
import json
import os
import ssl
import time
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from websockets.sync.client import connect

from kapokmq.core.errors import Draining, WorldError
from kapokmq.core.message import Draft
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.settings import (
    AccessSettings,
    DeliverySettings,
    LogSettings,
    NodeSettings,
    RetentionSettings,
    ServerSettings,
    StoreSettings,
)
from kapokmq.services.node import Node
from kapokmq.services.rules import rules_of
from serena.core.secret import Secret
from tests.serena.services.certificates import make_certificate


def converse(url, messages, context=None):
    """Log in as a producer, publish, log in as a consumer, acknowledge; gives what was delivered."""
    with connect(f"{url}/Producers/Conn/t/p", ssl=context) as producer:
        producer.recv()
        producer.send("k3y")
        assert producer.recv() == "Secret key matching succeeded"
        for message in messages:
            producer.send(f'{{"MessageData":"{message}","DelayTime":0}}')
        assert [producer.recv() for _ in messages] == ["ok"] * len(messages)
    with connect(f"{url}/Consumers/Conn/t/c", ssl=context) as consumer:
        consumer.recv()
        consumer.send("k3y")
        consumer.recv()
        got = [consumer.recv() for _ in messages]
        for text in got:
            consumer.send(text.split('"')[3])
        consumer.ping().wait(5)  # its pong comes after the acks were read
    return [text.split('"')[7] for text in got]


def ask(port, path):
    """What the API answers."""
    asked = Request(f"http://127.0.0.1:{port}/api/v1{path}", headers={"secretKey": "k3y"})
    with urlopen(asked, timeout=10) as answer:  # noqa: S310 -- likewise
        return json.load(answer)


def welcomed(port):
    """The name that the node goes by in v2."""
    with connect(f"ws://127.0.0.1:{port}/v2") as client:
        client.send('{"op":"hello","key":"k3y"}')
        return json.loads(client.recv())["node"]


class NodeCase(TestCase):
    timeout = 30

    def settings(self, **more):
        folder = Path(self.mktemp())
        given = {
            "server": ServerSettings(port=0),
            "access": AccessSettings(secret=Secret("k3y")),
            "store": StoreSettings(path=str(folder / "data" / "kapokmq.db")),
            "log": LogSettings(directory=str(folder / "log")),
        }
        return NodeSettings(**(given | more))

    def make(self, settings, **more):
        self.said = io.StringIO()
        return Node(
            settings,
            reactor=reactor,
            wall=time.time,
            entropy=os.urandom,
            choose=lambda members, n: [members[0]] * n,
            say=self.said,
            **more,
        )

    def start(self, settings, **more):
        node = self.make(settings, **more)
        node.startService()
        self.addCleanup(lambda: node.running and node.stopService())
        return node


class NodeTests(NodeCase):
    async def test_each_durability_serves(self):
        for durability in (0, 1, 2):
            settings = self.settings()
            node = self.start(replace(settings, store=replace(settings.store, durability=durability)))
            got = await deferToThread(converse, f"ws://127.0.0.1:{node.port}", ["a", "b"])
            self.assertEqual(got, ["a", "b"])
            await node.stopService()
            self.assertEqual(node.engine.counts().consumed, 2)

    async def test_what_was_confirmed_is_there_after_a_restart(self):
        for durability in (1, 2):
            settings = self.settings()
            settings = replace(settings, store=replace(settings.store, durability=durability))
            node = self.start(settings)
            await deferToThread(converse, f"ws://127.0.0.1:{node.port}", ["a", "b", "c"])
            await node.stopService()
            again = self.start(settings)
            self.assertEqual(again.engine.counts()[:2], (3, 3))
            await again.stopService()

    async def test_it_tells_how_it_is_doing(self):
        for durability in (0, 2):
            settings = self.settings()
            node = self.start(replace(settings, store=replace(settings.store, durability=durability)))
            await node.engine.admin.create_group("t", "g", "all", GroupConfig())
            await deferToThread(converse, f"ws://127.0.0.1:{node.port}", ["a", "b"])
            told = await deferToThread(ask, node.port, "/counts")
            self.assertEqual(
                (told["oldestOf"], told["deserted"], told["bytes"]), ({"topic": "t", "group": "g"}, 1, 402)
            )
            self.assertLess(abs(told["oldest"] - time.time()), 30)
            self.assertGreater(told["commit"]["count"], 0)
            self.assertGreaterEqual(told["commit"]["most"], told["commit"]["half"])
            if durability:
                self.assertTrue(0 < told["disk"]["free"] <= told["disk"]["total"])
            else:
                self.assertIsNone(told["disk"])
            minutes = (await deferToThread(ask, node.port, "/counts/minutes"))["minutes"]
            self.assertEqual(sum(one["published"] for one in minutes), 2)
            (group,) = [
                one for one in (await deferToThread(ask, node.port, "/topics/t/groups"))["groups"] if one["name"] == "g"
            ]
            self.assertEqual((group["oldest"], group["lag"]), (told["oldest"], 2))
            await node.stopService()

    async def test_it_speaks_tls(self):
        certificate, key = make_certificate(Path(self.mktemp()))
        server = ServerSettings(port=0, certificate=str(certificate), private_key=str(key))
        node = self.start(self.settings(server=server))
        context = ssl.create_default_context(cafile=str(certificate))
        got = await deferToThread(converse, f"wss://127.0.0.1:{node.port}", ["a"], context)
        self.assertEqual(got, ["a"])
        self.assertIn("serves https://127.0.0.1:", self.said.getvalue())

    async def test_on_any_free_port_it_says_which(self):
        node = self.start(self.settings())
        name = f"mq:127.0.0.1:{node.port}"
        self.assertEqual((await deferToThread(ask, node.port, "/node"))["name"], name)
        self.assertEqual(await deferToThread(welcomed, node.port), name)

    async def test_the_start_is_announced_and_the_key_only_while_it_is_the_default(self):
        self.start(self.settings())
        await deferLater(reactor, 0)
        self.assertRegex(self.said.getvalue(), r"serves http://127\.0\.0\.1:\d+/ ")
        self.assertNotIn("k3y", self.said.getvalue())
        self.start(self.settings(access=AccessSettings()))
        await deferLater(reactor, 0)
        self.assertIn("The key is still `test`", self.said.getvalue())

    async def test_recovery_strategy_0_keeps_the_old_file_aside(self):
        settings = self.settings()
        node = self.start(settings)
        await deferToThread(converse, f"ws://127.0.0.1:{node.port}", ["a"])
        await node.stopService()
        again = self.start(replace(settings, store=replace(settings.store, recover=False)))
        self.assertEqual(again.engine.counts().all, 0)
        aside = [path.name for path in Path(settings.store.path).parent.iterdir() if "kapokmq.db.2" in path.name]
        self.assertEqual(len(aside), 1)
        self.assertRegex(aside[0], r"kapokmq\.db\.\d{8}-\d{6}")

    async def test_a_throttled_node_delivers_at_its_pace(self):
        delivery = DeliverySettings(push_interval=0.3, push_count=2)
        node = self.start(self.settings(delivery=delivery))
        started = time.monotonic()
        got = await deferToThread(converse, f"ws://127.0.0.1:{node.port}", list("abcdef"))
        self.assertEqual(got, list("abcdef"))
        self.assertGreater(time.monotonic() - started, 0.5)

    async def test_what_cannot_be_opened_stops_the_start_and_names_the_remedy(self):
        taken = self.start(self.settings())
        occupied = self.settings(server=ServerSettings(port=taken.port))
        self.assertIn("choose another port", str(self.assertRaises(WorldError, self.make(occupied).startService)))
        blocked = self.settings(log=LogSettings(directory=__file__))
        self.assertIn("log.directory", str(self.assertRaises(WorldError, self.make(blocked).startService)))
        in_use = self.settings(store=taken.settings.store)
        self.assertIn("kapokmq.db", str(self.assertRaises(WorldError, self.make(in_use).startService)))

    async def test_a_port_that_is_taken_leaves_the_store_closed(self):
        taken = self.start(self.settings())
        settings = self.settings(server=ServerSettings(port=taken.port))
        self.assertRaises(WorldError, self.make(settings).startService)
        node = self.start(replace(settings, server=ServerSettings(port=0)))
        self.assertEqual(node.engine.counts().all, 0)

    def test_rules_follow_the_settings(self):
        settings = NodeSettings(
            delivery=DeliverySettings(broadcast=True, leases_time_out=False, retry_seconds=7, push_interval=1),
            store=StoreSettings(durability=1),
            retention=RetentionSettings(clean_consumed=True, clean_seconds=None),
        )
        rules = rules_of(settings)
        self.assertTrue(rules.broadcast and rules.throttled and rules.eager and rules.paged and rules.clean_consumed)
        self.assertEqual((rules.lease_seconds, rules.retry_seconds, rules.clean_seconds), (None, 7, None))
        self.assertEqual(rules_of(NodeSettings()).lease_seconds, 60)

    def test_so_do_those_of_named_groups(self):
        topics = (("a.*", TopicPolicy(max_age=5.0)),)
        delivery = DeliverySettings(
            retry_seconds=7, ack_wait=9, max_attempts=3, backoff=2, backoff_max=4, dedup_window=50
        )
        rules = rules_of(NodeSettings(delivery=delivery, topics=topics))
        self.assertEqual((rules.ack_wait, rules.max_attempts, rules.backoff, rules.backoff_max), (9, 3, 2, 4))
        self.assertEqual((rules.dedup_window, rules.policies, rules.durable), (50, topics, "fsync"))
        self.assertEqual(rules_of(NodeSettings(delivery=DeliverySettings(retry_seconds=7))).ack_wait, 7)

    async def test_a_drained_node_asks_to_be_ended(self):
        ended = Deferred()
        node = self.start(self.settings(), drained=lambda: ended.callback(None))
        node.drain(30)
        await ended
        with self.assertRaises(Draining):
            await node.engine.send("t", [Draft("a")])
        await node.stopService()

    async def test_a_node_that_stops_while_it_drains_is_not_ended_again(self):
        ended = []
        node = self.start(self.settings(), drained=lambda: ended.append(1))
        node.drain()
        await node.stopService()
        self.assertEqual(ended, [])

    async def test_v2_clients_are_counted(self):
        node = self.start(self.settings())
        self.assertIn(b'kapokmq_connections{kind="v2"} 0.0', node.metrics.exposition())
