"""The strict reader: kinds of values, sections, environment, mistakes."""

import contextlib
import math
from ipaddress import ip_network

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import SettingsError
from serena.core.kinds import (
    Address,
    Choice,
    Host,
    Kind,
    Networks,
    Number,
    SecretText,
    Switch,
    Text,
    UnfitError,
    Whole,
    Words,
)
from serena.core.secret import Secret
from serena.core.settings import Key, Reader, described, shown_name

HUNTER = "hunter2-never-shown"


class Shelf(Kind):
    """A section of names that nobody knows beforehand, each with a number."""

    section = True
    allowed = "a mapping of names to numbers"

    def read(self, value: object) -> dict[str, float]:
        """The numbers by name."""
        if not isinstance(value, dict):
            raise UnfitError
        wrong = [(shown_name(name), "no number") for name, each in value.items() if not isinstance(each, int | float)]
        if wrong:
            raise UnfitError(wrong)
        return value


KEYS = (
    Key("web.port", Whole(1, 65_535, digits=True), 80),
    Key("web.speed", Number(0.5, 10), 1, "seconds", ("velocity",)),
    Key("web.tls.file", Text(), None),
    Key("web.key", SecretText(), "test"),
    Key("log.on", Switch(), 1),
    Key("shelf", Shelf(), {}),
)
KINDS = {
    "whole": Whole(1, 10),
    "port": Whole(1, 65_535, digits=True),
    "number": Number(0, 10),
    "choice": Choice((0, 1, 2)),
    "switch": Switch(),
    "words": Words(("on", "off", "auto")),
    "text": Text(5),
    "secret": SecretText(),
    "host": Host(),
    "address": Address(),
    "networks": Networks(),
}
FIT = [
    ("whole", 1, 1),
    ("whole", 10, 10),
    ("port", "8011", 8011),
    ("number", 3, 3.0),
    ("number", 0.5, 0.5),
    ("choice", 2, 2),
    ("switch", 0, False),
    ("switch", True, True),
    ("words", "auto", "auto"),
    ("text", "a b", "a b"),
    ("text", "中文", "中文"),
    ("secret", "k", Secret("k")),
    ("host", "mq.example.com", "mq.example.com"),
    ("address", "::1", "::1"),
    ("networks", [], ()),
    ("networks", ["10.0.0.0/8", "::1"], (ip_network("10.0.0.0/8"), ip_network("::1"))),
]
UNFIT = [
    ("whole", [0, 11, 1.0, "1", True, None, [1], 10**5000]),
    ("port", ["0", "65536", "80a", "8 0", "٨٠", "1_0", "+", "-1", ""]),
    ("number", [math.nan, math.inf, -math.inf, -0.1, 10.1, "3", True, None, 10**400]),
    ("choice", [3, -1, 1.0, "1", True, None]),
    ("switch", [2, -1, 1.0, "1", None]),
    ("words", ["", "On", "on ", True, None, ["on"]]),
    ("text", ["", "123456", "a\nb", "\x00", "\ud800", 5, None, b"b"]),
    ("secret", ["", 5, "a\tb"]),
    ("host", ["", "a b", "http://x", "[::1]", 1]),
    ("address", ["localhost", "127.0.0", 1, ""]),
    ("networks", ["10.0.0.0/8", [1], ["10.0.0.1/8"], ["x"], None, {}]),
]


def read(document: object = None, environ: dict[str, str] | None = None) -> Reader:
    """A reader that has taken both."""
    reader = Reader(KEYS)
    reader.document(document, "a.yaml")
    reader.environment(environ or {}, "APP_")
    return reader


