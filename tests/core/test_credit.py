"""How much a consumer may hold, changed while it consumes."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steps import acked, published


class CreditTests(SynchronousTestCase):
    """The window may be changed at any time."""

    def setUp(self):
        self.rig = Rig(Rules())

    def test_up_more_comes_down_nothing_until_enough_is_acknowledged(self):
        rig = self.rig
        consumer = rig.join("a", "g", 1)
        published(rig, "a", *"123456")
        rig.credit(consumer, 4)
        self.assertEqual(consumer.bodies, list("1234"))
        rig.credit(consumer, 2)
        rig.ack(consumer, consumer.held[:2])
        self.assertEqual(len(consumer.got), 4)
        rig.ack(consumer, consumer.held[:1])
        self.assertEqual(consumer.bodies, list("12345"))

    def test_nought_pauses(self):
        rig = self.rig
        consumer = rig.join("a", "g", 0)
        published(rig, "a", "1")
        self.assertEqual(consumer.bodies, [])
        rig.credit(consumer, 5)
        self.assertEqual(consumer.bodies, ["1"])
        rig.credit(consumer, 0)
        acked(rig, consumer)
        published(rig, "a", "2")
        self.assertEqual(consumer.bodies, ["1"])

    def test_a_pattern_is_paused_as_well(self):
        rig = self.rig
        consumer = rig.join("a.*", "g")
        published(rig, "a.1", "1")
        published(rig, "a.2", "2")
        rig.credit(consumer, 0)
        published(rig, "a.1", "3")
        self.assertEqual(len(consumer.got), 2)
        rig.credit(consumer, 3)
        rig.settle()
        self.assertEqual(consumer.bodies, ["1", "2", "3"])

    def test_a_tail_uses_it_up_and_gets_as_many_more_as_it_asks_for(self):
        rig = self.rig
        tail = rig.join("a", None, 2, owes=False)
        published(rig, "a", *"12345")
        self.assertEqual(tail.bodies, ["1", "2"])
        rig.credit(tail, 2)
        self.assertEqual(tail.bodies, ["1", "2", "3", "4"])
        rig.credit(tail, 10)
        rig.credit(tail, 1)
        self.assertEqual(tail.bodies, list("12345"))
        published(rig, "a", "6", "7")
        self.assertEqual(tail.bodies, list("123456"), "one more, not ten")

    def test_one_who_owes_may_have_credit_that_does_not_renew(self):
        rig = self.rig
        consumer = rig.join("a", "g", 2, renews=False)
        published(rig, "a", *"1234")
        acked(rig, consumer)
        self.assertEqual(consumer.bodies, ["1", "2"])
        rig.credit(consumer, 1)
        self.assertEqual(consumer.bodies, ["1", "2", "3"])
