"""What happened minute by minute."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.engine import Figures
from kapokmq.core.minutes import KEPT, MINUTE, Minutes
from kapokmq.core.vitals import Minute

BEGIN = 30_000_000 * MINUTE
NOTHING = Figures(*[0] * len(Figures._fields))


def totals(published, **others):
    return NOTHING._replace(published=published, **others)


class MinutesTests(SynchronousTestCase):
    def setUp(self):
        self.minutes = Minutes(BEGIN + 20_000, totals(5))

    def told(self, wall, published):
        return [(one.at - BEGIN, one.published) for one in self.minutes.told(BEGIN + wall, totals(published))]

    def test_the_one_that_runs_is_told(self):
        now = totals(7, delivered=6, acked=5, nacked=4, retried=3, dead=2, expired=1)
        self.assertEqual(self.minutes.told(BEGIN + 30_000, now), [Minute(BEGIN, 2, 6, 5, 4, 3, 2)])
        self.assertEqual(self.told(59_999, 9), [(0, 4)])

    def test_minutes_follow_one_another(self):
        self.minutes.look(BEGIN + MINUTE, totals(10))
        self.minutes.look(BEGIN + MINUTE + 1, totals(11))
        self.minutes.look(BEGIN + 2 * MINUTE, totals(13))
        self.assertEqual(self.told(2 * MINUTE + 500, 14), [(0, 5), (MINUTE, 3), (2 * MINUTE, 1)])
        self.assertEqual(self.told(9 * MINUTE, 14), [(0, 5), (MINUTE, 3), (2 * MINUTE, 1), (9 * MINUTE, 0)])

    def test_so_many_are_kept(self):
        for at in range(1, 100):
            self.minutes.look(BEGIN + at * MINUTE, totals(at))
        told = self.told(99 * MINUTE + 1, 200)
        self.assertEqual((len(told), told[0], told[-1]), (KEPT + 1, (39 * MINUTE, 1), (99 * MINUTE, 101)))

    def test_what_is_older_than_an_hour_is_forgotten_whatever_was_missed(self):
        for at in range(1, 5):
            self.minutes.look(BEGIN + at * MINUTE, totals(5 + at))
        self.assertEqual([at for at, _ in self.told(63 * MINUTE, 9)], [3 * MINUTE, 4 * MINUTE, 63 * MINUTE])
        self.assertEqual(self.told(500 * MINUTE, 20), [(500 * MINUTE, 0)])

    def test_a_clock_that_is_set_back_begins_there_anew(self):
        for at in range(1, 5):
            self.minutes.look(BEGIN + at * MINUTE, totals(5 + at))
        self.assertEqual(self.told(2 * MINUTE + 7, 20), [(0, 1), (MINUTE, 1), (2 * MINUTE, 0)])
        self.assertEqual(self.told(2 * MINUTE + 8, 21), [(0, 1), (MINUTE, 1), (2 * MINUTE, 1)])
