"""Commits that fail: nothing is lost with one, and nothing counted twice."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import AckRow, AttemptRow, HourRow, MarkRow
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig
from tests.core.scripted import Producer
from tests.core.test_ledger import HOUR, take


class FailureTests(SynchronousTestCase):
    """Nothing is lost with a commit that fails, and nothing counted twice."""

    def setUp(self):
        self.rig = Rig(Rules(retry_count=0))

    def test_what_was_held_goes_before_what_came_since(self):
        producer = Producer(positional=True)
        self.rig.publish("orders", ["a", "b"], producer=producer)
        self.rig.publish("orders", ["c"], producer=producer)
        self.rig.begin_commit()
        self.rig.publish("orders", ["d"], producer=producer)
        self.rig.fail_commit()
        self.assertEqual(self.rig.broker.ledger.messages, 4)
        commit = take(self.rig)
        self.assertEqual([message.data for message in commit.publishes], ["a", "b", "c", "d"])
        self.assertEqual(self.rig.broker.ledger.bytes, 0)
        self.rig.end_commit()
        self.assertEqual(producer.firsts, sorted(producer.firsts))
        self.assertEqual(self.rig.store.hours[1][0], 4)

    def test_everything_else_comes_again_with_the_next_commit(self):
        self.rig.publish("orders", ["a", "b", "c", "d"])
        self.rig.commit()
        consumer = self.rig.connect("orders", 3)
        self.rig.ack(consumer, [consumer.held[1]])
        self.rig.delete("a")
        self.rig.begin_commit()
        self.rig.ack(consumer, [consumer.held[1]])
        self.rig.delete("d")
        first = self.rig.taken.commit
        self.rig.fail_commit()
        commit = take(self.rig)
        self.assertEqual(commit.groups, first.groups)
        self.assertEqual([row.first & 7 for row in commit.removed], [0, 3])
        self.assertEqual(commit.marks, [MarkRow(1, 4)])
        self.assertEqual(commit.consumed[: len(first.consumed)], first.consumed)
        self.rig.end_commit()
        self.assertEqual(self.rig.store.consumed, {message.id for message in self.rig.store.messages.values()})
        self.assertEqual(sum(self.rig.store.hours[1][5:]), 2)

    def test_acks_since_are_added_to_those_put_back(self):
        self.rig.publish("orders", [str(number) for number in range(6)])
        self.rig.commit()
        consumer = self.rig.connect("orders")
        self.rig.ack(consumer, [consumer.held[1]])
        self.rig.begin_commit()
        self.rig.ack(consumer, [consumer.held[2]])
        self.rig.fail_commit()
        self.assertEqual(take(self.rig).acks, [AckRow(1, 1, 1), AckRow(1, 3, 3)])

    def test_a_later_attempt_is_not_undone_by_an_earlier_one_put_back(self):
        self.rig.publish("orders", ["a", "b"])
        self.rig.commit()
        for _ in range(2):
            self.rig.disconnect(self.rig.connect("orders", 1))
        self.rig.begin_commit()
        self.rig.wait(60.0)
        self.rig.disconnect(self.rig.connect("orders", 1))
        self.rig.fail_commit()
        tries = {row.offset: row.tries for row in take(self.rig).attempts}
        self.assertEqual(tries, {0: 2, 1: 1})

    def test_an_attempt_before_a_death_does_not_come_back_when_the_dead_letter_is_sent_again(self):
        rig = Rig(Rules(max_attempts=2, backoff=0.0))
        consumer = rig.join("orders", "g")
        rig.publish("orders", ["a"])
        rig.commit()
        rig.nack(consumer, list(consumer.held))
        rig.begin_commit()
        rig.settle()
        rig.flow(consumer, flowing=False)
        rig.nack(consumer, list(consumer.held))
        rig.broker.steering.revive(rig.topic("orders"), rig.group("orders", "g"), [0], "somebody", rig.now)
        rig.fail_commit()
        rig.commit()
        self.assertEqual((rig.store.attempts, rig.store.dead), ({}, {}))
        rig.crash()
        self.assertEqual(rig.join("orders", "g").attempts, [1])

    def test_only_publishers_that_can_be_told_are_refused_the_others_wait(self):
        classic, other = Producer(positional=True), Producer(positional=False)
        self.rig.publish("orders", ["a"], producer=classic)
        self.rig.publish("orders", ["b", "c"], producer=other)
        self.rig.begin_commit()
        self.rig.publish("orders", ["d"], producer=other)
        self.rig.fail_commit()
        self.assertEqual((classic.refused_count, other.refused_count), (0, 3))
        self.rig.commit()
        self.assertEqual((classic.confirmed_count, other.confirmed_count), (1, 0))
        self.assertEqual([message.data for message in self.rig.store.messages.values()], ["a"])

    def test_giving_up_refuses_the_others_too_and_no_offset_is_given_twice(self):
        classic = Producer(positional=True)
        self.rig.publish("orders", ["a"], producer=classic)
        self.rig.begin_commit()
        self.rig.fail_commit(give_up=True)
        self.assertEqual((classic.refused_count, classic.confirmed_count), (1, 0))
        self.assertEqual((self.rig.broker.ledger.messages, self.rig.broker.ledger.bytes), (0, 0))
        self.rig.publish("orders", ["b"], producer=classic)
        self.rig.commit()
        self.assertEqual(classic.firsts, [(1 << 40) + 1])
        self.assertEqual(self.rig.connect("orders").bodies, ["b"])

    def test_what_was_confirmed_before_its_commit_is_kept_even_when_giving_up(self):
        rig = Rig(Rules(eager=True))
        producer = rig.publish("orders", ["a"])
        rig.begin_commit()
        rig.fail_commit(give_up=True)
        rig.commit()
        self.assertEqual((producer.confirmed_count, producer.refused_count), (1, 0))
        self.assertEqual(rig.stored("a").data, "a")

    def test_acks_pending_are_not_delivered_again_meanwhile(self):
        self.rig.publish("orders", ["a", "b"])
        self.rig.commit()
        consumer = self.rig.connect("orders")
        self.rig.ack(consumer, list(consumer.held))
        self.rig.begin_commit()
        self.rig.fail_commit()
        self.rig.wait(61.0)
        self.rig.disconnect(consumer)
        self.assertEqual(self.rig.connect("orders").bodies, [])
        self.assertIsInstance(self.rig.broker.failure, StoreUnavailable)
        self.rig.commit()
        self.assertIsNone(self.rig.broker.failure)
        self.rig.crash()
        self.assertEqual(self.rig.connect("orders").bodies, [])

    def test_counts_of_a_failed_commit_are_added_to_what_came_since(self):
        self.rig.publish("orders", ["a", "b"])
        self.rig.commit()
        consumer = self.rig.connect("orders")
        self.rig.ack(consumer, consumer.held[:1])
        self.rig.begin_commit()
        self.rig.ack(consumer, consumer.held[:1])
        self.rig.fail_commit()
        self.assertEqual(take(self.rig).hours, [HourRow(1, HOUR, 0, 2, 2, 0, 0, 0, 0)])

    def test_rows_name_the_reason(self):
        self.rig.publish("orders", ["a"])
        self.rig.commit()
        self.rig.disconnect(self.rig.connect("orders"))
        row = take(self.rig).attempts[0]
        self.assertEqual(row, AttemptRow(1, 0, 1, START.wall + 60_000, "the consumer disconnected"))
