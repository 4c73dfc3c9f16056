"""Since when the message is held that has been held for longest."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codes import Codes
from kapokmq.core.held import Batch
from kapokmq.core.leases import Leases
from kapokmq.core.member import Consumer, Member
from kapokmq.core.memory import Memory
from kapokmq.core.message import Message
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig


class OldestTests(SynchronousTestCase):
    def setUp(self):
        self.memory = Memory(1000)
        self.leases = Leases(self.memory)
        self.members = [Member(Consumer(None, "t", 10)) for _ in range(2)]

    def lend(self, offset, since, *, deadline=None, members=None):
        message = Message(offset, 1, 0, 0, None, None, None, None, "x")
        codes = Codes(1).of([message])
        self.leases.lend(Batch(members or self.members[:1], codes, deadline, since), [message], gapless=True)
        return codes

    def test_nobody_holds_anything(self):
        self.assertIsNone(self.memory.held_since)

    def test_the_first_that_was_dealt(self):
        codes = self.lend(1, 100)
        self.lend(2, 200)
        self.assertEqual(self.memory.held_since, 100)
        self.leases.end(self.members[0], codes)
        self.assertEqual(self.memory.held_since, 200)

    def test_a_touched_one_is_as_old_as_it_was(self):
        codes = self.lend(1, 100, deadline=1.0)
        self.lend(2, 200, deadline=2.0)
        for deadline in (3.0, 4.0):
            self.leases.touch(self.members[0], codes, deadline)
            self.assertEqual(self.memory.held_since, 100)
        self.leases.end(self.members[0], codes)
        self.assertEqual(self.memory.held_since, 200)

    def test_one_of_which_a_part_was_touched(self):
        first, other = self.lend(1, 100, deadline=1.0, members=self.members), self.lend(2, 200, deadline=2.0)
        self.leases.touch(self.members[0], first, 3.0)
        self.leases.end(self.members[1], first)
        self.assertEqual(self.memory.held_since, 100)
        self.leases.end(self.members[0], first)
        self.assertEqual(self.memory.held_since, 200)
        self.leases.end(self.members[0], other)
        self.assertEqual(len(self.memory.lent), 0)

    def test_one_that_was_touched_and_then_lost(self):
        codes = self.lend(1, 100, deadline=1.0)
        self.lend(2, 200, deadline=9.0)
        self.leases.touch(self.members[0], codes, 10.0)
        list(self.leases.overdue(9.5))
        self.assertEqual(self.memory.held_since, 100)
        list(self.leases.overdue(10.5))
        self.assertIsNone(self.memory.held_since)

    def test_over_all_topics(self):
        rig = Rig(Rules())
        self.assertIsNone(rig.broker.held_since)
        for topic in "ab":
            rig.connect(topic)
            rig.publish(topic, ["x"])
            rig.commit()
            rig.wait(1.0)
        self.assertEqual(rig.broker.held_since, START.wall)
