"""Sets of runs, beside plain sets."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import ranges as module
from kapokmq.core.ranges import RangeSet, runs_of

RUN = st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
LONGEST = st.sampled_from([1_000, 2])  # runs of a block


def numbers(runs):
    return {number for first, last in runs for number in range(first, last + 1)}


class RunsOfTests(SynchronousTestCase):
    """`runs_of`."""

    @given(st.sets(st.integers(0, 60)))
    def test_runs_hold_the_numbers_and_no_two_touch(self, given_numbers):
        runs = runs_of(given_numbers)
        self.assertEqual(numbers(runs), given_numbers)
        self.assertEqual(runs, sorted(runs))
        for (_, last), (first, _) in pairwise(runs):
            self.assertGreater(first, last + 1)

    def test_numbers_in_a_row_are_one_run_in_whatever_order_they_come(self):
        self.assertEqual(runs_of([3, 1, 2]), [(1, 3)])


class RangeSetTests(SynchronousTestCase):
    """Whatever a set of numbers does, a RangeSet does."""

    def made(self, runs, longest):
        """A set in blocks that are no longer, and the numbers in it."""
        self.patch(module, "LONGEST_BLOCK", longest)
        return RangeSet(runs), numbers(runs)

    @given(LONGEST, st.lists(RUN, max_size=12), RUN)
    def test_add_takes_in_a_run_and_gives_what_of_it_is_new(self, longest, runs, run):
        ranges, model = self.made(runs, longest)
        fresh = ranges.add(*run)
        self.assertEqual(numbers(fresh), numbers([run]) - model)
        self.assertEqual(fresh, runs_of(numbers(fresh)))
        self.assertEqual(list(ranges), runs_of(model | numbers([run])))

    @given(LONGEST, st.lists(RUN, max_size=12), RUN)
    def test_it_knows_what_it_holds(self, longest, runs, run):
        ranges, model = self.made(runs, longest)
        self.assertEqual({number for number in range(80) if number in ranges}, model)
        self.assertEqual(numbers(ranges.within(*run)), model & numbers([run]))
        self.assertEqual(len(ranges), len(runs_of(model)))
        self.assertEqual(bool(ranges), bool(model))

    @given(LONGEST, st.lists(RUN, max_size=12), RUN)
    def test_what_is_taken_out_is_given(self, longest, runs, run):
        ranges, model = self.made(runs, longest)
        gone = ranges.discard(*run)
        self.assertEqual(numbers(gone), model & numbers([run]))
        self.assertEqual(list(ranges), runs_of(model - numbers([run])))
        ranges.add(*run)
        self.assertEqual(list(ranges), runs_of(model | numbers([run])), "it is whole afterwards")

    @given(LONGEST, st.lists(RUN, max_size=12))
    def test_it_counts_and_finds_ends(self, longest, runs):
        ranges, model = self.made(runs, longest)
        self.assertEqual(ranges.count, len(model))
        for number in range(75):
            self.assertEqual(ranges.end_of(number), next(n for n in range(number, 99) if n not in model))
            self.assertEqual(ranges.reaches(number), any(n >= number for n in model))
            for stop in (number, number + 3, 99):
                found = next((n for n in range(number, stop) if n in model), stop)
                self.assertEqual(ranges.next_in(number, stop), found)

    @given(LONGEST, st.lists(RUN, max_size=12), st.integers(0, 70))
    def test_a_mark_moves_over_the_run_that_it_meets(self, longest, runs, mark):
        ranges, model = self.made(runs, longest)
        moved = ranges.cut_below(mark)
        expected = mark
        while expected in model:
            expected += 1
        self.assertEqual(moved, expected)
        self.assertEqual(numbers(ranges), {number for number in model if number >= moved})

    def test_it_prints_its_runs(self):
        self.assertEqual(repr(RangeSet([(1, 2), (5, 5)])), "RangeSet([(1, 2), (5, 5)])")

    @given(st.permutations(range(0, 60, 2)))
    def test_blocks_are_as_short_as_they_are_to_be(self, order):
        ranges, _ = self.made([(number, number) for number in order], 2)
        self.assertTrue(all(0 < len(block) <= 2 for block in ranges._blocks))
        self.assertEqual(ranges._heads, [block.firsts[0] for block in ranges._blocks])
        self.assertEqual(ranges.add(0, 59), [(number, number) for number in range(1, 60, 2)])
        self.assertEqual((len(ranges._blocks), list(ranges)), (1, [(0, 59)]))
