"""What a consumer may hold, and batches."""

from math import inf

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codes import Codes
from kapokmq.core.held import Batch
from kapokmq.core.member import Consumer, Member
from kapokmq.core.message import Message, make_id
from kapokmq.core.topic import Topic


def hold(consumer, count):
    """As when it is dealt so many in two topics."""
    for topic, part in enumerate((1, count - 1)):
        member = Member(consumer)
        consumer.places[topic] = (None, member)
        messages = [Message(number, 1, 0, 0, None, None, None, None, "") for number in range(part)]
        member.held.add(Batch([member], [f"{topic}-{number}" for number in range(part)], None), messages, gapless=False)
    consumer.credit -= count


class ConsumerTests(SynchronousTestCase):
    """A consumer's credit."""

    def test_who_acknowledges_has_the_credit_it_asked_for(self):
        consumer = Consumer(None, "orders", 5)
        self.assertEqual((consumer.owes, consumer.credit, consumer.flowing), (True, 5, True))

    def test_who_owes_nothing_has_no_limit(self):
        consumer = Consumer(None, "orders", None)
        self.assertEqual((consumer.owes, consumer.credit), (False, inf))
        self.assertFalse(Member(consumer).owes)

    def test_who_owes_nothing_may_have_a_limit_and_who_owes_may_have_none(self):
        tail = Consumer(None, "orders", 5, owes=False, renews=False)
        self.assertEqual((tail.owes, tail.credit), (False, 5))
        greedy = Consumer(None, "orders", None, owes=True)
        self.assertEqual((greedy.owes, greedy.credit), (True, inf))

    def test_it_is_open_while_it_has_credit_and_flows(self):
        consumer = Consumer(None, "orders", 1)
        self.assertTrue(consumer.open)
        consumer.flowing = False
        self.assertFalse(consumer.open)
        consumer.flowing, consumer.credit = True, 0
        self.assertFalse(consumer.open)

    def test_the_window_may_be_widened_and_narrowed_below_what_is_held(self):
        consumer = Consumer(None, "orders", 5)
        hold(consumer, 4)
        consumer.allow(10)
        self.assertEqual(consumer.credit, 6)
        consumer.allow(2)
        self.assertEqual(consumer.credit, -2, "two too many")
        consumer.renew(3)
        self.assertEqual(consumer.credit, 1)

    def test_a_window_that_had_no_limit_may_get_one(self):
        consumer = Consumer(None, "orders", None, owes=True)
        hold(consumer, 4)
        consumer.allow(10)
        self.assertEqual(consumer.credit, 6)

    def test_credit_that_does_not_renew_is_what_may_come_from_now_on(self):
        tail = Consumer(None, "orders", 5, owes=False, renews=False)
        tail.credit -= 5
        tail.renew(5)
        self.assertEqual(tail.credit, 0)
        tail.allow(3)
        tail.credit -= 1
        tail.allow(3)
        self.assertEqual(tail.credit, 3)


class PlaceTests(SynchronousTestCase):
    """Codes go to the place of their topic."""

    def setUp(self):
        self.codes = Codes(7)
        self.consumer = Consumer(None, "a.*", 5)
        self.topics = [Topic(number, f"a.{number}") for number in (1, 2)]
        self.groups = ["one", "two"]
        self.members = [self.consumer.enter(*pair) for pair in zip(self.topics, self.groups, strict=True)]

    def code(self, topic, offset):
        return self.codes.code(make_id(topic, offset), 3)

    def place(self, index):
        return self.topics[index], self.groups[index], self.members[index]

    def test_those_of_several_topics_are_told_apart_in_the_order_in_which_they_came(self):
        codes = [self.code(2, 5), self.code(1, 0), self.code(3, 0), self.code(2, 4), "junk"]
        strangers = []
        found = self.consumer.by_place(codes, strangers)
        self.assertEqual(found, [(self.place(1), [codes[0], codes[3]]), (self.place(0), [codes[1]])])
        self.assertEqual(strangers, [codes[2], "junk"])

    def test_with_one_place_that_says_which_it_knows(self):
        self.consumer.quit("two")
        strangers = []
        codes = [self.code(2, 5), "junk"]
        self.assertEqual(self.consumer.by_place(codes, strangers), [(self.place(0), codes)])
        self.assertEqual(strangers, [])

    def test_without_a_place_all_are_strangers(self):
        self.consumer.quit("one"), self.consumer.quit("two")
        strangers = []
        self.assertEqual(self.consumer.by_place([self.code(1, 0)], strangers), [])
        self.assertEqual(strangers, [self.code(1, 0)])
        self.assertEqual(self.consumer.topics, {})

    def test_some_are_put_into_the_order_in_which_all_were_given(self):
        self.assertEqual(self.consumer.in_order(["c", "a", "b"], ["b", "c"]), ["c", "b"])


class BatchTests(SynchronousTestCase):
    """Messages dealt together."""

    def test_a_batch_is_open_until_every_member_has_acknowledged_every_code(self):
        members = [Member(Consumer(None, "orders", 5)), Member(Consumer(None, "orders", 5))]
        self.assertEqual(Batch(members, ["a", "b", "c"], None).open, 6)