class KindTests(SynchronousTestCase):
    """What each kind takes."""

    def test_what_fits_is_turned_into_what_the_program_wants(self):
        for name, value, expected in FIT:
            made = KINDS[name].read(value)
            self.assertEqual((name, made, type(made)), (name, expected, type(expected)))

    def test_what_does_not_fit_is_refused(self):
        for name, values in UNFIT:
            for value in values:
                with self.assertRaises(UnfitError, msg=f"{name}: {type(value)}"):
                    KINDS[name].read(value)

    def test_each_says_what_it_allows(self):
        self.assertEqual(KINDS["whole"].allowed, "a whole number from 1 to 10")
        self.assertEqual(KINDS["number"].allowed, "a number from 0 to 10")
        self.assertEqual(KINDS["choice"].allowed, "0, 1 or 2")
        self.assertEqual(KINDS["switch"].allowed, "0 or 1")
        self.assertEqual(KINDS["words"].allowed, "on, off or auto")
        self.assertEqual(KINDS["text"].allowed, "text of 1 to 5 printable characters")
        self.assertEqual(KINDS["host"].allowed, "a host name or an IP address")
        self.assertEqual(KINDS["address"].allowed, "an IP address")
        self.assertEqual(KINDS["networks"].allowed, "a list of IP addresses and networks (10.0.0.0/8)")

    def test_text_of_the_environment(self):
        for kind, text, expected in [
            (Whole(0, 9), "7", 7),
            (Whole(0, 9), "-7", -7),
            (Number(0, 9), "0.25", 0.25),
            (Number(0, 9), "nan", "nan"),
            (Switch(), "TRUE", True),
            (Switch(), "no", "no"),
            (Text(), "0123", "0123"),
            (Networks(), " 10.0.0.0/8, ::1,", ["10.0.0.0/8", "::1"]),
        ]:
            self.assertEqual(kind.parse(text), expected)

    def test_what_was_read_is_written_as_one_would_write_it(self):
        for name, value, expected in [
            ("whole", 5, 5),
            ("number", 3.0, 3),
            ("number", 0.5, 0.5),
            ("switch", True, 1),
            ("words", "on", "on"),
            ("secret", "k", "***"),
            ("networks", ["10.0.0.0/8", "::1"], ["10.0.0.0/8", "::1/128"]),
        ]:
            written = KINDS[name].written(KINDS[name].read(value))
            self.assertEqual((name, written, type(written)), (name, expected, type(expected)))

    def test_a_kind_must_say_what_it_is(self):
        self.assertRaises(NotImplementedError, lambda: Kind().allowed)
        self.assertRaises(NotImplementedError, Kind().read, 1)


