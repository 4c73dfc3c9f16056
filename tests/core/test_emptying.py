"""Walks through a topic: slice by slice, one at a time, and never ahead of the commits."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import emptying
from kapokmq.core.effects import Sweep
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.naive_store import remnants
from tests.core.rig import Rig


class WalkTests(SynchronousTestCase):
    """How a walk goes on."""

    def setUp(self):
        self.patch = patch.object(emptying, "SLICE", 3)
        self.patch.start()
        self.addCleanup(self.patch.stop)
        self.rig = Rig(Rules(clean_seconds=None))

    def publish(self, count, topic="a"):
        self.rig.publish(topic, [str(number) for number in range(count)])
        self.rig.commit()
        self.rig.reads.clear()

    def purge(self, topic="a"):
        self.rig.run(self.rig.broker.steering.purge_topic(self.rig.topic(topic))[1])

    def delete_group(self, name):
        self.rig.run(
            self.rig.broker.steering.delete_group(self.rig.topic("a"), self.rig.group("a", name), self.rig.now)
        )

    def firsts(self):
        return [effect.first & 0xFF for effect in self.rig.reads if isinstance(effect, Sweep)]

    def test_a_purge_waits_for_each_slice_to_be_removed(self):
        self.publish(8)
        self.purge()
        self.assertEqual((self.firsts(), self.rig.broker.counts().all), ([0], 5))
        self.rig.commit()
        self.assertEqual((self.firsts(), self.rig.store.messages), ([0, 3, 6], {}))
        self.assertEqual(self.rig.broker.counts().all, 0)

    def test_one_slice_is_on_its_way_at_a_time_whatever_is_to_be_done(self):
        self.publish(4)
        self.publish(4, "b")
        self.rig.kept = []
        self.purge()
        self.purge("b")
        self.assertEqual(len(self.rig.kept), 1)
        self.rig.answer_kept()
        self.rig.commit()
        self.assertEqual(self.rig.store.messages, {})

    def test_a_topic_is_looked_through_again_when_a_group_has_gone(self):
        one = self.rig.join("a", "g", 100)
        self.rig.join("a", "h", 0)
        self.publish(8)
        self.rig.ack(one, one.held[:7])
        self.delete_group("h")
        self.assertEqual(self.firsts(), [0, 3, 6, 8])
        self.assertEqual(self.rig.broker.counts().consumed, 7)
        self.rig.commit()
        self.assertEqual(len(self.rig.store.consumed), 7)

    def test_what_is_consumed_by_that_is_worth_a_commit(self):
        one = self.rig.join("a", "g", 100)
        self.rig.join("a", "h", 0)
        self.publish(2)
        self.rig.ack(one, list(one.held))
        self.rig.kept = []
        self.delete_group("h")
        self.rig.commit()
        self.rig.answer_kept()
        self.assertTrue(self.rig.broker.ledger)
        self.rig.commit()
        self.rig.crash()
        self.assertEqual(self.rig.broker.counts(), (2, 2, 0, 0))

    def test_a_slice_of_one_walk_does_not_serve_another_that_has_to_begin_before_it(self):
        one = self.rig.join("a", "g", 100)
        self.rig.join("a", "h", 0)
        self.publish(8)
        self.rig.ack(one, one.held[:7])
        self.rig.kept = []
        self.delete_group("h")
        [asked] = self.rig.kept
        slice_ = remnants([message for _, message in sorted(self.rig.store.messages.items())][:3])
        self.rig.kept = []
        self.rig.run(self.rig.broker.swept(asked, slice_, slice_[-1].id + 1, self.rig.now))
        [asked] = self.rig.kept
        self.assertEqual(asked.first & 0xFF, 3)
        self.rig.run(self.rig.broker.steering.delete_topic(self.rig.topic("a"), self.rig.now))
        self.rig.answer_kept()
        self.rig.commit()
        self.assertEqual((self.rig.store.messages, self.rig.store.topics), ({}, {}))

    def test_what_is_deleted_while_a_slice_is_read_is_counted_once(self):
        self.publish(3)
        self.rig.kept = []
        self.purge()
        [asked] = self.rig.kept
        found = remnants([message for _, message in sorted(self.rig.store.messages.items())])
        self.rig.kept = None
        self.rig.delete("1")
        self.rig.commit()
        self.rig.run(self.rig.broker.swept(asked, found, found[-1].id + 1, self.rig.now))
        self.rig.commit()
        self.assertEqual((self.rig.broker.counts(), self.rig.store.messages), ((0, 0, 0, 0), {}))
        self.assertEqual(self.rig.store.hours[1][5], 3)

    def test_a_read_that_failed_is_tried_when_the_node_looks_again(self):
        self.publish(2)
        self.rig.reads_fail = True
        self.purge()
        self.assertEqual(self.firsts(), [0])
        self.rig.reads_fail = False
        self.rig.sweep()
        self.rig.commit()
        self.assertEqual(self.rig.store.messages, {})

    def test_a_purge_that_begins_again_does_not_go_on_where_it_was(self):
        self.publish(8)
        self.purge()
        self.rig.kept = []
        self.rig.commit()
        self.assertEqual(self.firsts(), [0, 3])
        self.purge()
        self.rig.reads.clear()
        self.rig.answer_kept()
        self.rig.commit()
        self.assertEqual(self.firsts(), [3, 0, 6], "the answer that was on its way serves nobody")
        self.assertEqual((self.rig.store.messages, self.rig.broker.counts().all), ({}, 0))

    def test_where_all_that_was_stored_has_gone_it_waits_for_what_is_on_its_way(self):
        self.publish(2)
        for body in "01":
            self.rig.delete(body)
        self.rig.commit()
        self.rig.publish("a", ["on its way"])
        self.purge()
        self.assertEqual(self.firsts(), [0])
        self.rig.commit()
        self.assertEqual((self.rig.store.messages, self.rig.broker.counts().all), ({}, 0))

    def test_an_answer_to_what_was_not_asked_serves_nobody(self):
        self.publish(2)
        topic = self.rig.topic("a")
        self.rig.broker.retention.look_up()
        found = remnants(list(self.rig.store.messages.values()))
        asked = Sweep(topic, topic.swept, 0, 3, every=True)
        self.assertEqual(self.rig.broker.swept(asked, found, found[-1].id + 1, self.rig.now), [])
        self.assertEqual(self.rig.broker.counts().all, 2)

    def test_what_came_after_a_purge_began_stays(self):
        self.publish(4)
        self.rig.kept = []
        self.purge()
        self.publish(2)
        self.rig.answer_kept()
        self.rig.commit()
        self.assertEqual(len(self.rig.store.messages), 2)
        self.assertEqual(self.rig.broker.counts().all, 2)


class TrimTests(SynchronousTestCase):
    """Topics that hold more than they may."""

    def rig_with(self, **policy):
        return Rig(Rules(clean_seconds=None, policies=(("a", TopicPolicy(**policy)),)))

    def test_no_more_goes_than_has_to(self):
        with patch.object(emptying, "SLICE", 4):
            rig = self.rig_with(max_messages=5, overflow="dropOldest")
            for number in range(20):
                rig.publish("a", [str(number)])
                rig.commit()
                self.assertEqual(len(rig.store.messages), min(number + 1, 5))
        self.assertEqual([message.data for message in rig.store.messages.values()], ["15", "16", "17", "18", "19"])

    def test_several_slices_go_where_one_is_not_enough(self):
        with patch.object(emptying, "SLICE", 3):
            rig = self.rig_with(max_messages=2, overflow="dropOldest")
            rig.publish("a", [str(number) for number in range(11)])
            rig.commit()
        self.assertEqual([message.data for message in rig.store.messages.values()], ["9", "10"])

    def test_a_bound_that_was_lowered_counts_when_the_node_looks(self):
        rig = Rig(Rules(clean_seconds=None))
        rig.publish("a", ["1", "2", "3"])
        rig.commit()
        rig.broker.steering.set_policy(rig.topic("a"), TopicPolicy(max_messages=1, overflow="dropOldest"))
        rig.commit()
        rig.sweep()
        rig.commit()
        self.assertEqual([message.data for message in rig.store.messages.values()], ["3"])

    def test_where_publishes_are_refused_only_consumed_ones_go_and_only_above_nine_tenths(self):
        rig = self.rig_with(max_messages=10)
        consumer = rig.connect("a", 100)
        rig.publish("a", [str(number) for number in range(9)])
        rig.commit()
        rig.sweep()
        self.assertEqual(len(rig.store.messages), 9)
        rig.ack(consumer, consumer.held[2:6])
        rig.commit()
        rig.publish("a", ["9", "10"])
        rig.commit()
        rig.sweep()
        rig.commit()
        left = [message.data for message in rig.store.messages.values()]
        self.assertEqual(left, ["0", "1", "4", "5", "6", "7", "8", "9", "10"])
        self.assertEqual(rig.broker.counts(), (9, 2, 0, 7))
        rig.sweep()
        rig.commit()
        self.assertEqual(len(rig.store.messages), 9)

    def test_a_trim_gives_way_to_a_purge(self):
        rig = self.rig_with(max_messages=1, overflow="dropOldest")
        rig.publish("a", ["1", "2", "3"])
        rig.begin_commit()
        rig.kept = []
        rig.end_commit()
        rig.run(rig.broker.steering.purge_topic(rig.topic("a"))[1])
        rig.answer_kept()
        rig.commit()
        self.assertEqual((rig.store.messages, rig.broker.counts().all), ({}, 0))
