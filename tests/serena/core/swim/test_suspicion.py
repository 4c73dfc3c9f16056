"""How long a suspicion lasts, and who shortens it."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.suspicion import Suspicion, suspected_for
from tests.serena.core.swim.lone import FORMULAS

_CASES = {"LAN": (2, 4.0, 24.0), "WAN": (4, 30.0, 180.0), "Local": (1, 3.0, 18.0)}


class FormulaTests(SynchronousTestCase):
    def test_it_is_memberlists(self):
        for title, table in FORMULAS["remainingSuspicion_ms"].items():
            if title.startswith("upstream"):
                for confirmations, elapsed, left in table:
                    total = suspected_for(confirmations, 3, 2.0, 30.0)
                    self.assertEqual(round(1000 * total) - elapsed, left)
            else:
                for confirmations, milliseconds in table.items():
                    total = suspected_for(int(confirmations), *_CASES[title.split()[0]])
                    self.assertAlmostEqual(total, milliseconds / 1000)

    @given(st.integers(0, 9), st.floats(0.1, 100), st.floats(1, 10))
    def test_it_never_grows_with_confirmations_nor_leaves_its_bounds(self, wanted, shortest, times):
        longest = shortest * times
        lasts = [suspected_for(number, wanted, shortest, longest) for number in range(wanted + 1)]
        self.assertEqual(lasts, sorted(lasts, reverse=True))
        self.assertTrue(all(shortest <= each <= longest for each in lasts))
        self.assertAlmostEqual(lasts[-1], shortest)


class SuspicionTests(SynchronousTestCase):
    def test_each_counts_once_and_whoever_began_does_not(self):
        suspicion = Suspicion(b"first", 10.0, wanted=2, shortest=4.0, longest=24.0, gap=1.0)
        self.assertEqual(suspicion.deadline, 34.0)
        self.assertFalse(suspicion.confirm(b"first", 0))
        self.assertTrue(suspicion.confirm(b"second", 0))
        self.assertFalse(suspicion.confirm(b"second", 0))
        self.assertAlmostEqual(suspicion.deadline, 21.381)
        self.assertTrue(suspicion.confirm(b"third", 0))
        self.assertEqual(suspicion.deadline, 14.0)
        self.assertFalse(suspicion.confirm(b"fourth", 0))
        self.assertEqual(suspicion.deadline, 14.0)

    def test_in_a_small_cluster_nobody_is_waited_for(self):
        suspicion = Suspicion(b"first", 10.0, wanted=0, shortest=4.0, longest=24.0, gap=1.0)
        self.assertEqual(suspicion.deadline, 14.0)
        self.assertFalse(suspicion.confirm(b"second", 0))

    def test_a_new_accusation_may_be_answered_but_lengthens_nothing(self):
        suspicion = Suspicion(b"first", 10.0, wanted=1, shortest=4.0, longest=24.0, gap=1.0)
        suspicion.confirm(b"second", 30.0)
        self.assertEqual(suspicion.deadline, 30.0)
        suspicion = Suspicion(b"first", 10.0, wanted=1, shortest=4.0, longest=24.0, gap=1.0)
        suspicion.confirm(b"second", 40.0)
        self.assertEqual(suspicion.deadline, 34.0)

    def test_twice_towards_the_end_the_member_is_warned(self):
        suspicion = Suspicion(b"first", 10.0, wanted=2, shortest=4.0, longest=24.0, gap=1.0)
        dues = []
        for _ in range(3):
            dues.append(suspicion.due)
            suspicion.warned(suspicion.due)
        self.assertEqual(dues, [32.0, 33.0, 34.0])
        suspicion = Suspicion(b"first", 10.0, wanted=2, shortest=4.0, longest=24.0, gap=1.0)
        suspicion.warned(20.5)
        suspicion.confirm(b"second", 0)
        self.assertAlmostEqual(suspicion.due, 21.381)  # too late for more
        short = Suspicion(b"first", 10.0, wanted=0, shortest=1.5, longest=24.0, gap=1.0)
        self.assertEqual(short.due, 10.5)

    def test_it_may_last_longer_but_is_not_shortened_so(self):
        suspicion = Suspicion(b"first", 10.0, wanted=0, shortest=4.0, longest=24.0, gap=1.0)
        suspicion.extend(12.0)
        self.assertEqual(suspicion.deadline, 14.0)
        suspicion.extend(15.0)
        self.assertEqual(suspicion.deadline, 15.0)
