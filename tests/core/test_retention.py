"""How long messages are kept."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import retention
from kapokmq.core.effects import Sweep, SweepDelayed
from kapokmq.core.rules import Rules
from tests.core.rig import Rig


def published(rig, topic, bodies, delay=0):
    rig.publish(topic, bodies, delay)
    rig.commit()


class RetentionCase(SynchronousTestCase):
    """A rig whose counts are compared with its store."""

    rules = Rules(clean_seconds=100.0)

    def setUp(self):
        self.rig = Rig(self.rules)

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
        self.assertEqual((self.bodies(), self.rig.reads[1:]), (["x"], []))

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
        self.assertEqual(broker.retention.swept_delayed(again, None, self.rig.now), [])
        self.sweep()
        self.assertEqual(self.bodies(), [])

    def test_what_an_answer_still_holds_is_not_removed_twice(self):
        # The slice was read before the commit that deletes it, and comes after.
        published(self.rig, "a", ["x", "y"])
        self.rig.wait(101.0)
        [asked] = self.rig.broker.retention.sweep(self.rig.now)
        slice_read = list(self.rig.store.messages.values())
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


class DeleteTests(RetentionCase):
    """A message may be deleted in any state."""

    rules = Rules(clean_seconds=None, retry_count=0)

    def delete(self, body):
        message = self.rig.stored(body)
        for _ in range(3):
            self.rig.broker.retention.look_up()
        self.assertTrue(self.rig.broker.retention.delete(message, self.rig.now))
        self.assertFalse(self.rig.broker.retention.delete(message, self.rig.now), "it is gone already")
        self.rig.commit()
        self.assertFalse(self.rig.broker.retention.delete(message, self.rig.now), "an answer that was on its way")
        self.rig.commit()
        self.rig.settle()

    def test_one_that_waits_in_memory(self):
        consumer = self.rig.connect("a", 1)
        published(self.rig, "a", ["x", "y", "z"])
        self.delete("y")
        self.rig.ack(consumer, list(consumer.held))
        self.assertEqual(consumer.bodies, ["x", "z"])
        self.rig.ack(consumer, list(consumer.held))
        self.assertEqual(self.rig.broker.figures().memory, 0)
        self.assert_counts_hold()

    def test_one_that_waits_in_the_store(self):
        published(self.rig, "a", ["x", "y", "z"])
        self.delete("x")
        self.assertEqual(self.rig.connect("a").bodies, ["y", "z"])
        self.assert_counts_hold()

    def test_one_that_lies_ahead_of_a_group_that_has_read_nothing_yet(self):
        self.rig.connect("a", 0)
        published(self.rig, "b", ["x", "y"])
        self.rig.connect("b", 0)
        self.delete("x")
        self.assertEqual(self.rig.connect("b").bodies, ["y"])
        self.assertEqual(self.rig.broker.figures().memory, 201)

    def test_one_whose_page_is_on_its_way(self):
        published(self.rig, "a", ["x", "y"])
        self.rig.kept = []
        consumer = self.rig.connect("a")
        [asked] = self.rig.kept
        page = list(self.rig.store.messages.values())
        self.delete("x")
        self.rig.kept = None
        self.rig.run(self.rig.broker.arrivals.page_read(asked, page, asked.end, self.rig.now))
        self.assertEqual(consumer.bodies, ["y"])
        self.assertEqual(self.rig.broker.figures().memory, 201)

    def test_one_that_is_delayed(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y"], delay=10)
        self.delete("x")
        self.assertEqual(self.rig.broker.counts(), (1, 0, 1, 0))
        self.rig.wait(10.0)
        self.assertEqual(consumer.bodies, ["y"])
        self.assert_counts_hold()

    def test_one_that_is_delayed_although_an_answer_brings_it_again(self):
        published(self.rig, "a", ["x", "y"], delay=10)
        self.rig.crash()
        self.rig.kept = []
        self.rig.broker.schedule._complete = False
        self.rig.run(self.rig.broker.advance(self.rig.now))
        [asked] = self.rig.kept
        rows = sorted((message.due, message.id) for message in self.rig.store.messages.values())
        self.delete("x")
        self.rig.kept = None
        self.rig.run(self.rig.broker.arrivals.schedule_loaded(asked, rows, self.rig.now))
        self.rig.wait(10.0)
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))

    def test_one_that_fell_due_and_is_being_fetched(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y"], delay=10)
        self.rig.kept = []
        self.rig.wait(10.0)
        [asked] = self.rig.kept
        found = list(self.rig.store.messages.values())
        self.delete("x")
        self.rig.kept = None
        self.rig.run(self.rig.broker.arrivals.fetched(asked, found, asked.ids[-1] + 1, self.rig.now))
        self.assertEqual(consumer.bodies, ["y"])
        self.assert_counts_hold()

    def test_one_that_is_in_flight_is_not_dealt_again_and_its_ack_changes_no_count(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y"])
        self.delete("x")
        self.delete("y")
        self.rig.ack(consumer, consumer.held[:1])
        self.rig.wait(61.0)
        self.assertEqual(consumer.bodies, ["x", "y"])
        figures = self.rig.broker.figures()
        self.assertEqual((figures.memory, figures.in_flight, figures.waiting), (0, 0, 0))
        self.assert_counts_hold()

    def test_one_that_waits_for_its_retry(self):
        published(self.rig, "a", ["x"])
        self.rig.disconnect(self.rig.connect("a"))
        self.delete("x")
        consumer = self.rig.connect("a")
        self.rig.wait(60.0)
        self.assertEqual((consumer.bodies, self.rig.broker.figures().memory), ([], 0))

    def test_one_that_is_consumed(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y"])
        self.rig.ack(consumer, consumer.held[:1])
        self.rig.commit()
        self.delete("x")
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))
        self.assertEqual(self.rig.store.hours[1][4:], [0, 0, 1])
        self.assert_counts_hold()

    def test_what_is_consumed_after_it_is_recorded_without_it(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y", "z"])
        self.rig.ack(consumer, consumer.held[:2])
        self.rig.commit()
        self.delete("x")
        self.rig.ack(consumer, list(consumer.held))
        self.rig.commit()
        self.assertEqual(self.rig.store.consumed, {self.rig.stored(body).id for body in "yz"})

    def test_one_of_a_topic_that_never_had_a_consumer(self):
        published(self.rig, "a", ["x", "y"])
        self.delete("x")
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))
        self.assert_counts_hold()

    def test_a_topics_first_consumer_does_not_get_what_is_deleted_and_not_committed_yet(self):
        published(self.rig, "a", ["x", "y"])
        published(self.rig, "b", ["z"])
        self.rig.delete("x")
        self.rig.delete("z")
        consumer = self.rig.connect("a")
        self.assertEqual(consumer.bodies, ["y"])
        self.rig.ack(consumer, list(consumer.held))
        self.assertEqual(self.rig.broker.counts(), (1, 1, 0, 0))
        self.assert_counts_hold()

    def test_it_comes_back_if_the_node_dies_before_the_commit(self):
        published(self.rig, "a", ["x"])
        self.rig.delete("x")
        self.rig.crash()
        self.assertEqual(self.rig.connect("a").bodies, ["x"])
        self.assert_counts_hold()

    def test_one_deleted_twice_in_commits_that_fail_is_counted_once(self):
        published(self.rig, "a", ["x", "y"])
        self.rig.delete("x")
        self.rig.begin_commit()
        self.rig.fail_commit()
        self.assertFalse(self.rig.delete("x"))
        self.rig.commit()
        self.assertEqual(self.rig.broker.counts().all, 1)
        self.assert_counts_hold()
