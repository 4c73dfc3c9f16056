"""Latencies and percentiles."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bench.figures import latencies, percentile, spread


def course(steps):
    """A course of `[(seconds since the last, messages), …]`."""
    at, total, found = 0.0, 0, []
    for seconds, messages in steps:
        at, total = at + seconds, total + messages
        found.append((at, total))
    return found


STEPS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=10).map(course)


def one_by_one(steps):
    """When the first, the second, … message was there."""
    return [next(at for at, total in steps if total > number) for number in range(steps[-1][1])] if steps else []


class LatencyTests(SynchronousTestCase):
    @given(STEPS, STEPS)
    def test_the_nth_that_came_is_the_nth_that_was_sent(self, sent, came):
        wanted = sorted(
            (there - begun) * 1000 for begun, there in zip(one_by_one(sent), one_by_one(came), strict=False)
        )
        found = [value for value, count in latencies(sent, came) for _ in range(count)]
        self.assertEqual(found, wanted)

    def test_percentiles_weigh_by_messages(self):
        found = [(1.0, 98), (5.0, 1), (9.0, 1)]
        self.assertEqual([percentile(found, share) for share in (0.5, 0.98, 0.99, 0.999, 1.0)], [1, 1, 5, 9, 9])

    def test_nothing_has_no_percentile(self):
        self.assertEqual(spread([]), {"p50": None, "p99": None, "p999": None})

    def test_the_spread_needs_no_order(self):
        self.assertEqual(spread([(3.0, 1), (1.0, 998), (2.0, 1)]), {"p50": 1.0, "p99": 1.0, "p999": 2.0})
