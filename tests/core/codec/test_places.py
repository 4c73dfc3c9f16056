"""Where codes stand."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.places import places


class PlacesTests(SynchronousTestCase):
    def test_which_codes(self):
        for codes, some, wanted in (
            ("abc", "", []),
            ("abc", "b", [1]),
            ("abc", "abc", [0, 1, 2]),
            ("abc", "cba", [0, 1, 2]),
            ("aba", "a", [2]),
            ("aba", "aa", [0, 2]),
            ("abab", "bab", [1, 2, 3]),
            ("abab", "bba", [1, 2, 3]),
            ("ab", "x", []),
        ):
            self.assertEqual(places(list(codes), list(some)), wanted, (codes, some))

    @given(st.lists(st.sampled_from("abcd"), max_size=12), st.data())
    def test_in_whatever_order_they_come_none_is_dropped(self, codes, data):
        some = data.draw(st.permutations(codes))[: data.draw(st.integers(0, len(codes)))]
        found = places(codes, some)
        self.assertEqual(found, sorted(set(found)))
        self.assertEqual(Counter(codes[index] for index in found), Counter(some))
