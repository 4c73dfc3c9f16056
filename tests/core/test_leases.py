"""Who holds what, and until when."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.held import Batch
from kapokmq.core.leases import Leases
from kapokmq.core.member import Consumer, Member
from kapokmq.core.memory import Memory
from kapokmq.core.message import Message, make_id
from kapokmq.core.policy import GroupConfig
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig


def a_message(offset):
    return Message(make_id(1, offset), 1, 0, 0, None, None, None, None, "x")


class LeasesTests(SynchronousTestCase):
    """Batches share a deadline."""

    def setUp(self):
        self.memory = Memory(1000)
        self.leases = Leases(self.memory)
        self.one, self.other = Member(Consumer(None, "a", 10)), Member(Consumer(None, "a", 10))

    def lend(self, members, offsets, deadline, since=0):
        codes = [str(offset) for offset in offsets]
        messages = [a_message(offset) for offset in offsets]
        self.leases.lend(Batch(members, codes, deadline, since), messages, gapless=True)
        return codes

    def overdue(self, now):
        return [(member, [message.offset for message in messages]) for member, messages in self.leases.overdue(now)]

    def test_a_lease_ends_once(self):
        codes = self.lend([self.one], [0, 1], 5.0)
        ended, odd = self.leases.end(self.one, [codes[0], codes[0], "junk"])
        self.assertEqual(([message.offset for message in ended], odd), ([0], [codes[0], "junk"]))
        self.assertEqual((self.leases.count, self.leases.next_deadline()), (1, 5.0))
        self.assertEqual([message.offset for message in self.leases.end_last(self.one)], [1])
        self.assertEqual((self.leases.count, self.leases.next_deadline()), (0, None))

    def test_members_of_a_broadcast_hold_it_each_for_itself(self):
        codes = self.lend([self.one, self.other], [0], 5.0)
        self.leases.end(self.one, codes)
        self.assertEqual((self.leases.count, self.overdue(5.0)), (1, [(self.other, [0]), (self.one, [])]))

    def test_what_is_touched_lasts_longer_and_the_rest_of_its_batch_does_not(self):
        codes = self.lend([self.one], [0, 1, 2], 5.0, since=77)
        self.assertEqual(self.leases.touch(self.one, [codes[1], "junk", codes[1]], 9.0), ["junk"])
        self.assertEqual(self.leases.touch(self.other, codes[:1], 9.0), codes[:1])
        self.assertEqual(self.overdue(5.0), [(self.one, [0, 2])])
        self.assertEqual(self.leases.next_deadline(), 9.0)
        self.assertEqual(self.one.held.get(codes[1])[1].since, 77, "it is held since then all the same")
        self.assertEqual(self.overdue(9.0), [(self.one, [1])])

    def test_a_batch_of_which_all_is_touched_is_gone(self):
        codes = self.lend([self.one], [0, 1], 5.0)
        self.leases.touch(self.one, codes, 9.0)
        self.assertEqual((self.leases.next_deadline(), self.overdue(8.9), self.leases.count), (9.0, [], 2))

    def test_what_is_held_for_ever_is_never_overdue(self):
        self.lend([self.one], [0], None)
        self.assertEqual((self.leases.next_deadline(), self.overdue(1e9)), (None, []))

    def test_shorter_ones_do_not_wait_for_longer_ones_that_were_lent_before(self):
        for_ever = self.lend([self.one], [0], None, since=1)
        self.lend([self.one], [1], 60.0, since=2)
        self.lend([self.one], [2], 5.0, since=3)
        self.lend([self.one], [3], 6.0, since=4)
        self.assertEqual((self.leases.next_deadline(), self.memory.held_since), (5.0, 1))
        self.assertEqual(self.overdue(60.0), [(self.one, [1]), (self.one, [3]), (self.one, [2])])
        self.leases.end(self.one, for_ever)
        self.assertEqual((self.leases.next_deadline(), self.memory.held_since, self.leases.count), (None, None, 0))
        self.lend([self.one], [4], 70.0)
        self.assertEqual(self.leases.next_deadline(), 70.0)

    def test_the_oldest_is_the_one_that_is_held_for_longest(self):
        self.assertIsNone(self.memory.held_since)
        first = self.lend([self.one], [0], 5.0, since=10)
        second = self.lend([self.one], [1], 6.0, since=20)
        self.assertEqual(self.memory.held_since, 10)
        self.leases.touch(self.one, first, 20.0)
        self.assertEqual(self.memory.held_since, 10, "although it is behind in the queue")
        self.leases.end(self.one, first)
        self.assertEqual(self.memory.held_since, 20)
        self.leases.end(self.one, second)
        self.assertIsNone(self.memory.held_since)


def published(rig, *bodies):
    rig.publish("a", list(bodies))
    rig.commit()
    rig.settle()


class AckWaitTests(SynchronousTestCase):
    """A group's deadline, and who touches."""

    def setUp(self):
        self.rig = Rig(Rules(ack_wait=10.0, lease_seconds=60.0, backoff=0.0))

    def test_named_groups_have_the_nodes_and_classic_ones_another(self):
        named, classic = self.rig.join("a", "g"), self.rig.connect("a")
        published(self.rig, "x")
        self.rig.wait(10.0)
        self.assertEqual((named.bodies, classic.bodies), (["x", "x"], ["x"]))

    def test_a_group_may_have_its_own(self):
        consumer = self.rig.join("a", "g")
        self.rig.broker.steering.set_config(self.rig.topic("a"), self.rig.group("a", "g"), GroupConfig(ack_wait=3.0))
        published(self.rig, "x")
        self.rig.wait(2.9)
        self.assertEqual(consumer.bodies, ["x"])
        self.rig.wait(0.1)
        self.assertEqual((consumer.bodies, consumer.attempts), (["x", "x"], [1, 2]))

    def test_one_that_was_shortened_counts_for_what_is_dealt_from_then_on(self):
        rig = Rig(Rules(lease_seconds=None))
        consumer = rig.connect("a")
        published(rig, "old")
        rig.broker.steering.set_config(rig.topic("a"), rig.group("a"), GroupConfig(ack_wait=5.0))
        published(rig, "new")
        rig.wait(5.0)
        self.assertEqual(consumer.bodies, ["old", "new", "new"])

    def test_who_touches_keeps_it(self):
        rig = self.rig
        consumer = rig.join("a", "g")
        published(rig, "x", "y")
        for _ in range(3):
            rig.wait(9.0)
            self.assertEqual(rig.touch(consumer, consumer.held[:1]), [])
        self.assertEqual(consumer.bodies, ["x", "y", "y"])
        rig.wait(10.0)
        self.assertEqual(consumer.bodies.count("x"), 2)

    def test_what_another_member_holds_is_not_touched(self):
        rig = self.rig
        one, other = rig.join("a", "g"), rig.join("a", "g")
        published(rig, "x")
        self.assertEqual(rig.touch(other, one.held), one.held)
        rig.ack(one, list(one.held))
        self.assertEqual(rig.touch(one, [one.got[0][0]]), [one.got[0][0]])

    def test_a_lease_says_since_when_it_lasts(self):
        consumer = self.rig.join("a", "g")
        published(self.rig, "x")
        [(_, batch)] = consumer.leases.values()
        self.assertEqual((batch.since, batch.deadline), (START.wall, START.steady + 10.0))
