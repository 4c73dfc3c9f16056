"""The schema of keys, and the settings made from it."""

import re
from dataclasses import fields, is_dataclass
from inspect import getsource
from ipaddress import ip_network
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

import kapokmq.core.settings
from kapokmq.core.setting_keys import KEYS, read_settings
from kapokmq.core.settings import (
    AccessSettings,
    DeliverySettings,
    NodeSettings,
    RetentionSettings,
    ServerSettings,
    StoreSettings,
    SyncSettings,
)
from serena.core.errors import SettingsError
from serena.core.secret import Secret

FILE = "config/kapokmq.yaml"
DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"
HUNTER = "hunter2-never-shown"
TLS_CERTIFICATE, TLS_KEY = "server.tls.certificate", "server.tls.key"
MISTAKES = [
    ({"mq": {"pushRetyTime": 1}}, "mq.pushRetyTime: unknown; did you mean pushRetryTime?"),
    ({"mq": {"pushType": 3}}, "mq.pushType: must be 1 or 2, not 3"),
    ({"mq": {"isPersistent": 3}}, "mq.isPersistent: must be 0, 1 or 2, not 3"),
    ({"mq": {"recoveryStrategy": 2}}, "mq.recoveryStrategy: must be 0 or 1, not 2"),
    ({"mq": {"persistentTime": 0}}, "mq.persistentTime: must be a number from 0.1 to 3600, not 0"),
    ({"mq": {"pushCount": True}}, "mq.pushCount: must be a whole number from 0 to 1000000000, not true"),
    ({"mq": {"memoryBudget": 1}}, "mq.memoryBudget: must be a whole number from 1048576 to 1125899906842624, not 1"),
    ({"mq": {"secretKey": ""}}, "mq.secretKey: must be text of 1 to 1024 printable characters"),
    ({"mq": {"secretKey": None}}, "mq.secretKey: has no value; leave the key out for its default"),
    ({"mq": {"sendCount": 1, "pushCount": 1}}, "mq.pushCount: means the same as mq.sendCount: keep one of them"),
    ({"server": {"port": 70000}}, "server.port: must be a whole number from 0 to 65535, not 70000"),
    ({"server": {"bind": "localhost"}}, "server.bind: must be an IP address, not this text"),
    (
        {"server": {"trustedProxies": "10.0.0.1"}},
        "server.trustedProxies: must be a list of IP addresses and networks (10.0.0.0/8), not this text",
    ),
    ({"server": {"tls": {"certificate": "c"}}}, f"{TLS_CERTIFICATE}: needs {TLS_KEY} as well"),
    ({"server": {"tls": {"key": "k"}}}, f"{TLS_KEY}: needs {TLS_CERTIFICATE} as well"),
    ({"server": 1}, "server: must be a mapping (key: value)"),
    ({"mqq": {}}, "mqq: unknown; did you mean mq?"),
    (
        {"server": {"port": 9000}, "cluster": {"gossipPort": 9000}},
        "cluster.gossipPort: 9000 is server.port as well; each needs a port of its own",
    ),
    (
        {"server": {"port": 8021}, "cluster": {"isCluster": 1}},
        "cluster.gossipPort: 8021 is server.port as well; each needs a port of its own",
    ),
    (
        {"cluster": {"gossipPort": 9000, "registryGossipPort": "9000"}},
        "cluster.registryGossipPort: 9000 is cluster.gossipPort as well; each needs a port of its own",
    ),
    (
        {"mq": {"cleanTime": 0}},
        "mq.cleanTime: must be at least 1, or messages would be deleted undelivered; isClean: 0 keeps them all",
    ),
    (
        {"mq": {"memoryBudget": 1 << 20, "maxMessageBytes": 1 << 21}},
        "mq.memoryBudget: must be at least mq.maxMessageBytes, or the longest message would never fit",
    ),
    (
        {"sync": {"isSync": 1}},
        "sync.isSync: replication is not offered; use mq.isPersistent: 2 and back up its file; isSync: 0 loads",
    ),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3), max_leaves=6
)
NAMES = sorted({part for key in KEYS for part in (*key.path.split("."), *key.older)})
LIKELY = st.sampled_from(NAMES) | st.text(max_size=4)
DOCUMENTS = st.dictionaries(LIKELY, st.dictionaries(LIKELY, VALUES, max_size=6) | VALUES, max_size=5) | VALUES


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
        rows = [
            [cell.strip() for cell in line.strip("|\n").split("|")]
            for line in DOCS.read_text("utf-8").splitlines()
            if line.startswith("| `")
        ]
        default = {None: "none", (): "`[]`"}
        self.assertEqual(
            [(row[0], row[3], row[4], row[5]) for row in rows],
            [
                (f"`{key.path}`", key.unit, default.get(key.default, f"`{key.default}`"), key.kind.allowed)
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
                },
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
        self.assertEqual(node.delivery, DeliverySettings(True, 1.0, 7, 8, 9.5, False, False, 10, 11.0, 12, 1 << 21, 13))
        self.assertEqual(node.store, StoreSettings(1, "x.db", 0.5, False))
        self.assertEqual(node.retention, RetentionSettings(True, 14.0))
        self.assertEqual((node.cluster.gossip_port, node.cluster.registry_addr), (15, "r"))
        self.assertEqual(node.cluster.registry_gossip_port, 16)
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
                "f: cluster.isCluster: clusters come with a later version; GetNodes lists this node alone",
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


class MistakeTests(SynchronousTestCase):
    """What is refused, and in which words."""

    def test_each_mistake_is_a_line_that_names_file_and_key(self):
        for document, expected in MISTAKES:
            error = self.assertRaises(SettingsError, read_settings, document, FILE)
            self.assertEqual(str(error), f"{FILE}: {expected}")

    def test_all_mistakes_come_at_once(self):
        document = {"mq": {"pushType": 3, "isSink": 1, "cleanTime": 0}, "sync": {"isSync": 1}, "server": []}
        error = self.assertRaises(
            SettingsError, read_settings, document, FILE, {"KAPOKMQ_SERVER_PRT": "1"}, ["x.yaml: seen before"]
        )
        lines = str(error).splitlines()
        named = ["x.yaml", "mq.pushType", "mq.isSink", "server", "KAPOKMQ_SERVER_PRT", "mq.cleanTime", "sync.isSync"]
        self.assertEqual(len(lines), len(named))
        for line, name in zip(lines, named, strict=True):
            self.assertIn(f"{name}: ", line)

    def test_a_mistake_between_keys_names_where_the_key_was_given(self):
        error = self.assertRaises(SettingsError, read_settings, {}, FILE, {"KAPOKMQ_SYNC_ISSYNC": "1"})
        self.assertTrue(str(error).startswith("environment: KAPOKMQ_SYNC_ISSYNC: sync.isSync: replication"))

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(
        DOCUMENTS, st.dictionaries(st.sampled_from(["KAPOKMQ_MQ_PUSHCOUNT", "KAPOKMQ_MQ_X", "A"]), st.text(max_size=6))
    )
    def test_any_document_gives_settings_or_mistakes(self, document: object, environ: dict[str, str]):
        try:
            self.assertIsInstance(read_settings(document, FILE, environ), NodeSettings)
        except SettingsError as error:
            for line in str(error).split("\n"):
                self.assertRegex(line, "^(config/kapokmq.yaml|environment): .+")

    @settings(deadline=None, derandomize=True)
    @given(st.dictionaries(LIKELY, st.just(HUNTER) | st.just([HUNTER]) | st.just({"x": HUNTER})))
    def test_given_text_is_never_repeated(self, section: dict[str, object]):
        try:
            read_settings({"mq": {**section, "pushType": 7}, "server": section}, FILE, {"KAPOKMQ_MQ_CREDIT": HUNTER})
        except SettingsError as error:
            self.assertNotIn(HUNTER, str(error))
