"""A broker whose classic consumers each get everything."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.rules import Rules
from tests.core.rig import Rig


class BroadcastCase(SynchronousTestCase):
    """A rig in broadcast mode."""

    rules = Rules(broadcast=True, retry_count=1, retry_seconds=45.0)

    def setUp(self):
        self.rig = Rig(self.rules)

    def publish(self, *bodies):
        self.rig.publish("orders", list(bodies))
        self.rig.commit()
        self.rig.settle()

    def assert_counts(self, *, stored, consumed):
        counts = self.rig.broker.counts()
        self.assertEqual((counts.all, counts.consumed), (stored, consumed))

    def assert_nothing_left(self):
        figures = self.rig.broker.figures()
        self.assertEqual((figures.memory, figures.in_flight), (0, 0))
        [group] = self.rig.broker.catalog.groups.values()
        self.assertEqual((group._owing, group._acked, group._assigned, group.attempts), ({}, set(), 0, {}))
