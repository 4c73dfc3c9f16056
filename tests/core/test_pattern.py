"""Topic names with wildcards."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import BadName
from kapokmq.core.pattern import check_pattern, check_topic, is_pattern, matcher, matches

LEVELS = st.lists(st.sampled_from(["a", "b", "", "*", ">", "a*", ">b"]), min_size=1, max_size=4)
PLAIN = st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=4)


def stands_for(pattern, levels):
    """What a pattern means, level by level."""
    if pattern == [">"]:
        return len(levels) > 0
    if not (pattern and levels):
        return not (pattern or levels)
    return pattern[0] in ("*", levels[0]) and stands_for(pattern[1:], levels[1:])


class MatchTests(SynchronousTestCase):
    """Which topics a pattern stands for."""

    def test_examples(self):
        for pattern, name, expected in [
            ("orders", "orders", True),
            ("orders", "orders.eu", False),
            ("orders.*", "orders.eu", True),
            ("orders.*", "orders", False),
            ("orders.*", "orders.eu.paid", False),
            ("orders.*.paid", "orders.eu.paid", True),
            ("orders.*.paid", "orders.eu.open", False),
            ("orders.>", "orders.eu", True),
            ("orders.>", "orders.eu.paid", True),
            ("orders.>", "orders", False),
            ("*.>", "orders.eu", True),
            ("*.>", "orders", False),
            ("*", "orders", True),
            (">", "orders.eu.paid", True),
            ("a*", "ab", False),
            ("a*", "a*", True),
            ("a?.+", "ab.c", False),
        ]:
            self.assertIs(matches(pattern, name), expected, (pattern, name))

    @given(LEVELS, PLAIN | LEVELS)
    def test_a_pattern_is_met_level_by_level(self, pattern, levels):
        self.assertIs(matches(".".join(pattern), ".".join(levels)), stands_for(pattern, levels))

    @given(LEVELS)
    def test_a_name_without_wildcards_stands_for_itself_alone(self, levels):
        name = ".".join(levels)
        self.assertTrue(matches(name, name))
        self.assertEqual(is_pattern(name), "*" in levels or ">" in levels)
        self.assertEqual(not is_pattern(name) and matches(name, f"{name}x"), False)


class MatcherTests(SynchronousTestCase):
    """One question for many names."""

    def test_it_is_asked_as_often_as_one_likes(self):
        fits = matcher("orders.*")
        names = ["orders", "orders.eu", "orders.us", "orders.eu.paid", "xorders.eu"]
        self.assertEqual([name for name in names if fits(name)], ["orders.eu", "orders.us"])

    def test_what_means_something_in_an_expression_means_itself_in_a_name(self):
        self.assertTrue(matcher("a(b.*")("a(b.[c"))
        self.assertFalse(matcher("a+.*")("aa.b"))
        self.assertTrue(matcher("a.>")("a.b\nc.d"))

    @given(LEVELS, st.lists(PLAIN | LEVELS, max_size=5))
    def test_it_says_what_a_single_question_does(self, pattern, names):
        fits = matcher(".".join(pattern))
        for levels in names:
            self.assertIs(fits(".".join(levels)) is not None, stands_for(pattern, levels))


class CheckTests(SynchronousTestCase):
    """What may be subscribed to, and what may be published to."""

    def test_names_and_patterns(self):
        for name in ("a", "a.b", "a..b", ".", "a*", "a.>b", "*", ">", "*.*", "a.*.b", "a.>", "*.>", "中.*"):
            self.assertEqual(check_pattern(name), name)

    def test_what_is_no_pattern(self):
        for name, expected in [
            ("", "topic: is empty"),
            ("a" * 256, "topic: is longer than 255 characters"),
            ("a.*\n", "topic: has a control character at 3"),
            (">.a", "topic: > may only be the last level"),
            ("a.>.>", "topic: > may only be the last level"),
            ("a..>", "topic: a pattern has an empty level"),
            (".*", "topic: a pattern has an empty level"),
            ("*.", "topic: a pattern has an empty level"),
        ]:
            self.assertEqual(str(self.assertRaises(BadName, check_pattern, name)), expected)

    def test_a_message_goes_to_one_topic(self):
        for name in ("a", "a.b", "a*", "a.>b", "a..b"):
            self.assertEqual(check_topic(name), name)
        for name, expected in [
            ("", "topic: is empty"),
            ("a.\x00", "topic: has a control character at 2"),
            ("a.*", "topic: * and > are wildcards, and a message goes to one topic"),
            (">", "topic: * and > are wildcards, and a message goes to one topic"),
            (">.a", "topic: * and > are wildcards, and a message goes to one topic"),
        ]:
            self.assertEqual(str(self.assertRaises(BadName, check_topic, name)), expected)
