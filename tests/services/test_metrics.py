"""Figures for Prometheus."""

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.engine import Figures
from kapokmq.services.metrics import NodeMetrics

NAMES = (
    "kapokmq_messages_published_total", "kapokmq_messages_delivered_total", "kapokmq_messages_acked_total",
    "kapokmq_messages_retried_total", "kapokmq_messages_expired_total", "kapokmq_acks_ignored_total",
    "kapokmq_messages_waiting", "kapokmq_messages_in_flight", "kapokmq_messages_delayed", "kapokmq_memory_held_bytes",
    "kapokmq_topics", "kapokmq_messages_nacked_total", "kapokmq_messages_dead_total",
    "kapokmq_publishes_duplicate_total", "kapokmq_groups", "kapokmq_leases_oldest_seconds",
)  # fmt: skip


def samples(metrics):
    """Read an exposition back: (name, labels) -> value."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


class NodeMetricsTests(SynchronousTestCase):
    """One node's."""

    def setUp(self):
        self.figures = Figures(*range(1, len(NAMES) + 1))
        self.clock = Clock()
        self.metrics = NodeMetrics(lambda: self.figures, lambda: (2, 3, 4), "0.1.0", self.clock.seconds)

    def test_figures_are_read_when_asked(self):
        self.assertEqual(len(NAMES), len(Figures._fields))
        self.assertEqual([samples(self.metrics)[name,] for name in NAMES], list(range(1, len(NAMES) + 1)))
        self.figures = self.figures._replace(published=100)
        self.assertEqual(samples(self.metrics)["kapokmq_messages_published_total",], 100)

    def test_making_them_reads_nothing(self):
        NodeMetrics(lambda: 1 / 0, lambda: 1 / 0, "x", self.clock.seconds).observe_commit(0.1, 1)

    def test_connections_and_build(self):
        found = samples(self.metrics)
        self.assertEqual(found["kapokmq_connections", "producer"], 2)
        self.assertEqual(found["kapokmq_connections", "consumer"], 3)
        self.assertEqual(found["kapokmq_connections", "v2"], 4)
        self.assertEqual(found["kapokmq_build_info", "0.1.0"], 1)

    def test_commits(self):
        for seconds, messages in ((0.0004, 1), (0.003, 700), (20.0, 10_000)):
            self.metrics.observe_commit(seconds, messages)
        found = samples(self.metrics)
        self.assertEqual(found["kapokmq_commit_seconds_bucket", "0.0005"], 1)
        self.assertEqual(found["kapokmq_commit_seconds_bucket", "0.005"], 2)
        self.assertEqual(found["kapokmq_commit_seconds_bucket", "+Inf"], 3)
        self.assertAlmostEqual(found["kapokmq_commit_seconds_sum",], 20.0034)
        self.assertEqual(found["kapokmq_commit_messages_bucket", "1000.0"], 2)

    def test_commits_of_the_last_minute(self):
        self.assertIsNone(self.metrics.commits())
        self.metrics.observe_commit(0.01, 1)
        self.clock.advance(30)
        self.metrics.observe_commit(0.02, 1)
        self.assertEqual(self.metrics.commits().count, 2)
        self.clock.advance(40)
        self.assertEqual(self.metrics.commits().count, 1)

    def test_delays_and_the_longest_of_them_lately(self):
        for seconds in (0.0, 0.003, 0.04):
            self.metrics.observe_delay(seconds)
        found = samples(self.metrics)
        self.assertEqual(found["kapokmq_loop_delay_seconds_bucket", "0.005"], 2)
        self.assertEqual(found["kapokmq_loop_delay_seconds_count",], 3)
        self.assertEqual(found["kapokmq_loop_delay_seconds_max",], 0.04)
        self.clock.advance(60)
        for _ in range(2):
            self.assertEqual(samples(self.metrics)["kapokmq_loop_delay_seconds_max",], 0.04)
        self.clock.advance(60)
        self.assertEqual(samples(self.metrics)["kapokmq_loop_delay_seconds_max",], 0)

    def test_two_nodes_do_not_mix(self):
        other = NodeMetrics(lambda: self.figures, lambda: (0, 0, 0), "0.1.0", self.clock.seconds)
        other.observe_commit(1, 1)
        self.assertEqual(samples(self.metrics)["kapokmq_commit_seconds_count",], 0)
