"""What a commit takes along."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import ledger
from kapokmq.core.commit import AckRow, HourRow, MarkRow, NextRow
from kapokmq.core.ledger import COMMIT_BYTES, COMMIT_MESSAGES
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig

HOUR = START.wall // 3_600_000


def take(rig):
    rig.begin_commit()
    return rig.taken.commit


class TakingTests(SynchronousTestCase):
    """Everything that changed goes with the next commit."""

    def setUp(self):
        self.rig = Rig(Rules(retry_count=0))

    def test_a_first_publish_takes_its_topic_along(self):
        self.rig.publish("orders", ["a", "b"])
        commit = take(self.rig)
        self.assertEqual([tuple(row) for row in commit.topics], [(1, "orders", None)])
        self.assertEqual(commit.nexts, [NextRow(1, 2)])
        self.assertEqual([message.data for message in commit.publishes], ["a", "b"])
        self.assertEqual(commit.hours, [HourRow(1, HOUR, 2, 0, 0, 0, 0, 0, 0)])
        self.assertFalse(self.rig.broker.ledger)

    def test_a_new_group_starts_where_the_topic_does(self):
        self.rig.connect("orders")
        commit = take(self.rig)
        self.assertEqual([tuple(row) for row in commit.groups], [(1, 1, "default", "default", 0, None)])

    def test_acks_in_a_row_are_one_row_and_none_where_the_mark_says_it_all(self):
        self.rig.publish("orders", [str(number) for number in range(10)])
        consumer = self.rig.connect("orders")
        self.rig.commit()
        self.rig.ack(consumer, [consumer.held[number] for number in (4, 2, 3)])
        commit = take(self.rig)
        self.assertEqual((commit.marks, commit.acks), ([MarkRow(1, 0)], [AckRow(1, 2, 4)]))
        self.rig.end_commit()
        self.rig.ack(consumer, consumer.held[:2])
        commit = take(self.rig)
        self.assertEqual((commit.marks, commit.acks), ([MarkRow(1, 5)], []))

    def test_counts_alone_are_not_worth_a_commit(self):
        self.rig.publish("orders", ["a"])
        self.rig.commit()
        consumer = self.rig.connect("orders")
        self.rig.commit()
        self.rig.flow(consumer, flowing=False)
        self.rig.broker.tally.delivered(self.rig.broker.catalog.by_number[1], 1, self.rig.now)
        self.assertFalse(self.rig.broker.ledger)
        self.assertTrue(self.rig.broker.ledger.counting)

    def test_of_several_bad_ends_the_last_is_recorded_and_none_of_what_is_done(self):
        self.rig.publish("orders", ["a", "b"])
        self.rig.commit()
        for _ in range(2):
            consumer = self.rig.connect("orders")
            self.rig.disconnect(consumer)
            self.rig.wait(60.0)
        consumer = self.rig.connect("orders")
        self.rig.ack(consumer, consumer.held[:1])
        commit = take(self.rig)
        self.assertEqual([(row.offset, row.tries) for row in commit.attempts], [(1, 2)])
        self.assertEqual(commit.attempts[0].retry_at, START.wall + 60_000 + 60_000)

    def test_a_commit_holds_whole_publishes_and_no_more_messages_than_it_should(self):
        for _ in range(3):
            self.rig.publish("orders", ["x"] * (COMMIT_MESSAGES // 2))
        self.assertEqual(len(take(self.rig).publishes), COMMIT_MESSAGES)
        self.rig.end_commit()
        self.assertEqual(self.rig.broker.ledger.messages, COMMIT_MESSAGES // 2)
        self.assertEqual(len(take(self.rig).publishes), COMMIT_MESSAGES // 2)
        self.assertEqual((self.rig.broker.ledger.messages, self.rig.broker.ledger.bytes), (0, 0))

    def test_one_publish_larger_than_a_commit_goes_alone(self):
        for body in ("a", "x" * COMMIT_BYTES, "b"):
            self.rig.publish("orders", [body])
        for expected in (1, COMMIT_BYTES, 1):
            [message] = take(self.rig).publishes
            self.assertEqual(len(message.data), expected)
            self.rig.end_commit()

    def test_what_was_confirmed_before_its_commit_is_never_held_back(self):
        rig = Rig(Rules(eager=True, clean_consumed=True))
        consumer = rig.connect("orders", None)
        for _ in range(3):
            rig.publish("orders", ["x"] * COMMIT_MESSAGES)
        rig.settle()
        self.assertEqual(len(consumer.got), 3 * COMMIT_MESSAGES)
        commit = take(rig)
        self.assertEqual(len(commit.publishes), 3 * COMMIT_MESSAGES)
        rig.end_commit()
        self.assertEqual(rig.store.messages, {})


class BoundTests(SynchronousTestCase):
    """What a commit tells for people to look at is bounded; what counts is not."""

    def setUp(self):
        self.rig = Rig(Rules(ack_wait=10.0, backoff=0.0))

    def test_of_a_storm_of_lost_leases_the_first_events_are_told_and_every_attempt(self):
        with patch.object(ledger, "MOST_EVENTS", 3):
            self.rig.join("orders", "g", 100)
            self.rig.publish("orders", ["a", "b"])
            self.rig.commit()
            for _ in range(3):
                self.rig.wait(10.0)
            commit = take(self.rig)
            self.assertEqual([(event.offset, event.tries) for event in commit.events], [(0, 1), (1, 1), (0, 2)])
            self.assertEqual([(row.offset, row.tries) for row in commit.attempts], [(0, 3), (1, 3)])
            self.rig.end_commit()
            self.rig.wait(10.0)
            self.assertEqual(len(take(self.rig).events), 2, "another commit tells again")

    def test_of_a_private_group_nothing_is_told(self):
        self.rig.join("orders", None, 100)
        self.rig.publish("orders", ["a"])
        self.rig.commit()
        self.rig.wait(10.0)
        self.assertEqual(self.rig.broker.figures().retried, 1)
        self.assertFalse(self.rig.broker.ledger)


class SizeTests(SynchronousTestCase):
    """Who is asked how many bytes a topic takes."""

    def setUp(self):
        self.rig = Rig(Rules(policies=(("bounded", TopicPolicy(max_bytes=1 << 20)),)))

    def sizes(self):
        commit = take(self.rig)
        self.rig.end_commit()
        return [row.topic for row in commit.sizes]

    def test_only_what_is_bounded_is_asked_for_with_each_publish(self):
        for topic in ("orders", "bounded"):
            self.rig.publish(topic, ["a"])
        self.assertEqual(self.sizes(), [2])

    def test_what_shrank_is_asked_for_once(self):
        self.rig.publish("orders", ["a", "b"])
        self.rig.commit()
        self.rig.broker.ledger.shrink(self.rig.topic("orders"))
        self.assertTrue(self.rig.broker.ledger, "that is worth a commit")
        self.assertEqual(self.sizes(), [1])
        self.assertFalse(self.rig.broker.ledger)

    def test_what_the_store_dropped_is_asked_for_and_counts_no_more(self):
        self.rig.publish("orders", ["a", "b"])
        self.rig.commit()
        consumer = self.rig.connect("orders")
        self.rig.ack(consumer, list(consumer.held))
        self.rig.commit()
        topic = self.rig.topic("orders")
        before = topic.bytes
        del self.rig.store.messages[min(self.rig.store.messages)]
        self.rig.broker.dropped([(1, 1)], self.rig.now)
        self.assertEqual(self.sizes(), [1])
        self.assertEqual((topic.bytes, self.rig.broker.counts().all), (before // 2, 1))

    def test_a_commit_that_failed_asks_again(self):
        self.rig.publish("orders", ["a"])
        self.rig.commit()
        self.rig.broker.ledger.shrink(self.rig.topic("orders"))
        self.rig.begin_commit()
        self.rig.fail_commit()
        self.assertEqual(self.sizes(), [1])
