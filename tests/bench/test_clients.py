"""Tiny runs of the clients' scenarios."""

from twisted.trial.unittest import SynchronousTestCase

from bench.catalog import SCENARIOS
from bench.scenario import Terms


class ClientsTests(SynchronousTestCase):
    def test_rates(self):
        rows = list(SCENARIOS["clients"].run(Terms(messages=2_000, seconds=10.0)))
        kinds = [f"{face}: {what}" for what in ("publish_many", "consume + ack") for face in ("blocking", "asyncio")]
        self.assertEqual([row.what for row in rows], kinds)
        for row in rows:
            self.assertEqual(row.messages, 2_000)
            self.assertGreater(row.rate, 0)
        self.assertEqual([row.extra["target"] for row in rows[:2]], [50_000, 100_000])

    def test_a_broker_that_stalls(self):
        for row in SCENARIOS["clients-stalled"].run(Terms(seconds=1.0)):
            self.assertGreater(row.messages, 50_000)
            self.assertGreater(row.extra["growth MiB"], 0)
            self.assertGreater(row.rss, 1 << 20)
