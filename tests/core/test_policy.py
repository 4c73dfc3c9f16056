"""Policies of topics and configurations of groups, as JSON and laid over each other."""

import contextlib
import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import BadMessage
from kapokmq.core.policy import GroupConfig, TopicPolicy, filled, read_policy, written

CENTURY = 100 * 366 * 86_400
FULL = TopicPolicy("log", 86_400.0, 10, 1000, "dropOldest", 60.0, "fsync", 30.0, 5, 0.5, 8.0, "roundRobin", paused=True)
FULL_JSON = (
    '{"retention":"log","maxAge":86400.0,"maxMessages":10,"maxBytes":1000,"overflow":"dropOldest","dedupWindow":60.0,'
    '"durability":"fsync","ackWait":30.0,"maxAttempts":5,"backoff":0.5,"backoffMax":8.0,"choice":"roundRobin",'
    '"paused":true}'
)
TIME = st.none() | st.floats(0.001, CENTURY)
COUNT = st.none() | st.integers(1, 1 << 53)
ATTEMPTS = st.none() | st.integers(0, 1_000_000)
CHOICE = st.sampled_from([None, "random", "roundRobin"])
GROUPS = st.builds(GroupConfig, TIME, ATTEMPTS, TIME, TIME, CHOICE, st.booleans())
TOPICS = st.builds(
    TopicPolicy,
    retention=st.sampled_from([None, "queue", "log", "none"]),
    max_age=TIME,
    max_messages=COUNT,
    max_bytes=COUNT,
    overflow=st.sampled_from([None, "reject", "dropOldest"]),
    dedup_window=TIME,
    durability=st.sampled_from([None, "memory", "interval", "fsync"]),
    ack_wait=TIME,
    max_attempts=ATTEMPTS,
    backoff=TIME,
    backoff_max=TIME,
    choice=CHOICE,
    paused=st.booleans(),
)


class JsonTests(SynchronousTestCase):
    """As they are given and stored."""

    def test_every_field(self):
        self.assertEqual(read_policy(FULL_JSON, TopicPolicy), FULL)
        self.assertEqual(written(FULL), FULL_JSON)
        config = GroupConfig(30.0, 0, 1.0, 2.0, "random", paused=True)
        text = '{"ackWait":30.0,"maxAttempts":0,"backoff":1.0,"backoffMax":2.0,"choice":"random","paused":true}'
        self.assertEqual((read_policy(text.encode(), GroupConfig), written(config)), (config, text))

    def test_nothing_special(self):
        for shape in (TopicPolicy, GroupConfig):
            for given_ in (None, "{}", b" { } ", '{"ackWait":null,"paused":false}'):
                self.assertEqual(read_policy(given_, shape), shape())
            self.assertIsNone(written(shape()))

    @given(TOPICS | GROUPS)
    def test_what_is_written_is_read(self, policy):
        self.assertEqual(read_policy(written(policy), type(policy)), policy)

    def test_what_is_no_policy_is_refused_and_the_field_named(self):
        for text, named in [
            ('{"retention":"for ever"}', "$.retention"),
            ('{"overflow":"dropoldest"}', "$.overflow"),
            ('{"durability":2}', "$.durability"),
            ('{"choice":""}', "$.choice"),
            ('{"maxAge":0}', "$.maxAge"),
            ('{"maxAge":1e12}', "$.maxAge"),
            ('{"dedupWindow":-1}', "$.dedupWindow"),
            ('{"ackWait":"1"}', "$.ackWait"),
            ('{"ackWait":0}', "$.ackWait"),
            ('{"maxMessages":0}', "$.maxMessages"),
            ('{"maxMessages":1.5}', "$.maxMessages"),
            ('{"maxBytes":9007199254740993}', "$.maxBytes"),
            ('{"maxAttempts":-1}', "$.maxAttempts"),
            ('{"maxAttempts":1000001}', "$.maxAttempts"),
            ('{"backoff":-0.1}', "$.backoff"),
            ('{"backoffMax":true}', "$.backoffMax"),
            ('{"paused":1}', "$.paused"),
            ('{"maxage":1}', "maxage"),
            ('{"max_age":1}', "max_age"),
            ("[]", "object"),
            ("null", "object"),
            ("", "truncated"),
            ("{", "truncated"),
        ]:
            error = self.assertRaises(BadMessage, read_policy, text, TopicPolicy)
            self.assertIn(named, str(error))
        self.assertRaises(BadMessage, read_policy, '{"retention":"log"}', GroupConfig)

    def test_the_bounds_themselves_are_taken(self):
        for name, values in [
            ("maxAge", [0.001, CENTURY]),
            ("maxBytes", [1, 1 << 53]),
            ("maxAttempts", [0, 1_000_000]),
            ("backoff", [0, CENTURY]),
        ]:
            for value in values:
                policy = read_policy(json.dumps({name: value}), TopicPolicy)
                self.assertEqual(msgspec.to_builtins(policy), {name: value})

    @given(st.text() | st.text('{}[]":,0e-.nulmaxAge', max_size=30) | st.binary(max_size=12))
    def test_anything_else_is_refused_in_one_way(self, text):
        for shape in (TopicPolicy, GroupConfig):
            with contextlib.suppress(BadMessage):
                self.assertIsInstance(read_policy(text, shape), shape)

    def test_text_that_is_none_is_refused_alike(self):
        for text in (
            '{"\ud800":1}',
            '{"choice":"\ud800"}',
            b'{"\xff":1}',
            b'{"choice":"\xff"}',
            r'{"choice":"\ud800"}',
        ):
            self.assertRaises(BadMessage, read_policy, text, TopicPolicy)


class FilledTests(SynchronousTestCase):
    """One laid over others."""

    def test_the_first_that_says_something_counts(self):
        policy = filled(GroupConfig(ack_wait=1.0), GroupConfig(2.0, 0), GroupConfig(3.0, 5, 7.0))
        self.assertEqual(policy, GroupConfig(1.0, 0, 7.0), "and 0 is something")

    def test_a_pause_is_nobodys_but_its_own(self):
        self.assertFalse(filled(TopicPolicy(), FULL).paused)
        self.assertTrue(filled(FULL, TopicPolicy()).paused)

    def test_with_nothing_to_add_it_is_the_same(self):
        policy = GroupConfig(ack_wait=1.0)
        self.assertIs(filled(policy), policy)
        self.assertIs(filled(policy, GroupConfig(ack_wait=2.0)), policy)

    @given(st.lists(TOPICS, min_size=1, max_size=4))
    def test_field_by_field(self, policies):
        made = filled(*policies)
        for name in TopicPolicy.__struct_fields__:
            said = [value for policy in policies if (value := getattr(policy, name)) is not None]
            self.assertEqual(getattr(made, name), next(iter(said), None))
