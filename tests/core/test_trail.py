"""When a group was done with what: as few rows as a second needs."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import AckedRow
from kapokmq.core.trail import Trail


class TrailTests(SynchronousTestCase):
    def setUp(self):
        self.trail = Trail(7)

    def test_a_run_next_to_the_one_before_lengthens_its_row_within_a_second(self):
        self.assertEqual(self.trail.rows([(0, 4)], 10_000), [AckedRow(7, 0, 4, 10_000)])
        self.assertEqual(self.trail.rows([(5, 5)], 10_999), [AckedRow(7, 0, 5, 10_000)])
        self.assertEqual(self.trail.rows([(6, 6)], 11_000), [AckedRow(7, 6, 6, 11_000)])

    def test_a_gap_begins_another(self):
        rows = self.trail.rows([(0, 1), (3, 4), (5, 6)], 10_000)
        self.assertEqual(rows, [AckedRow(7, 0, 1, 10_000), AckedRow(7, 3, 4, 10_000), AckedRow(7, 3, 6, 10_000)])

    def test_no_row_reaches_back_over_what_was_removed(self):
        self.trail.rows([(0, 4)], 10_000)
        self.trail.cut()
        self.assertEqual(self.trail.rows([(5, 6)], 10_100), [AckedRow(7, 5, 6, 10_100)])

    def test_nothing_is_no_row(self):
        self.assertEqual(self.trail.rows([], 10_000), [])
