"""How long commits took lately."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit_times import RecentCommits


class RecentCommitsTests(SynchronousTestCase):
    def setUp(self):
        self.recent = RecentCommits()

    def test_there_were_none(self):
        self.assertIsNone(self.recent.told(5.0))

    @given(st.lists(st.floats(1e-5, 100.0), min_size=1, max_size=150))
    def test_half_of_them_and_nearly_all(self, times):
        recent = RecentCommits()
        for at, seconds in enumerate(times):
            recent.observe(at * 0.3, seconds)
        half, most, count = recent.told(50.0)
        self.assertEqual(count, len(times))
        times.sort()
        for found, exact in ((half, times[-(-count // 2) - 1]), (most, times[-(-count * 99 // 100) - 1])):
            self.assertLess(abs(found / exact - 1.0), 0.051)

    def test_most_is_not_all(self):
        for seconds in [0.001] * 99 + [9.0]:
            self.recent.observe(0.0, seconds)
        self.assertLess(self.recent.told(0.0).most, 0.0011)
        self.recent.observe(0.0, 9.0)
        self.assertGreater(self.recent.told(0.0).most, 8.5)

    def test_no_time_at_all(self):
        self.recent.observe(0.0, 0.0)
        self.recent.observe(0.0, -1.0)
        half, most, count = self.recent.told(0.0)
        self.assertEqual(count, 2)
        self.assertTrue(0 < half == most < 1e-5)

    def test_what_is_over_a_minute_ago_is_forgotten(self):
        self.recent.observe(2.0, 1.0)
        self.recent.observe(8.0, 0.1)
        self.assertEqual(self.recent.told(62.0).count, 2)
        self.assertEqual(self.recent.told(65.0).count, 1)
        self.assertIsNone(self.recent.told(70.0))
        self.recent.observe(200.0, 0.1)
        self.recent.observe(300.0, 0.1)
        self.assertEqual(len(self.recent._slots), 1, "also where nobody asks")
