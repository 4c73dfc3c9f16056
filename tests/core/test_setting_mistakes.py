"""Settings that are wrong: each mistake is told, and no value that was given."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.setting_keys import KEYS, read_settings
from kapokmq.core.settings import NodeSettings
from serena.core.errors import SettingsError
from tests.core.test_settings import FILE, HUNTER

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
        {"mq": {"backoff": 301}},
        "mq.backoff: must be at most mq.backoffMax, which no attempt waits longer than",
    ),
    ({"mq": {"maxAttempts": -1}}, "mq.maxAttempts: must be a whole number from 0 to 1000000, not -1"),
    ({"mq": {"ackWait": 0}}, "mq.ackWait: must be a number from 0.001 to 3162240000, not 0"),
    ({"mq": {"dedupWindow": 0}}, "mq.dedupWindow: must be a number from 0.001 to 3162240000, not 0"),
    ({"mq": {"deadLetterRate": 0.5}}, "mq.deadLetterRate: must be a whole number from 1 to 1000000000, not 0.5"),
    ({"topics": []}, "topics: must be a mapping of topics or patterns to policies, not a list"),
    ({"topics": {"audit": {"retention": "logs"}}}, "topics.audit.retention: must be queue, log or none, not this text"),
    (
        {"mq": {"isPersistent": 0}, "topics": {"a": {"durability": "memory"}, "b": {"durability": "fsync"}}},
        "topics.b.durability: needs mq.isPersistent: 1 or 2, since 0 stores nothing",
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
            document = {"mq": {**section, "pushType": 7}, "server": section, "topics": {**section, "a": section}}
            read_settings(document, FILE, {"KAPOKMQ_MQ_CREDIT": HUNTER})
        except SettingsError as error:
            self.assertNotIn(HUNTER, str(error))