class ReaderTests(SynchronousTestCase):
    """Documents and variables, and what is wrong with them."""

    def test_defaults_are_what_reading_them_would_give(self):
        reader = read()
        self.assertEqual(reader.value("web.speed"), 1.0)
        self.assertIs(reader.value("log.on"), True)
        self.assertIsNone(reader.value("web.tls.file"))
        self.assertEqual(reader.value("web.key"), Secret("test"))
        self.assertEqual((reader.given, reader.sources), ({}, {}))
        reader.finish()

    def test_a_document_of_nested_sections(self):
        reader = read({"web": {"port": 81, "tls": {"file": "x"}}, "log": None})
        reader.finish()
        self.assertEqual(reader.given, {"web.port": 81, "web.tls.file": "x"})
        self.assertEqual(reader.sources, {"web.port": "a.yaml", "web.tls.file": "a.yaml"})

    def test_a_section_of_names_that_nobody_knows_beforehand(self):
        reader = read({"shelf": {"b": 2, "a.x": 1}})
        reader.finish()
        self.assertEqual((reader.value("shelf"), reader.default("shelf")), ({"b": 2, "a.x": 1}, {}))
        self.assertEqual(reader.sources, {"shelf": "a.yaml"})
        for empty in ({}, {"shelf": None}, {"shelf": {}}):
            self.assertEqual((read(empty).value("shelf"), read(empty).mistakes), ({}, []))
        self.assertEqual(
            read({"shelf": {"a": "x", "b": 1, "c": None}, "web": {"port": 0}}).mistakes,
            [
                "a.yaml: shelf.a: no number",
                "a.yaml: shelf.c: no number",
                "a.yaml: web.port: must be a whole number from 1 to 65535, not 0",
            ],
        )
        self.assertEqual(read({"shelf": 1}).mistakes, ["a.yaml: shelf: must be a mapping of names to numbers, not 1"])

    def test_only_a_file_gives_such_a_section(self):
        environ = {"APP_SHELF": HUNTER, "APP_SHELF_A": "1", "APP_SHELVES": "1", "APP_LOG_ON": "1"}
        self.assertEqual((read(None, environ).mistakes, read(None, environ).value("shelf")), ([], {}))
        self.assertEqual(
            Reader(KEYS).strangers(environ, "APP_"),
            [
                "environment: APP_SHELF: only a file can give shelf",
                "environment: APP_SHELF_A: only a file can give shelf",
                "environment: APP_SHELVES: unknown",
            ],
        )

    def test_the_environment_overrides(self):
        reader = read({"web": {"port": 81, "velocity": 2}}, {"APP_WEB_PORT": "82", "APP_WEB_TLSFILE": "f", "HOME": "/"})
        reader.finish()
        self.assertEqual(reader.given, {"web.port": 82, "web.speed": 2.0, "web.tls.file": "f"})
        self.assertEqual(reader.sources["web.port"], "environment: APP_WEB_PORT")
        self.assertEqual(reader.older, [("a.yaml", "web.velocity", "web.speed")])

    def test_mistakes(self):
        for document, expected in [
            ({"web": {"prot": 1}}, "web.prot: unknown; did you mean port?"),
            ({"web": {"PORT": 1}}, "web.PORT: unknown; did you mean port?"),
            ({"web": {"zzzz": 1}}, "web.zzzz: unknown"),
            ({"web": {1: 1}}, "web.(a key that is not text): unknown"),
            ({"web": {"": 1}}, "web.(an empty key): unknown"),
            ({"web.port": 1}, "web.port: unknown"),
            ({"wbe": {}}, "wbe: unknown; did you mean web?"),
            ({"web": {"tls": {"fiel": 1}}}, "web.tls.fiel: unknown; did you mean file?"),
            ({"web": {"tls": "on"}}, "web.tls: must be a mapping (key: value)"),
            ({"web": [1]}, "web: must be a mapping (key: value)"),
            ({"web": {"port": None}}, "web.port: has no value; leave the key out for its default"),
            ({"web": {"port": 0}}, "web.port: must be a whole number from 1 to 65535, not 0"),
            ({"web": {"port": True}}, "web.port: must be a whole number from 1 to 65535, not true"),
            ({"web": {"port": "x"}}, "web.port: must be a whole number from 1 to 65535, not this text"),
            ({"web": {"speed": math.nan}}, "web.speed: must be a number from 0.5 to 10, not nan"),
            ({"web": {"speed": {}}}, "web.speed: must be a number from 0.5 to 10, not a mapping"),
            ({"web": {"speed": 1, "velocity": 1}}, "web.velocity: means the same as web.speed: keep one of them"),
            ({"web": {"key": 12345}}, "web.key: must be text of 1 to 1024 printable characters"),
        ]:
            self.assertEqual(read(document).mistakes, [f"a.yaml: {expected}"])
        self.assertEqual(read([]).mistakes, ["a.yaml: must be a mapping (key: value)"])

    def test_mistakes_of_the_environment(self):
        for name, text, expected in [
            ("APP_WEB_PRT", HUNTER, "APP_WEB_PRT: unknown; did you mean APP_WEB_PORT?"),
            ("APP_WEB_PORT", HUNTER, "APP_WEB_PORT: must be a whole number from 1 to 65535, not this text"),
            ("APP_LOG_ON", "2", "APP_LOG_ON: must be 0 or 1, not 2"),
            ("APP_WEB_KEY", "", "APP_WEB_KEY: must be text of 1 to 1024 printable characters"),
        ]:
            self.assertEqual(read(None, {name: text}).mistakes, [f"environment: {expected}"])
        self.assertEqual(read(None, {"APP_HOME": "x", "APP": "y", "APP_": "z"}).mistakes, [])

    def test_all_at_once(self):
        reader = read({"web": {"port": 0, "prot": 1}, "log": {"on": 2}}, {"APP_LOG_ON": "3"})
        error = self.assertRaises(SettingsError, reader.finish)
        self.assertEqual(
            str(error).splitlines(),
            [
                "a.yaml: web.port: must be a whole number from 1 to 65535, not 0",
                "a.yaml: web.prot: unknown; did you mean port?",
                "a.yaml: log.on: must be 0 or 1, not 2",
                "environment: APP_LOG_ON: must be 0 or 1, not 3",
            ],
        )

    def test_what_is_given_is_described_without_repeating_text(self):
        for value, expected in [
            (False, "false"),
            (5, "5"),
            (10**5000, "a number beyond all that"),
            (math.inf, "inf"),
            (HUNTER, "this text"),
            ([HUNTER], "a list"),
            ({HUNTER: 1}, "a mapping"),
            (b"hunter2", "a value of another type"),
        ]:
            self.assertEqual(described(value), expected)

    def test_an_unknown_key_is_shown_short_and_on_one_line(self):
        self.assertEqual(shown_name(f"key:{HUNTER}"), "key")
        self.assertEqual(shown_name(f"key={HUNTER}"), "key")
        self.assertEqual(shown_name("a\nb\ud800"), "a?b?")
        self.assertEqual(shown_name("x" * 1000), "x" * 40)

    @settings(deadline=None, derandomize=True, max_examples=200)
    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
    def test_a_kind_reads_or_refuses(self, value: object):
        for kind in KINDS.values():
            with contextlib.suppress(UnfitError):  # and no other exception
                kind.read(value)
