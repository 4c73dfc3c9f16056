"""A broker whose messages go some time."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.totals import apart


def published(rig, topic, bodies, delay=0):
    rig.publish(topic, bodies, delay)
    rig.commit()


class RetentionCase(SynchronousTestCase):
    """A rig whose counts are compared with its store."""

    rules = Rules(clean_seconds=100.0)

    def setUp(self):
        self.rig = Rig(self.rules)

    def tearDown(self):
        self.assertEqual(apart(self.rig.broker), [])

    def assert_counts_hold(self):
        """What is counted is what is stored, now and after a restart."""
        self.rig.commit()
        counts = self.rig.broker.counts()
        self.assertEqual(counts.all, len(self.rig.store.messages))
        self.assertGreaterEqual(min(counts), 0)
        self.rig.crash()
        self.assertEqual(self.rig.broker.counts(), counts)

    def bodies(self):
        return sorted(message.data for message in self.rig.store.messages.values())
