"""How late the reactor was, for Prometheus."""

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from serena.services.delay_metrics import DelayMetrics, Worst


class WorstTests(SynchronousTestCase):
    def test_it_is_told_for_a_minute_at_least_and_for_two_at_most(self):
        for begin in (0.0, 30.0, 59.9):
            worst = Worst()
            worst.note(begin, 0.5)
            worst.note(begin, 0.2)
            for after in (0.0, 20.0, 60.0):
                self.assertEqual(worst.told(begin + after), 0.5, (begin, after))
            self.assertEqual(worst.told(begin + 120.0), 0.0)

    def test_another_takes_its_place(self):
        worst = Worst()
        self.assertEqual(worst.told(7.0), 0.0)
        worst.note(10.0, 0.5)
        worst.note(70.0, 0.1)
        self.assertEqual(worst.told(119.0), 0.5)
        self.assertEqual(worst.told(120.0), 0.1)

    def test_a_long_pause_forgets_all(self):
        worst = Worst()
        worst.note(10.0, 0.5)
        self.assertEqual(worst.told(130.0), 0.0)


class DelayMetricsTests(SynchronousTestCase):
    def test_reading_changes_nothing(self):
        clock, registry = Clock(), CollectorRegistry()
        metrics = DelayMetrics("serena", registry, clock.seconds)
        metrics.observe(0.03)
        for _ in range(2):
            self.assertEqual(registry.get_sample_value("serena_loop_delay_seconds_max"), 0.03)
        self.assertEqual(registry.get_sample_value("serena_loop_delay_seconds_bucket", {"le": "0.02"}), 0)
        self.assertEqual(registry.get_sample_value("serena_loop_delay_seconds_count"), 1)
        clock.advance(120)
        self.assertEqual(registry.get_sample_value("serena_loop_delay_seconds_max"), 0)
