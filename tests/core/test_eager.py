"""A node that confirms and delivers before the commit."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.rules import Rules
from tests.core.rig import Rig


class EagerTests(SynchronousTestCase):
    """With isPersistent 1 the confirmation leaves at once."""

    def setUp(self):
        self.rig = Rig(Rules(eager=True))

    def test_a_message_is_confirmed_and_dealt_at_once(self):
        consumer = self.rig.connect("a")
        producer = self.rig.publish("a", ["x"])
        self.assertEqual((producer.confirmed_count, consumer.bodies), (1, ["x"]))
        self.rig.commit()
        self.assertEqual((producer.confirmed_count, consumer.bodies), (1, ["x"]))

    def test_what_does_not_fit_in_memory_is_dealt_after_its_commit(self):
        self.rig = Rig(Rules(eager=True, memory_budget=1))
        consumer = self.rig.connect("a")
        producer = self.rig.publish("a", ["x"])
        self.assertEqual((producer.confirmed_count, consumer.bodies), (1, []))
        self.rig.commit()
        self.assertEqual(consumer.bodies, ["x"])

    def test_a_consumer_that_comes_before_the_commit_gets_it_after(self):
        self.rig.publish("a", ["x"])
        consumer = self.rig.connect("a")
        self.assertEqual(consumer.bodies, [])
        self.rig.commit()
        self.assertEqual(consumer.bodies, ["x"])

    def test_a_delayed_message_falls_due_although_it_is_not_stored_yet(self):
        consumer = self.rig.connect("a")
        self.rig.publish("a", ["x"], delay=5)
        self.rig.wait(4.9)
        self.assertEqual(consumer.bodies, [])
        self.rig.wait(0.1)
        self.assertEqual(consumer.bodies, ["x"])
        self.rig.commit()
        self.rig.settle()
        self.rig.ack(consumer, list(consumer.held))
        self.assertEqual((consumer.bodies, self.rig.broker.figures().memory), (["x"], 0))

    def test_one_that_fell_due_unsaved_is_met_in_the_log_by_who_has_not_come_so_far(self):
        self.rig.publish("a", ["x"], delay=5)
        consumer = self.rig.connect("a")
        self.rig.wait(5.0)
        self.assertEqual(consumer.bodies, [])
        self.rig.commit()
        self.assertEqual(consumer.bodies, ["x"])

    def test_a_saved_one_is_read_from_the_store_when_it_falls_due(self):
        consumer = self.rig.connect("a")
        self.rig.publish("a", ["x"], delay=5)
        self.rig.commit()
        self.assertEqual(self.rig.broker.arrivals._unsaved, {})
        self.rig.wait(5.0)
        self.assertEqual(consumer.bodies, ["x"])

    def test_thirty_thousand_unsaved_ones_all_fall_due(self):
        consumer = self.rig.connect("a", 100_000)
        for number in range(30):
            self.rig.publish("a", [f"{number}.{part}" for part in range(1000)], delay=60 - number)
        for _ in range(60):
            self.rig.wait(1.0)
        self.assertEqual(len(set(consumer.bodies)), 30_000)
        self.assertEqual(len(consumer.bodies), 30_000)
        self.assertEqual((consumer.bodies[0], consumer.bodies[-1]), ("29.0", "0.999"))
        self.assertEqual(self.rig.broker.counts().delayed, 0)

    def test_a_code_is_not_given_twice_although_its_message_was_lost(self):
        consumer = self.rig.connect("a")
        self.rig.publish("a", ["lost"])
        self.rig.crash()
        again = self.rig.connect("a")
        self.rig.publish("a", ["kept"])
        self.assertEqual(again.bodies, ["kept"])
        self.assertNotEqual(again.got[0][0], consumer.got[0][0])
        self.rig.ack(again, [consumer.got[0][0]])
        self.assertEqual(self.rig.broker.counts().consumed, 0)
