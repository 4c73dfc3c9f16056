"""The schema of keys, and the settings made from it."""

import json
import re
from dataclasses import fields, is_dataclass
from inspect import getsource
from ipaddress import ip_network
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import kapokmq.core.settings
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.setting_keys import KEYS, read_settings
from kapokmq.core.settings import (
    AccessSettings,
    DeliverySettings,
    Effective,
    NodeSettings,
    RetentionSettings,
    ServerSettings,
    StoreSettings,
    SyncSettings,
)
from serena.core.gossip_kinds import Place
from serena.core.secret import Secret

FILE = "config/kapokmq.yaml"
DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"
HUNTER = "hunter2-never-shown"


def documented(caption: str) -> list[list[str]]:
    """The rows of the table below a caption of the documentation."""
    text = DOCS.read_text("utf-8").split(f"\n{caption}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]


class SchemaTests(SynchronousTestCase):
    """Keys, settings and documentation tell the same story."""

    def test_the_keys_defaults_are_the_classes_defaults(self):
        self.assertEqual(read_settings(), NodeSettings())

    def test_every_field_is_explained(self):
        source = getsource(kapokmq.core.settings)
        for part in fields(NodeSettings):
            made = getattr(NodeSettings(), part.name)
            for each in fields(made) if is_dataclass(made) else ():
                self.assertRegex(source, rf'\n    {each.name}: [^\n]*\n    """', f"{part.name}.{each.name}")

    def test_the_documentation_has_each_key_with_its_default_and_range(self):
        rows = documented("## Every key")
        default = {"None": "none", "()": "`[]`"}
        self.assertEqual(
            [(row[0], row[3], row[4], row[5]) for row in rows],
            [
                (f"`{key.path}`", key.unit, default.get(str(key.default), f"`{key.default}`"), key.kind.allowed)
                for key in KEYS
            ],
        )
        for row, key in zip(rows, KEYS, strict=True):
            self.assertEqual((len(row), bool(row[2]), bool(row[6])), (7, True, True))
            self.assertIn(row[1], ("both", "v0.0.1", "HEAD", "ours"))
            self.assertEqual(re.findall("Older name: `([^`]*)`", row[6]), list(key.older))


class MeaningTests(SynchronousTestCase):
    """What the keys come to."""

    def test_every_key_reaches_its_field(self):
        node = read_settings(
            {
                "server": {
                    "addr": "mq.example.com",
                    "bind": "10.0.0.1",
                    "port": "9000",
                    "tls": {"certificate": "c.pem", "key": "k.pem"},
                    "trustedProxies": ["10.0.0.0/8"],
                },
                "mq": {
                    "secretKey": HUNTER,
                    "maxMessageBytes": 2048,
                    "loginTime": 3,
                    "sameIdLimit": 4,
                    "maxConnections": 5,
                    "pushType": 2,
                    "pushMessagesSpeed": 1,
                    "pushCount": 7,
                    "pushRetryCount": 8,
                    "pushRetryTime": 9.5,
                    "isRePush": False,
                    "requireAck": 0,
                    "credit": 10,
                    "checkSpeed": 11,
                    "messageChanBuffer": 12,
                    "memoryBudget": 1 << 21,
                    "maxTopics": 13,
                    "isPersistent": 1,
                    "persistentFile": "x.db",
                    "persistentTime": 0.5,
                    "recoveryStrategy": 0,
                    "isCleanConsumed": 1,
                    "cleanTime": 14,
                    "maxAttempts": 18,
                    "backoff": 0.25,
                    "backoffMax": 19,
                    "ackWait": 20,
                    "dedupWindow": 21,
                    "deadLetterRate": 22,
                    "drainTime": 23,
                },
                "topics": {"audit": {"retention": "log"}, "*.eu": {"maxAge": 24}},
                "cluster": {"gossipPort": 15, "registryAddr": "r", "registryGossipPort": 16},
                "sync": {"isSlave": 1, "masterProtocol": "wss", "masterAddr": "m", "masterPort": "17"},
                "log": {"directory": "l"},
            },
            FILE,
        )
        self.assertEqual(
            node.server,
            ServerSettings("mq.example.com", "10.0.0.1", 9000, "c.pem", "k.pem", (ip_network("10.0.0.0/8"),)),
        )
        self.assertEqual(node.access, AccessSettings(Secret(HUNTER), 2048, 3.0, 4, 5))
        classic = (True, 1.0, 7, 8, 9.5, False, False, 10, 11.0, 12, 1 << 21, 13)
        self.assertEqual(node.delivery, DeliverySettings(*classic, 18, 0.25, 19.0, 20.0, 21.0, 22, 23.0))
        self.assertEqual(node.topics, (("audit", TopicPolicy(retention="log")), ("*.eu", TopicPolicy(max_age=24.0))))
        self.assertEqual(node.store, StoreSettings(1, "x.db", 0.5, False))
        self.assertEqual(node.retention, RetentionSettings(True, 14.0))
        gossip = node.cluster.gossip
        self.assertEqual((gossip.port, gossip.seeds, gossip.seed_port), (15, (Place("r"),), 16))
        self.assertEqual((gossip.addr, gossip.bind), ("mq.example.com", "10.0.0.1"), "the server's")
        self.assertEqual(node.sync, SyncSettings(True, "wss", "m", 17))
        self.assertEqual((node.log.directory, node.source, node.warnings), ("l", FILE, ()))
        self.assertNotIn(HUNTER, repr(node))

    def test_zeros_keep_their_meaning(self):
        node = read_settings({"mq": {"pushMessagesSpeed": 1, "pushCount": 0, "pushRetryTime": 0, "checkSpeed": 0}})
        self.assertFalse(node.delivery.throttled)
        self.assertEqual((node.delivery.push_count, node.delivery.push_interval), (0, 0.0))
        self.assertEqual((node.delivery.retry_seconds, node.delivery.check_seconds), (1.0, 1.0))
        self.assertFalse(read_settings({"mq": {"pushMessagesSpeed": 0}}).delivery.throttled)
        self.assertTrue(read_settings({"mq": {"pushMessagesSpeed": 1}}).delivery.throttled)
        kept = read_settings({"mq": {"isClean": 0, "cleanTime": 0}})
        self.assertIsNone(kept.retention.clean_seconds)
        self.assertEqual((kept.shown["isClean"], kept.shown["cleanTime"]), (0, 0))

    def test_what_is_listened_on_follows_what_is_announced(self):
        for addr, bind in [
            ("127.0.0.2", "127.0.0.1"),
            ("localhost", "127.0.0.1"),
            ("10.0.0.1", "0.0.0.0"),
            ("", "0.0.0.0"),
        ]:
            self.assertEqual(read_settings({"server": {"addr": addr}}).server.bind, bind)
        self.assertEqual(read_settings({"server": {"addr": ""}}).server.addr, "0.0.0.0")
        kept = read_settings({"server": {"addr": "10.0.0.1", "bind": "127.0.0.1"}})
        self.assertEqual((kept.server.bind, kept.warnings), ("127.0.0.1", ()))

    def test_warnings(self):
        document = {"server": {"addr": "mq"}, "mq": {"sendCount": 1}, "cluster": {"isCluster": True}}
        self.assertEqual(
            read_settings(document, "f").warnings,
            (
                "f: mq.sendCount: an older name of mq.pushCount",
                "f: mq.secretKey: still the key that everybody knows, while 0.0.0.0 is listened on; choose another",
                (
                    "f: cluster.gossipKey: none, while 0.0.0.0 is listened on: whoever reaches the gossip port can join"
                    " the pool and forge members; give a key, or gossip.allowed"
                ),
            ),
        )
        node = read_settings({"server": {"addr": "mq"}}, FILE, {"KAPOKMQ_MQ_SECRETKEY": HUNTER})
        self.assertEqual((node.warnings, node.access.default_key), ((), False))
        self.assertTrue(NodeSettings().access.default_key)

    def test_equal_ports_that_do_no_harm(self):
        for document in (
            {"server": {"port": 8021}},  # the default gossip port, where nobody gossips
            {"cluster": {"gossipPort": 8041, "registryAddr": "10.0.0.9"}},  # the registry is another machine
            {"server": {"port": 0}},
        ):
            self.assertEqual(read_settings(document).warnings, ())

    def test_get_config_answers_both_generations_keys(self):
        answer = {
            "checkSpeed": 5, "cleanTime": 172800, "gossipPort": 8021, "isClean": 1, "isCleanConsumed": 0,
            "isCluster": 0, "isPersistent": 2, "isRePush": 1, "isSlave": 0, "isSync": 0, "masterAddr": "127.0.0.1",
            "masterPort": "8011", "masterProtocol": "ws", "messageChanBuffer": 10000000,
            "persistentFile": "data/kapokmq.db", "persistentTime": 5, "pushCount": 1000, "pushMessagesSpeed": 0,
            "pushRetryCount": 3, "pushRetryTime": 60, "pushType": 1, "recoveryStrategy": 1, "registryAddr": "127.0.0.1",
            "registryGossipPort": "8041",
        }  # fmt: skip
        shown = NodeSettings().shown
        self.assertEqual(shown, answer)
        self.assertEqual({key: type(value) for key, value in shown.items()}, {k: type(v) for k, v in answer.items()})
        self.assertEqual(read_settings({"mq": {"pushRetryTime": 0.5}}).shown["pushRetryTime"], 0.5)


class EffectiveTests(SynchronousTestCase):
    """Every key with what it comes to."""

    def test_every_key_is_there_in_order_and_fit_for_json(self):
        document = {"server": {"trustedProxies": ["10.0.0.0/8"]}, "topics": {"a.>": {"maxAge": 1}}}
        for made in (read_settings(), read_settings(document, FILE)):
            self.assertEqual([each.path for each in made.effective], [key.path for key in KEYS])
            self.assertEqual(
                json.loads(json.dumps([each.value for each in made.effective])), [each.value for each in made.effective]
            )
        self.assertEqual(NodeSettings().effective, ())

    def test_values_are_as_one_would_write_them(self):
        document = {
            "server": {"trustedProxies": ["10.0.0.1"], "port": "9000"},
            "mq": {"isClean": False, "sendCount": 7, "pushRetryTime": 0, "persistentTime": 1.5, "secretKey": HUNTER},
            "topics": {"a.>": {"maxAge": 60, "overflow": "dropOldest"}, "b": None},
        }
        node = read_settings(document, FILE, {"KAPOKMQ_MQ_ACKWAIT": "12", "KAPOKMQ_MQ_PERSISTENTTIME": "2.5"})
        found = {each.path: each for each in node.effective}
        policies = {"a.>": {"maxAge": 60.0, "overflow": "dropOldest"}, "b": {}}
        for expected in (
            Effective("server.trustedProxies", ["10.0.0.1/32"], [], "file"),
            Effective("server.port", 9000, 8011, "file"),
            Effective("server.tls.key", None, None, "default"),
            Effective("mq.isClean", 0, 1, "file"),
            Effective("mq.pushCount", 7, 1000, "file"),
            Effective("mq.secretKey", "***", "***", "file"),
            Effective("mq.persistentTime", 2.5, 5, "environment"),
            Effective("mq.ackWait", 12, None, "environment"),
            Effective("mq.pushRetryTime", 1, 60, "file"),
            Effective("mq.credit", 2000, 2000, "default"),
            Effective("topics", policies, {}, "file"),
        ):
            self.assertEqual(found[expected.path], expected)
        self.assertNotIn(HUNTER, repr(node.effective))

    def test_what_follows_from_other_keys_is_shown_as_it_is(self):
        node = read_settings({"server": {"addr": ""}, "mq": {"pushRetryTime": 7, "checkSpeed": 0}})
        found = {each.path: each.value for each in node.effective}
        self.assertEqual((found["server.addr"], found["server.bind"]), ("0.0.0.0", "0.0.0.0"))
        self.assertEqual((found["mq.ackWait"], found["mq.checkSpeed"]), (7, 1))
