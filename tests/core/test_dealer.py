"""Turns, the throttle, and what is read for whom."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.dealer import FETCH
from kapokmq.core.effects import FetchMessages, ReadPage
from kapokmq.core.rules import BATCH, PAGE, PAGE_BYTES, Rules
from tests.core.rig import Rig


def published(rig, topic, count):
    rig.publish(topic, [f"{topic}{number}" for number in range(count)])
    rig.commit()
    rig.settle()


class ThrottleTests(SynchronousTestCase):
    """Under a throttle only what `refill` allows is dealt."""

    def setUp(self):
        self.rig = Rig(Rules(throttled=True))

    def refill(self, count):
        self.rig.refill(count)
        self.rig.settle()

    def test_nothing_is_dealt_before_the_first_refill(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", 3)
        self.assertEqual(consumer.bodies, [])
        self.assertIsNone(self.rig.broker.next_wait(self.rig.now), "there is nothing to wake up for")

    def test_a_refill_allows_that_many(self):
        consumer = self.rig.connect("a", 100)
        published(self.rig, "a", 10)
        self.refill(4)
        self.assertEqual(len(consumer.got), 4)
        self.refill(4)
        self.refill(4)
        self.assertEqual(consumer.bodies, [f"a{number}" for number in range(10)])

    def test_what_was_not_used_is_lost(self):
        consumer = self.rig.connect("a", 100)
        self.refill(5)
        self.refill(5)
        published(self.rig, "a", 10)
        self.assertEqual(len(consumer.got), 5)

    def test_topics_share_it_in_turn(self):
        consumers = [self.rig.connect(topic, 1000) for topic in "abc"]
        for topic in "abc":
            published(self.rig, topic, 100)
        self.refill(30)
        self.assertEqual([len(consumer.got) for consumer in consumers], [10, 10, 10])

    def test_what_one_topic_leaves_the_others_get(self):
        few, many = self.rig.connect("few", 1000), self.rig.connect("many", 1000)
        published(self.rig, "few", 2)
        published(self.rig, "many", 100)
        self.refill(30)
        self.assertEqual((len(few.got), len(many.got)), (2, 28))

    def test_with_less_to_share_than_topics_all_come_up_in_time(self):
        consumers = [self.rig.connect(topic, 1000) for topic in "abc"]
        for topic in "abc":
            published(self.rig, topic, 4)
        for _ in range(6):
            self.refill(2)
        self.assertEqual([len(consumer.got) for consumer in consumers], [4, 4, 4])

    def test_a_broadcast_counts_once(self):
        self.rig = Rig(Rules(throttled=True, broadcast=True))
        consumers = [self.rig.connect("a", 100) for _ in range(3)]
        published(self.rig, "a", 10)
        self.refill(4)
        self.assertEqual([len(consumer.got) for consumer in consumers], [4, 4, 4])

    def test_a_broadcast_counts_once_for_those_too_who_get_it_later(self):
        self.rig = Rig(Rules(throttled=True, broadcast=True))
        slow, other = self.rig.connect("a", 1), self.rig.connect("b", 100)
        published(self.rig, "a", 4)
        published(self.rig, "b", 10)
        self.refill(8)  # four each, of which slow has had one
        self.assertEqual((len(slow.got), len(other.got)), (1, 4))
        self.rig.refill(3)
        for _ in range(3):
            self.rig.ack(slow, list(slow.held))
        self.rig.settle()
        self.assertEqual(len(other.got), 7)

    def test_who_owes_nothing_is_throttled_as_well(self):
        consumer = self.rig.connect("a", None)
        published(self.rig, "a", 10)
        self.refill(4)
        self.assertEqual(len(consumer.got), 4)
        self.assertEqual(self.rig.broker.counts().consumed, 4)


class TurnTests(SynchronousTestCase):
    """Groups take turns, a batch each."""

    def test_a_long_backlog_leaves_room_for_others_between_its_batches(self):
        rig = Rig(Rules())
        rig.page_limit = PAGE
        rig.publish("long", ["x"] * (6 * BATCH))
        rig.publish("short", ["y"])
        rig.commit()
        long, short = rig.connect("long", 10_000), rig.connect("short", 10)
        self.assertEqual(short.bodies, ["y"])
        self.assertLess(len(long.got), 6 * BATCH)
        rig.settle()
        self.assertEqual(len(long.got), 6 * BATCH)

    def test_another_turn_is_asked_for_while_there_is_something_to_deal(self):
        rig = Rig(Rules())
        rig.page_limit = PAGE
        rig.publish("long", ["x"] * (BATCH + 1))
        rig.commit()
        rig.connect("long", 10_000)
        self.assertEqual(rig.broker.next_wait(rig.now), 0.0)
        rig.settle()
        self.assertEqual(rig.broker.next_wait(rig.now), rig.rules.lease_seconds)

    def test_a_node_that_stops_deals_no_more(self):
        rig = Rig(Rules())
        consumer = rig.connect("a")
        rig.broker.dealer.halt()
        published(rig, "a", 3)
        self.assertEqual(consumer.bodies, [])
        self.assertIsNone(rig.broker.next_wait(rig.now))


class ForgetTests(SynchronousTestCase):
    """A group that is gone has no turn and no deadline."""

    def test_neither_a_turn_nor_a_deadline_is_left(self):
        rig = Rig(Rules(lease_seconds=30.0))
        rig.connect("a", 1)
        published(rig, "a", 2)
        rig.settle()
        group, dealer = rig.group("a"), rig.broker.dealer
        self.assertEqual(dealer.deadlines.next(), rig.now.steady + 30.0)
        dealer.stir((rig.topic("a"), group))
        dealer.forget(group)
        self.assertIsNone(dealer.deadlines.next())
        self.assertFalse(dealer.wants_turn)
        dealer.forget(group)

    def test_a_deleted_groups_leases_end_with_it(self):
        rig = Rig(Rules(lease_seconds=30.0, clean_seconds=None))
        rig.connect("a", 1)
        published(rig, "a", 2)
        rig.run(rig.broker.steering.delete_group(rig.topic("a"), rig.group("a"), rig.now))
        rig.commit()
        self.assertIsNone(rig.broker.next_wait(rig.now))
        rig.wait(30.0)
        self.assertEqual(rig.broker.figures().retried, 0)


class SupplyTests(SynchronousTestCase):
    """What is read for a group: one page at a time, and only for somebody."""

    def backlog(self, bodies, **rules):
        rig = Rig(Rules(memory_budget=1, **rules))
        rig.page_limit = PAGE
        rig.publish("a", bodies)
        rig.commit()
        self.assertEqual(rig.reads[1:], [])
        return rig

    def pages(self, rig):
        return [effect for effect in rig.reads if isinstance(effect, ReadPage)]

    def test_nothing_is_read_for_a_group_without_members_who_can_take_it(self):
        rig = self.backlog(["x"] * 10)
        rig.connect("a", 0)
        self.assertEqual(self.pages(rig), [])

    def test_one_page_is_on_its_way_at_a_time(self):
        rig = self.backlog(["x"] * 10)
        rig.kept = []
        consumer = rig.connect("a")
        rig.connect("a")
        rig.wait(1.0)
        self.assertEqual(len(rig.kept), 1)
        rig.answer_kept()
        self.assertEqual(len(consumer.got), 5)

    def test_pages_are_read_until_half_a_page_is_left_to_deal(self):
        rig = self.backlog(["x"] * (4 * PAGE), throttled=True)
        consumer = rig.connect("a", 4 * PAGE)
        while len(self.pages(rig)) < 2:
            rig.refill(100)
        self.assertEqual(len(consumer.got), PAGE // 2 + 100)

    def test_large_messages_are_not_read_by_the_thousand(self):
        body = "x" * (PAGE_BYTES // 2)
        rig = self.backlog([body] * 20, throttled=True)
        rig.page_limit = 2
        rig.connect("a", 1000)
        for _ in range(3):
            rig.refill(1)
        self.assertLess(rig.broker.figures().memory, 4 * PAGE_BYTES)

    def test_messages_are_fetched_by_id_some_hundred_at_a_time(self):
        rig = Rig(Rules())
        rig.page_limit = 10_000
        rig.publish("a", [str(number) for number in range(2 * FETCH + 1)], delay=10)
        rig.commit()
        consumer = rig.connect("a", 10_000)
        rig.wait(10.0)
        self.assertEqual(len(consumer.got), 2 * FETCH + 1)
        sizes = [len(effect.ids) for effect in rig.reads if isinstance(effect, FetchMessages)]
        self.assertEqual(sizes, [FETCH, FETCH, 1])
        self.assertEqual(consumer.bodies, [str(number) for number in range(2 * FETCH + 1)])
