"""How long messages are kept."""

from unittest.mock import patch

from kapokmq.core import retention
from kapokmq.core.effects import Sweep, SweepDelayed, SweepExpired
from kapokmq.core.message import make_id
from kapokmq.core.rules import Rules
from tests.core.naive_store import remnants
from tests.core.retention_case import RetentionCase, published
from tests.core.rig import Rig


class ConsumedTests(RetentionCase):
    """What becomes of consumed messages."""

    def test_they_stay_until_their_time_by_default(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x"])
        self.rig.ack(consumer, list(consumer.held))
        self.rig.commit()
        self.assertEqual(self.bodies(), ["x"])
        self.assert_counts_hold()

    def test_they_go_at_once_with_clean_consumed(self):
        self.rig = Rig(Rules(clean_consumed=True))
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y", "z"])
        self.rig.ack(consumer, consumer.held[1:])
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))
        self.rig.commit()
        self.assertEqual(self.bodies(), ["x"])
        self.assert_counts_hold()


class SweepTests(RetentionCase):
    """Messages go when they are old, whatever became of them."""

    def sweep(self):
        self.rig.sweep()
        self.rig.commit()

    def test_a_message_goes_when_its_time_is_over_and_not_before(self):
        published(self.rig, "a", ["x"])
        self.rig.wait(100.0)
        self.sweep()
        self.assertEqual(self.bodies(), ["x"])
        self.rig.wait(0.001)
        self.sweep()
        self.assertEqual(self.bodies(), [])
        self.assert_counts_hold()

    def test_consumed_and_waiting_ones_go_alike_and_are_counted_apart(self):
        consumer = self.rig.connect("a", 1)
        published(self.rig, "a", ["consumed", "held", "waiting"])
        self.rig.ack(consumer, list(consumer.held))
        self.rig.wait(101.0)
        self.sweep()
        self.assertEqual(self.bodies(), [])
        self.assertEqual(self.rig.broker.figures().expired, 2)
        self.assert_counts_hold()

    def test_a_delayed_message_is_counted_from_when_it_was_due(self):
        published(self.rig, "a", ["late"], delay=500)
        self.rig.wait(500.0)
        self.sweep()
        self.assertEqual(self.bodies(), ["late"])
        self.rig.wait(100.001)
        self.sweep()
        self.assertEqual(self.bodies(), [])
        self.assert_counts_hold()

    def test_delayed_ones_of_several_topics_go_together(self):
        for topic in ("a", "b"):
            published(self.rig, topic, [topic, topic * 2], delay=10)
        self.rig.wait(111.0)
        self.sweep()
        self.assertEqual(self.bodies(), [])
        self.assert_counts_hold()

    def test_nothing_goes_where_messages_are_kept_for_ever(self):
        self.rig = Rig(Rules(clean_seconds=None))
        published(self.rig, "a", ["x"])
        self.rig.wait(1e9)
        self.sweep()
        self.assertEqual(self.bodies(), ["x"])
        self.assertEqual([effect for effect in self.rig.reads if isinstance(effect, (Sweep, SweepDelayed))], [])

    def test_a_sweep_reads_slice_after_slice_and_topic_after_topic(self):
        with patch.object(retention, "SLICE", 3):
            for topic in ("a", "b"):
                published(self.rig, topic, [f"{topic}{number}" for number in range(7)])
            self.rig.connect("empty")
            self.rig.wait(101.0)
            published(self.rig, "a", ["young"])
            self.sweep()
        self.assertEqual(self.bodies(), ["young"])
        topics = [effect.topic.name for effect in self.rig.reads if isinstance(effect, Sweep)]
        self.assertEqual(topics, ["a"] * 4 + ["b"] * 4)
        self.assert_counts_hold()

    def test_it_goes_on_where_the_last_one_stopped(self):
        published(self.rig, "a", ["old"])
        self.rig.wait(50.0)
        published(self.rig, "a", ["young"])
        self.rig.wait(51.0)
        self.sweep()
        self.rig.reads.clear()
        self.sweep()
        self.assertEqual([effect.first & 7 for effect in self.rig.reads if isinstance(effect, Sweep)], [1])

    def test_of_very_many_topics_each_sweep_takes_some(self):
        with patch.object(retention, "SWEPT_AT_ONCE", 2):
            for topic in "abcde":
                published(self.rig, topic, [topic])
            self.rig.wait(101.0)
            for left in (["c", "d", "e"], ["e"], []):
                self.sweep()
                self.assertEqual(self.bodies(), left)

    def test_one_sweep_at_a_time(self):
        published(self.rig, "a", ["x"])
        self.rig.kept = []
        self.rig.sweep()
        self.rig.sweep()
        self.assertEqual(len(self.rig.kept), 1)

    def test_a_slice_that_can_not_be_read_ends_the_sweep_and_the_next_one_tries_again(self):
        published(self.rig, "a", ["x"])
        published(self.rig, "a", ["late"], delay=1)
        self.rig.wait(102.0)
        broker = self.rig.broker
        [asked] = broker.retention.sweep(self.rig.now)
        self.assertEqual(broker.retention.swept(asked, None, 0, self.rig.now), [])
        [asked] = broker.retention.sweep(self.rig.now)
        [again] = broker.retention.swept(asked, [], asked.first, self.rig.now)
        self.assertIsInstance(again, SweepDelayed)
        [last] = broker.swept_apart(again, None, self.rig.now)
        self.assertIsInstance(last, SweepExpired)
        self.assertEqual(broker.swept_apart(last, None, self.rig.now), [])
        self.sweep()
        self.assertEqual(self.bodies(), [])

    def test_what_an_answer_still_holds_is_not_removed_twice(self):
        # The slice was read before the commit that deletes it, and comes after.
        published(self.rig, "a", ["x", "y"])
        self.rig.wait(101.0)
        [asked] = self.rig.broker.retention.sweep(self.rig.now)
        slice_read = remnants(list(self.rig.store.messages.values()))
        self.rig.delete("x")
        self.rig.commit()
        self.rig.run(self.rig.broker.retention.swept(asked, slice_read, slice_read[-1].id + 1, self.rig.now))
        self.assert_counts_hold()
        self.assertEqual(self.rig.broker.counts().all, 0)

    def test_nor_is_what_the_commit_after_this_one_removes(self):
        published(self.rig, "a", ["x", "y"])
        self.rig.wait(101.0)
        published(self.rig, "a", ["young"])
        self.rig.delete("x")
        self.rig.begin_commit()
        self.rig.delete("y")
        self.rig.end_commit_into_the_next()
        self.rig.sweep()  # the store still has y
        self.rig.end_commit()
        self.assert_counts_hold()
        self.assertEqual(self.rig.broker.counts().all, 1)


