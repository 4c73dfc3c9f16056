"""What is written down of messages that nobody holds any more."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import AckedRow, DeadRow
from kapokmq.core.lost import Lost
from kapokmq.core.rules import Rules
from kapokmq.core.settling import Settling
from tests.core.rig import START, Rig
from tests.core.steps import published


class SettlingTests(SynchronousTestCase):
    def setUp(self):
        self.rig = Rig(Rules())
        published(self.rig, "a", "0", "1", "2")
        self.rig.join("a", "g", 0)
        self.rig.commit()
        broker = self.rig.broker
        self.settling = Settling(broker.ledger, broker.tally, broker.retention)

    def place(self, name="g"):
        return self.rig.topic("a"), self.rig.group("a", name)

    def taken(self):
        return self.rig.broker.take_commit().commit

    def test_what_the_only_group_is_done_with_is_consumed(self):
        self.settling.settled(self.place(), [0, 2], START)
        self.settling.settled(self.place(), [], START)
        commit = self.taken()
        self.assertEqual([(row.first & 7, row.last & 7) for row in commit.consumed], [(0, 0), (2, 2)])
        self.assertEqual([tuple(row) for row in commit.acks], [(1, 2, 2)])
        self.assertEqual(commit.acked, [], "when that was, the messages themselves say")

    def test_with_another_group_it_is_recorded_when_that_was_and_nothing_is_consumed_yet(self):
        self.rig.join("a", "h", 0, start="all")
        self.settling.settled(self.place(), [0, 1], START)
        self.settling.settled(self.place("h"), [1], START)
        commit = self.taken()
        self.assertEqual([row.first & 7 for row in commit.consumed], [1])
        self.assertEqual(commit.acked, [AckedRow(1, 0, 1, START.wall), AckedRow(2, 1, 1, START.wall)])

    def test_what_a_private_group_is_done_with_nobody_has_to_know(self):
        consumer = self.rig.join("a", None)
        [(group, (topic, _))] = consumer.consumer.places.items()
        self.settling.settled((topic, group), [3], START)
        self.assertTrue(group.position.is_done(3))
        self.assertFalse(self.rig.broker.ledger)

    def test_leases_that_ended_badly_are_counted_and_what_is_given_up_is_told(self):
        dead = DeadRow(1, 0, START.wall, 1, "no")
        self.settling.took_back(self.place(), Lost([1], [], 2, [dead], []), START)
        figures = self.rig.broker.figures()
        self.assertEqual((figures.retried, figures.dead, self.rig.broker.counts().consumed), (2, 1, 1))
        self.assertEqual(self.taken().dead, [dead])

    def test_where_no_lease_ended_nothing_is_counted(self):
        self.settling.took_back(self.place(), Lost([], [], 0), START)
        self.assertEqual(self.rig.broker.figures().retried, 0)
        self.assertFalse(self.rig.broker.ledger)
