"""Files: which one is read, YAML as we take it, originals, and what we ship."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.policy import TopicPolicy
from kapokmq.core.settings import BUILT_IN, NodeSettings
from kapokmq.services.config import PLACES, load
from serena.core.errors import SettingsError
from serena.core.setting_keys import OVERRIDES
from serena.services.yaml_file import MAX_BYTES, parse

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors" / "config"
HUNTER = "hunter2-never-shown"
REPLICATION = "replication is not offered; use mq.isPersistent: 2 and back up its file; isSync: 0 loads"


def disk(files: Mapping[str, bytes | Exception]):
    """A reader of these files and no others."""

    def read(path: str) -> bytes:
        content = files.get(path, FileNotFoundError())
        if isinstance(content, Exception):
            raise content
        return content

    return read


def loaded(text: str | bytes, environ: Mapping[str, str] | None = None) -> NodeSettings:
    """What a file with this text comes to."""
    content = text if isinstance(text, bytes) else text.encode()
    return load("a.yaml", environ or {}, disk({"a.yaml": content}))


class PlaceTests(SynchronousTestCase):
    """Which file is read."""

    def test_the_order(self):
        theirs, ours, named = (f"server: {{port: {port}}}".encode() for port in (1, 2, 3))
        both = {PLACES[0]: theirs, PLACES[1]: ours, "x.yaml": named}
        for path, files, port, source in [
            ("x.yaml", both, 3, "x.yaml"),
            (None, both, 1, "config/application.yaml"),
            (None, {PLACES[1]: ours}, 2, "config/kapokmq.yaml"),
            (None, {}, 8011, BUILT_IN),
        ]:
            node = load(path, {}, disk(files))
            self.assertEqual((node.server.port, node.source), (port, source))

    def test_the_environment_comes_last(self):
        node = loaded(
            "server: {port: 1}\nmq: {secretKey: a}", {"KAPOKMQ_SERVER_PORT": "2", "KAPOKMQ_MQ_SECRETKEY": "b"}
        )
        self.assertEqual((node.server.port, node.access.secret.reveal()), (2, "b"))
        node = load(None, {"KAPOKMQ_MQ_PUSHTYPE": "2", "KAPOKMQ_MQ_SECRETKEY": "0123"}, disk({}))
        self.assertEqual((node.delivery.broadcast, node.access.secret.reveal()), (True, "0123"))

    def test_a_variable_that_is_none_of_ours_is_a_mistake(self):
        environ = {
            "KAPOKMQ_SECRETKEY": HUNTER,
            "KAPOKMQ_TOPICS_A": "1",
            "KAPOKMQ_ZZ": "1",
            "KAPOKMQ_NODE_MODULES": "/there",
            "KAPOK": "",
            "MQ_SECRETKEY": "k",
        }
        for path in (None, "x.yaml"):
            error = self.assertRaises(SettingsError, load, path, environ, disk({"x.yaml": b""}))
            self.assertEqual(
                str(error).splitlines(),
                [
                    "environment: KAPOKMQ_SECRETKEY: unknown; did you mean KAPOKMQ_MQ_SECRETKEY?",
                    "environment: KAPOKMQ_TOPICS_A: only a file can give topics",
                    "environment: KAPOKMQ_ZZ: unknown",
                ],
            )
        self.assertEqual(load(None, {"KAPOKMQ_NODE_MODULES": "/there"}, disk({})).server.port, 8011)

    def test_a_file_that_cannot_be_read(self):
        for path, fault, expected in [
            ("x.yaml", FileNotFoundError(), "x.yaml: there is no such file"),
            ("x.yaml", PermissionError(13, "Permission denied"), "x.yaml: can't be read: Permission denied"),
            (None, IsADirectoryError(21, "Is a directory"), f"{PLACES[0]}: can't be read: Is a directory"),
            ("x.yaml", ValueError("embedded null byte"), "x.yaml: can't be read: embedded null byte"),
        ]:
            error = self.assertRaises(SettingsError, load, path, {}, disk({path or PLACES[0]: fault}))
            self.assertEqual(str(error), expected)

    def test_a_real_file(self):
        path = self.mktemp()
        Path(path).write_text("server: {port: 9}", "utf-8")
        self.assertEqual(load(path, {}).server.port, 9)
        Path(path).write_bytes(b"#" * (MAX_BYTES + 10))
        error = self.assertRaises(SettingsError, load, path, {})
        self.assertEqual(str(error), f"{path}: is longer than 1048576 bytes")


class YamlTests(SynchronousTestCase):
    """What a file may have in it."""

    def test_what_is_no_yaml_or_too_much_of_it(self):
        for text, expected in [
            ("mq: [1", "line 1: expected ',' or ']', but got '<stream end>'"),
            ("mq:\n  a: 1\n b: 2\n", "line 3: expected <block end>, but found '<block mapping start>'"),
            ("mq:\n\tport: 1", "line 2: found character something that cannot start any token"),
            ("a: 1\n---\nb: 2", "line 2: but found another document"),
            ("mq: &m {}\nserver: *m", "line 2: aliases (*) are not read"),
            (f"mq: {{secretKey: *{HUNTER}}}", "line 1: aliases (*) are not read"),
            (f"mq:\n  secretKey: !{HUNTER}", "line 2: tags (!) are not read"),
            (f"mq:\n  secretKey: !{HUNTER}!x", "line 2: found undefined tag handle something"),
            ("mq: !!python/object:os.system {}", "line 1: tags (!) are not read"),
            ("? [a]\n: b", "line 1: a list or mapping as a key"),
            ("? {a: b}\n: b", "line 1: a list or mapping as a key"),
            ("a: 1" + "0" * 5000, "line 1: not a number"),
            ("\na: 0x_", "line 2: not a number"),
            ("<<: {a: 1}", "line 1: could not determine a constructor for the tag something"),
            ("\n\x01", "line 2: has a character that YAML doesn't allow"),
            (b"\n\nmq: \xff", "line 3: is not UTF-8"),
            ("[" * 20_000, "is nested too deeply"),
        ]:
            error = self.assertRaises(SettingsError, loaded, text)
            self.assertEqual(str(error), f"a.yaml: {expected}", text[:40])

    def test_a_key_that_is_given_twice_is_a_mistake_among_others(self):
        error = self.assertRaises(SettingsError, loaded, "server:\n  port: 1\n  port: 2\n  prot: 3\nserver: {}\n")
        self.assertEqual(
            str(error).splitlines(),
            [
                "a.yaml: line 3: port: is given twice",
                "a.yaml: line 5: server: is given twice",
                "a.yaml: server.prot: unknown; did you mean port?",
            ],
        )

    def test_text_is_taken_as_it_is_written(self):
        for written, expected in [("0123", "0123"), ("2022-01-01", "2022-01-01"), ("1.50", "1.50"), ("yes", "yes")]:
            for text in (f"mq: {{secretKey: {written}}}", f"mq: {{secretKey: '{written}'}}"):
                self.assertEqual(loaded(text).access.secret.reveal(), expected)
        self.assertRaises(SettingsError, loaded, "mq: {secretKey: }")
        self.assertRaises(SettingsError, loaded, "mq: {secretKey: [a]}")
        self.assertRaises(SettingsError, loaded, "server: {port: 2022-01-01}")

    def test_policies_of_topics(self):
        node = loaded(
            'topics:\n  "*.eu": {maxAge: 60}\n  orders.>: {overflow: dropOldest}\n  addr:\n  a: {choice: random}\n'
        )
        self.assertEqual(
            node.topics,
            (
                ("*.eu", TopicPolicy(max_age=60.0)),
                ("orders.>", TopicPolicy(overflow="dropOldest")),
                ("addr", TopicPolicy()),
                ("a", TopicPolicy(choice="random")),
            ),
        )
        for text, expected in [
            ("topics: {2022: {}}", "topics.(a key that is not text): must be text; put the name in quotes"),
            ("topics:\n  a: {}\n  a: {}", "line 3: a: is given twice"),
            ("topics:\n  *.eu: {}", "line 2: expected alphabetic or numeric character"),
        ]:
            error = self.assertRaises(SettingsError, loaded, text)
            self.assertTrue(str(error).startswith(f"a.yaml: {expected}"), str(error))

    def test_an_empty_file_and_a_byte_order_mark(self):
        self.assertEqual(loaded("# nothing\n").server.port, 8011)
        self.assertEqual(loaded(b"\xef\xbb\xbfserver: {port: 5}").server.port, 5)
        self.assertEqual(parse(b"", "a.yaml", ()), (None, []))

    def test_a_secret_in_the_wrong_place_is_not_shown(self):
        for text in (
            f"mq: secretKey:{HUNTER}",
            f"mq: {{secretKey:{HUNTER}, pushType: 1}}",
            f"mq:\n  secretKey:{HUNTER}\n  pushType: 1",
            f"mq: {{secretKey: [{HUNTER}]}}",
            f"mq: {{secretKey: '{HUNTER}\"}}",
            f'mq: {{secretKey: "\\q{HUNTER}"}}',
            f"mq: {{credit: {HUNTER}}}",
            f"mq: {{secretKey: {HUNTER}, secretKey: {HUNTER}}}",
        ):
            error = self.assertRaises(SettingsError, loaded, text)
            self.assertNotIn(HUNTER, str(error))
        self.assertNotIn(HUNTER, repr(loaded(f"mq: {{secretKey: {HUNTER}}}")))

    @settings(deadline=None, derandomize=True, max_examples=200)
    @given(st.text("server:mq \n{}[]'\"-*&!0x1,port#%?<|>", max_size=60) | st.binary(max_size=30))
    def test_any_file_gives_settings_or_mistakes(self, text: str | bytes):
        try:
            self.assertIsInstance(loaded(text), NodeSettings)
        except SettingsError as error:
            self.assertTrue(all(line.startswith("a.yaml: ") for line in str(error).split("\n")))


class OriginalTests(SynchronousTestCase):
    """Files of the original load as they stand and mean what they meant."""

    def vector(self, name: str) -> NodeSettings:
        return load(str(VECTORS / f"original-{name}.yaml"), {})

    def test_every_file_says_what_it_says(self):
        # GetConfig gives back, under the names of today, whatever the file has.
        today = {"sendCount": "pushCount", "sendRetryCount": "pushRetryCount", "persistentPath": "persistentFile"}
        for path in sorted(VECTORS.glob("*.yaml")):
            given = yaml.safe_load(path.read_text("utf-8"))
            if given.get("sync", {}).get("isSync"):
                error = self.assertRaises(SettingsError, load, str(path), {})
                self.assertEqual(str(error), f"{path}: sync.isSync: {REPLICATION}")
                continue
            node = load(str(path), {})
            for section in ("mq", "cluster", "sync"):
                for key, value in given.get(section, {}).items():
                    if key != "secretKey":
                        self.assertEqual(str(node.shown[today.get(key, key)]), str(value), f"{path.name}: {key}")
            self.assertTrue(node.access.secret.matches(given["mq"].get("secretKey", "test")))
            self.assertEqual(node.server.port, given["server"]["port"])

    def test_the_last_generation(self):
        node = self.vector("head")
        self.assertEqual((node.delivery.push_interval, node.delivery.push_count), (1.0, 1000))
        self.assertEqual((node.store.durability, node.delivery.retry_seconds), (0, 60.0))
        self.assertEqual(node.warnings, ())

    def test_the_generation_of_v001(self):
        node = self.vector("v001")
        self.assertEqual(
            (node.delivery.push_count, node.delivery.retry_count, node.delivery.check_seconds), (10_000, 3, 3.0)
        )
        self.assertEqual(
            (node.store.durability, node.store.interval, node.retention.clean_seconds), (1, 3.0, 259_200.0)
        )
        clustered = self.vector("v001-cluster")
        self.assertEqual(
            (clustered.server.bind, clustered.cluster.enabled, len(clustered.warnings)), ("0.0.0.0", True, 2)
        )

    def test_the_first_ones_lack_most_keys_which_does_not_make_them_zero(self):
        node = self.vector("2021-first")
        self.assertEqual((node.delivery.buffer, node.delivery.retry_count, node.delivery.throttled), (100, 3, False))
        self.assertEqual((node.delivery.push_count, node.delivery.check_seconds), (1000, 5.0))
        self.assertEqual(self.vector("2021-csv").store.path, "./data.csv")
        self.assertFalse(self.vector("2021-send").store.recover)


class ShippedTests(SynchronousTestCase):
    """What we ship."""

    def test_the_shipped_file_is_the_defaults_in_full(self):
        path = ROOT / "config" / "kapokmq.yaml"
        node = load(str(path), {})
        self.assertEqual((node.shown, node.warnings), (NodeSettings().shown, ()))
        for part in ("server", "access", "delivery", "store", "retention", "cluster", "sync", "log", "topics"):
            self.assertEqual(getattr(node, part), getattr(NodeSettings(), part))
        without = {"server.tls.certificate", "server.tls.key", "mq.ackWait", "topics"}
        without |= {"cluster.gossipAddr", "cluster.gossipBind", "cluster.delegateVersions"}
        without |= {f"cluster.gossip.{name}" for name in OVERRIDES}  # the profile's
        self.assertEqual({each.path for each in node.effective if each.source == "default"}, without)

    def test_what_is_commented_out_in_it_can_be_used(self):
        text = (ROOT / "config" / "kapokmq.yaml").read_text("utf-8")
        for line in ("ackWait: 60", "audit: {retention: log}", '"orders.>": {maxAge'):
            self.assertIn(f"  # {line}", text)
            text = text.replace(f"  # {line}", f"  {line}")
        node = loaded(text)
        self.assertEqual(
            (node.delivery.ack_wait, [pattern for pattern, _ in node.topics]), (60.0, ["audit", "orders.>"])
        )

    def test_the_examples_load_and_warn_of_nothing_once_the_key_is_set(self):
        examples = sorted((ROOT / "config" / "examples").glob("*.yaml"))
        self.assertEqual([path.stem for path in examples], ["memory-only", "pub-sub", "tls"])
        for path in examples:
            self.assertEqual(load(str(path), {"KAPOKMQ_MQ_SECRETKEY": "k"}).warnings, ())
