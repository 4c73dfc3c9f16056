"""The section `topics` of a configuration."""

import contextlib
import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.policy import TopicPolicy, read_policy
from kapokmq.core.setting_topics import FIELDS, Topics
from serena.core.kinds import Number, UnfitError, Whole, Words
from tests.core.test_settings import documented

HUNTER = "hunter2-never-shown"
MAPPING = "must be a mapping (key: value)"
WRONG = [
    ({1: {}}, "(a key that is not text)", "must be text; put the name in quotes"),
    ({"": {}}, "(an empty key)", "is empty"),
    ({"a" * 256: {}}, "a" * 40, "is longer than 255 characters"),
    ({"a\x00b": {}}, "a?b", "has a control character at 1"),
    ({"a.>.b": {}}, "a.>.b", "> may only be the last level"),
    ({"a..*": {}}, "a..*", "a pattern has an empty level"),
    ({f"a:{HUNTER}": 1}, "a", MAPPING),
    ({"a": HUNTER}, "a", MAPPING),
    ({"a": [HUNTER]}, "a", MAPPING),
    ({"a": {"maxage": 1}}, "a.maxage", "unknown; did you mean maxAge?"),
    ({"a": {"zz": HUNTER}}, "a.zz", "unknown"),
    ({"a": {1: 1}}, "a.(a key that is not text)", "unknown"),
    ({"a": {"paused": True}}, "a.paused", "is no setting; a topic is paused, and resumed, through the API"),
    ({"a": {"maxAge": None}}, "a.maxAge", "has no value; leave the key out for its default"),
    ({"a": {"retention": HUNTER}}, "a.retention", "must be queue, log or none, not this text"),
    ({"a.*": {"maxBytes": 0}}, "a.*.maxBytes", "must be a whole number from 1 to 9007199254740992, not 0"),
]
EDGES = st.sampled_from(
    [0, -1, 0.0009, 0.001, 1, 1.0, 1.5, 1 << 53, (1 << 53) + 1, 10**6, 10**6 + 1, 3162240000, 1e308]
)
WORDS = st.sampled_from([word for kind in FIELDS.values() if isinstance(kind, Words) for word in kind.words])
VALUES = st.none() | st.booleans() | EDGES | st.integers() | st.floats() | WORDS | st.text(max_size=5)
POLICIES = st.dictionaries(st.sampled_from([*FIELDS, "paused", "x"]), VALUES, max_size=4)


class TopicsTests(SynchronousTestCase):
    """What it takes, and what it says of the rest."""

    def test_in_the_order_given(self):
        section = {"b.>": {"maxAge": 60, "choice": "roundRobin"}, "a": {"maxAttempts": 0}, ">": None, "z": {}}
        made = Topics().read(section)
        self.assertEqual(
            made,
            (
                ("b.>", TopicPolicy(max_age=60.0, choice="roundRobin")),
                ("a", TopicPolicy(max_attempts=0)),
                (">", TopicPolicy()),
                ("z", TopicPolicy()),
            ),
        )
        self.assertEqual(Topics().written(made), {**section, ">": {}})
        self.assertEqual(list(Topics().written(made)), list(section))

    def test_what_is_wrong_is_named_with_its_path(self):
        for section, path, text in WRONG:
            error = self.assertRaises(UnfitError, Topics().read, section)
            self.assertEqual(error.parts, [(path, text)])

    def test_everything_that_is_wrong_comes_at_once(self):
        section = {"a.>.b": {"maxAge": -1, "choice": 5}, "ok": {"maxAge": 1}, "c": 1}
        error = self.assertRaises(UnfitError, Topics().read, section)
        self.assertEqual([path for path, _ in error.parts], ["a.>.b", "a.>.b.maxAge", "a.>.b.choice", "c"])

    def test_what_is_no_section(self):
        for value in (1, "a", [], True):
            self.assertEqual(self.assertRaises(UnfitError, Topics().read, value).parts, ())

    def test_every_field_of_a_policy_but_the_pause(self):
        names = [field.encode_name for field in msgspec.structs.fields(TopicPolicy)]
        self.assertEqual([*FIELDS, "paused"], names)

    def test_the_ranges_are_those_of_policies(self):
        least, most = {}, {}
        for field in msgspec.inspect.type_info(TopicPolicy).fields:
            kind = FIELDS.get(field.encode_name)
            if isinstance(kind, Whole | Number):
                wanted = next(each for each in field.type.types if not isinstance(each, msgspec.inspect.NoneType))
                least[field.encode_name] = (kind.least, 0.001 if wanted.gt == 0 else wanted.ge)
                most[field.encode_name] = (kind.most, wanted.le)
        self.assertEqual(len(most), 8)
        for ours, theirs in (*least.values(), *most.values()):
            self.assertEqual(ours, theirs)

    @given(POLICIES)
    def test_what_it_takes_is_what_the_api_takes(self, policy):
        with contextlib.suppress(UnfitError):
            made = Topics().read({"a": policy})
            self.assertEqual(made, (("a", read_policy(json.dumps(policy), TopicPolicy)),))

    def test_the_documentation_has_each_field_with_its_range(self):
        rows = documented("## Policies of topics")
        self.assertEqual(
            [(row[0], row[3]) for row in rows], [(f"`{name}`", kind.allowed) for name, kind in FIELDS.items()]
        )
        self.assertTrue(all(len(row) == 5 and row[1] and row[4] for row in rows))
