"""A broker that an operator steers."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.totals import apart


class SteeringCase(SynchronousTestCase):
    """A rig, and short ways to steer it."""

    rules = Rules(clean_seconds=None, max_attempts=1, backoff=0.0)

    def setUp(self):
        self.rig = Rig(self.rules)

    def tearDown(self):
        self.assertEqual(apart(self.rig.broker), [])

    def publish(self, *bodies, topic="a", **call):
        self.rig.publish(topic, list(bodies), **call)
        self.rig.commit()
        self.rig.settle()

    def ack(self, consumer, count=None):
        self.rig.ack(consumer, list(consumer.held)[:count])
        self.rig.commit()
        self.rig.settle()

    def do(self, effects):
        self.rig.run(effects)
        self.rig.commit()
        self.rig.settle()

    @property
    def steering(self):
        return self.rig.broker.steering

    def bodies(self):
        return [message.data for _, message in sorted(self.rig.store.messages.items())]

    def assert_counts_hold(self):
        """What is counted is what is stored, now and after a restart."""
        self.rig.commit()
        counts = self.rig.broker.counts()
        self.assertEqual(counts.all, len(self.rig.store.messages))
        self.assertGreaterEqual(min(counts), 0)
        self.rig.crash()
        self.assertEqual(self.rig.broker.counts(), counts)
