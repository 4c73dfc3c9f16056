"""How long to go on, and how fast."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.patience import LONGEST, Pace, Patience


class PatienceTests(SynchronousTestCase):
    def test_it_waits_longer_and_longer_and_then_gives_up(self):
        patience, now, waits = Patience(60.0), 100.0, []
        while (wait := patience.wait(now, 1.0)) is not None:
            waits.append(wait)
            now += wait
        self.assertEqual(waits[:4], [0.1, 0.2, 0.4, 0.8])
        self.assertEqual(max(waits), LONGEST)
        self.assertAlmostEqual(now, 160.0)

    def test_chance_spreads_over_the_upper_half(self):
        self.assertEqual([Patience(60.0).wait(0.0, chance) for chance in (0.0, 1.0)], [0.05, 0.1])

    def test_what_the_broker_asks_for_counts(self):
        self.assertEqual(Patience(60.0).wait(0.0, 1.0, 3.0), 3.0)
        self.assertEqual(Patience(2.0).wait(0.0, 1.0, 3.0), 2.0)

    def test_it_begins_anew_once_things_go_well(self):
        patience = Patience(10.0)
        patience.wait(0.0, 1.0)
        patience.well()
        self.assertEqual(patience.wait(100.0, 1.0), 0.1)
        self.assertIsNone(patience.wait(111.0, 1.0))


class PaceTests(SynchronousTestCase):
    def test_messages_are_spread_evenly(self):
        pace = Pace(100.0)
        self.assertEqual(pace.ready(50.0), 0.0)
        pace.took(20)
        self.assertAlmostEqual(pace.ready(50.0), 0.2)
        self.assertEqual(pace.ready(50.3), 0.0)

    def test_what_was_not_sent_meanwhile_is_not_made_up_for(self):
        pace, now, sent = Pace(10.0), 0.0, []
        self.assertEqual(pace.ready(now), 0.0)
        pace.took(1)
        now = 600.0
        while now < 601.0:
            now += pace.ready(now)
            pace.took(1)
            sent.append(now)
        self.assertEqual(len(sent), 11)
        self.assertAlmostEqual(sent[-1] - sent[0], 1.0)

    def test_a_clock_that_wakes_a_little_late_costs_nothing(self):
        pace, now = Pace(100.0), 0.0
        for number in range(1000):
            now += pace.ready(now) + (0.03 if number % 10 == 5 else 0.0)
            pace.took(1)
        self.assertTrue(9.98 < now < 10.0, now)

    def test_batches_are_small_enough_for_the_rate(self):
        self.assertEqual([Pace(rate).together(100) for rate in (None, 1.0, 200.0, 1e6)], [100, 1, 10, 100])
        self.assertEqual(Pace(None).ready(5.0), 0.0)