class GoingTests(RetentionCase):
    """What was removed is known as going until neither the store nor an answer on its way can have it."""

    def setUp(self):
        self.rig = Rig(Rules(clean_consumed=True, clean_seconds=None))
        self.consumer = self.rig.connect("a", 1000)
        self.retention = self.rig.broker.retention

    def traffic(self, count):
        """Messages that go as soon as they are acknowledged, and commits that never have nothing to remove."""
        for _ in range(count):
            self.rig.publish("a", ["x"])
            self.rig.end_commit()
            self.rig.ack(self.consumer, list(self.consumer.held))
            self.rig.begin_commit()

    def ids(self, stop):
        return [make_id(1, offset) for offset in range(stop)]

    def test_under_constant_traffic_what_is_long_gone_is_forgotten(self):
        self.traffic(50)
        going = [each for each in self.ids(50) if self.retention.is_going(each)]
        self.assertNotEqual(going, [])
        self.assertLess(len(going), 5)
        self.rig.commit()
        self.rig.ack(self.consumer, list(self.consumer.held))
        self.rig.commit()
        self.assertEqual((len(self.consumer.got), self.bodies()), (50, []))

    def test_while_somebody_is_looking_nothing_is_forgotten(self):
        self.traffic(3)
        self.retention.look_up()
        known = [each for each in self.ids(3) if self.retention.is_going(each)]
        self.traffic(20)
        self.assertLessEqual(set(known), {each for each in self.ids(23) if self.retention.is_going(each)})
        self.retention.looked()
        self.traffic(5)
        self.assertEqual([each for each in known if self.retention.is_going(each)], [])

    def test_at_rest_nothing_is_going(self):
        self.traffic(3)
        self.rig.commit()
        for _ in range(2):
            self.rig.publish("b", ["y"])
            self.rig.commit()
        self.assertEqual([each for each in self.ids(4) if self.retention.is_going(each)], [])
