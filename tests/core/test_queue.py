"""The queue mode: each message goes to one member."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.message import make_id
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.rules import BATCH, WRITE_BYTES, Rules
from tests.core.naive_store import STORE_ID
from tests.core.rig import Rig


class Draws:
    """Draws the members at these places, round after round, and remembers what it was asked."""

    def __init__(self, *places):
        self.places = places
        self.asked = []

    def __call__(self, members, count):
        self.asked.append((len(members), count))
        return [members[self.places[i % len(self.places)]] for i in range(count)]


def published(rig, count, topic="orders"):
    bodies = [str(number) for number in range(count)]
    rig.publish(topic, bodies)
    rig.commit()
    rig.settle()
    return bodies


class DealingTests(SynchronousTestCase):
    """Who gets what."""

    def test_messages_come_in_the_order_of_publishing(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders", 10_000)
        expected = []
        for number in range(50):
            expected += [f"{number}.{part}" for part in range(3)]
            rig.publish("orders", expected[-3:])
            if number % 7 == 0:
                rig.commit()
        rig.commit()
        rig.settle()
        self.assertEqual(consumer.bodies, expected)

    def test_a_backlog_comes_in_order_however_little_of_it_is_in_memory(self):
        rig = Rig(Rules(memory_budget=1))
        rig.page_limit = 700
        bodies = published(rig, 10_000)
        consumer = rig.connect("orders", 300)
        while len(consumer.got) < 10_000:
            rig.ack(consumer, list(consumer.held))
            rig.settle()
        self.assertEqual(consumer.bodies, bodies)

    def test_a_batch_is_dealt_with_one_draw(self):
        draws = Draws(0, 1)
        rig = Rig(Rules(), choose=draws)
        one, other = rig.connect("orders"), rig.connect("orders")
        published(rig, 6)
        self.assertEqual(draws.asked, [(2, 6)])
        self.assertEqual((one.bodies, other.bodies), (["0", "1", "2"], ["3", "4", "5"]))

    def test_nobody_is_drawn_where_one_member_has_room(self):
        draws = Draws(0)
        rig = Rig(Rules(), choose=draws)
        rig.connect("orders", 0)
        consumer = rig.connect("orders")
        published(rig, 3)
        self.assertEqual(draws.asked, [])
        self.assertEqual(len(consumer.got), 3)

    def test_who_is_drawn_beyond_its_credit_passes_its_turn(self):
        rig = Rig(Rules(), choose=Draws(0))
        one, other = rig.connect("orders", 1), rig.connect("orders", 5)
        published(rig, 8)
        self.assertEqual((one.bodies, other.bodies), (["0"], ["1", "2", "3", "4", "5"]))
        rig.ack(other, other.held[:2])
        self.assertEqual(other.bodies, ["1", "2", "3", "4", "5", "6", "7"])
        self.assertEqual((one.consumer.credit, other.consumer.credit), (0, 0))

    def test_what_is_left_of_turns_goes_from_the_last_member_to_the_first(self):
        rig = Rig(Rules(), choose=Draws(1))
        one, other, third = rig.connect("orders", 9), rig.connect("orders", 2), rig.connect("orders", 3)
        published(rig, 9)
        self.assertEqual([len(member.got) for member in (one, other, third)], [4, 2, 3])

    def test_what_one_member_gets_is_a_run(self):
        rig = Rig(Rules(), choose=lambda members, n: Random(7).choices(members, k=n))  # noqa: S311
        members = [rig.connect("orders") for _ in range(4)]
        published(rig, 40)
        for member in members:
            numbers = [int(body) for body in member.bodies]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertGreater(min(len(member.got) for member in members), 3)

    def test_nothing_goes_to_a_transport_that_takes_no_more(self):
        rig = Rig(Rules())
        stalled, other = rig.connect("orders"), rig.connect("orders")
        rig.flow(stalled, flowing=False)
        published(rig, 4)
        self.assertEqual((stalled.bodies, len(other.got)), ([], 4))
        rig.flow(other, flowing=False)
        rig.publish("orders", ["later"])
        rig.commit()
        rig.flow(stalled, flowing=True)
        self.assertEqual(stalled.bodies, ["later"])

    def test_a_write_holds_a_batch_at_most_and_a_megabyte_of_text(self):
        rig = Rig(Rules())
        rig.connect("orders", 10_000)
        published(rig, 2 * BATCH + 1)
        self.assertEqual(rig.writes, [(1, BATCH), (1, BATCH), (1, 1)])
        rig.publish("orders", ["x" * (WRITE_BYTES // 2 + 1)] * 3)
        rig.commit()
        rig.settle()
        self.assertEqual(rig.writes[3:], [(1, 1)] * 3)

    def test_who_owes_nothing_has_consumed_what_was_written_to_it(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders", None)
        published(rig, 3)
        self.assertEqual(rig.broker.counts(), (3, 3, 0, 0))
        figures = rig.broker.figures()
        self.assertEqual((figures.in_flight, figures.memory, figures.retried), (0, 0, 0))
        rig.disconnect(consumer)
        rig.commit()
        rig.crash()
        again = rig.connect("orders", None)
        self.assertEqual(again.bodies, [])

    def test_members_of_both_kinds_share_a_topic(self):
        rig = Rig(Rules())
        owing, careless = rig.connect("orders", 10), rig.connect("orders", None)
        published(rig, 4)
        self.assertEqual((owing.bodies, careless.bodies), (["0", "1"], ["2", "3"]))
        self.assertEqual(rig.broker.counts(), (4, 2, 0, 2))

    def test_a_topic_without_room_holds_up_no_other(self):
        rig = Rig(Rules())
        rig.connect("full", 1)
        consumer = rig.connect("orders")
        published(rig, 5, "full")
        published(rig, 5)
        self.assertEqual(len(consumer.got), 5)


class RoundRobinTests(SynchronousTestCase):
    """Members take turns, whatever comes when."""

    def setUp(self):
        self.rig = Rig(Rules(policies=(("orders", TopicPolicy(choice="roundRobin")),)))

    def test_turns_go_on_where_they_ended(self):
        members = [self.rig.join("orders", "g", 100) for _ in range(3)]
        for count in (1, 1, 2, 4, 1):
            published(self.rig, count)
        self.assertEqual([len(member.got) for member in members], [3, 3, 3])
        self.assertEqual(members[0].bodies[:2], ["0", "1"])

    def test_who_has_no_room_is_passed_over_and_has_its_turn_later(self):
        full, one, other = (self.rig.join("orders", "g", credit) for credit in (1, 100, 100))
        published(self.rig, 7)
        self.assertEqual([len(member.got) for member in (full, one, other)], [1, 2, 4])
        published(self.rig, 2)
        self.assertEqual([len(member.got) for member in (full, one, other)], [1, 3, 5])
        self.rig.disconnect(one)
        self.rig.disconnect(full)
        published(self.rig, 2)
        self.assertEqual(len(other.got), 11, "with what the others gave back")

    def test_turns_of_those_without_credit_go_to_the_last_who_has_some(self):
        one, other, full, fuller = (self.rig.connect("orders", credit) for credit in (9, 9, 1, 1))
        published(self.rig, 8)
        self.assertEqual([len(member.got) for member in (one, other, full, fuller)], [2, 4, 1, 1])

    def test_a_group_may_choose_for_itself(self):
        rig = Rig(Rules(), choose=Draws(0))
        members = [rig.join("orders", "g"), rig.join("orders", "g")]
        rig.broker.steering.set_config(rig.topic("orders"), rig.group("orders", "g"), GroupConfig(choice="roundRobin"))
        published(rig, 4)
        self.assertEqual([len(member.got) for member in members], [2, 2])


class AcknowledgementTests(SynchronousTestCase):
    """Which acknowledgements count."""

    def setUp(self):
        self.rig = Rig(Rules(retry_count=1), choose=Draws(0))

    def ignored(self):
        return self.rig.broker.figures().ignored_acks

    def test_it_ends_the_lease_and_gives_the_credit_back(self):
        consumer = self.rig.connect("orders", 2)
        published(self.rig, 3)
        self.assertEqual(consumer.bodies, ["0", "1"])
        self.rig.ack(consumer, [consumer.held[0]])
        self.assertEqual(consumer.bodies, ["0", "1", "2"])
        self.assertEqual(self.rig.broker.figures().acked, 1)

    def test_a_second_one_is_ignored_in_one_call_or_two(self):
        consumer = self.rig.connect("orders", 2)
        published(self.rig, 2)
        code = consumer.held[0]
        self.rig.ack(consumer, [code, code])
        self.rig.ack(consumer, [code])
        self.assertEqual((self.ignored(), self.rig.broker.figures().acked), (2, 1))
        self.assertEqual(self.rig.broker.counts().consumed, 1)
        self.assertEqual(consumer.consumer.credit, 1)

    def test_unknown_foreign_and_other_topics_codes_are_ignored(self):
        consumer, other = self.rig.connect("orders"), self.rig.connect("bills")
        published(self.rig, 1)
        published(self.rig, 1, "bills")
        here = make_id(1, 0)
        self.rig.ack(
            consumer,
            [
                "junk",
                "",
                f"{STORE_ID:016x}{1:08x}{make_id(9, 9):016x}",
                f"{STORE_ID + 1:016x}{1:08x}{here:016x}",
                f"{STORE_ID:016x}{2:08x}{here:016x}",
                other.held[0],
            ],
        )
        self.assertEqual((self.ignored(), self.rig.broker.counts().consumed), (6, 0))

    def test_codes_of_another_epoch_are_ignored_when_their_lease_has_ended_too(self):
        consumer = self.rig.connect("orders")
        published(self.rig, 1)
        self.rig.flow(consumer, flowing=False)
        self.rig.wait(60.0)
        self.rig.ack(consumer, [f"{STORE_ID:016x}{2:08x}{make_id(1, 0):016x}"])
        self.assertEqual((self.ignored(), self.rig.broker.counts().consumed), (1, 0))

    def test_one_that_comes_after_its_lease_ended_counts_while_nobody_has_the_message(self):
        consumer = self.rig.connect("orders")
        published(self.rig, 2)
        self.rig.flow(consumer, flowing=False)
        self.rig.wait(60.0)
        self.assertEqual(self.rig.broker.figures().in_flight, 0)
        self.rig.ack(consumer, [consumer.got[0][0]])
        self.rig.flow(consumer, flowing=True)
        self.assertEqual(consumer.bodies, ["0", "1", "1"])
        self.assertEqual((self.ignored(), self.rig.broker.counts().consumed), (0, 1))

    def test_one_that_comes_while_another_holds_the_message_ends_that_lease(self):
        late, other = self.rig.connect("orders", 2), self.rig.connect("orders", 2)
        published(self.rig, 2)
        self.rig.flow(late, flowing=False)
        self.rig.wait(60.0)
        self.assertEqual(other.bodies, ["0", "1"])
        self.rig.ack(late, [late.got[0][0]])
        self.assertEqual((other.consumer.credit, self.rig.broker.figures().in_flight), (1, 1))
        self.rig.ack(other, list(other.held))
        self.assertEqual((self.ignored(), self.rig.broker.counts().consumed), (1, 2))
        self.assertEqual(self.rig.broker.figures().memory, 0)

    def test_a_consumer_that_came_back_may_acknowledge_what_it_got_before(self):
        consumer = self.rig.connect("orders")
        published(self.rig, 1)
        code = consumer.held[0]
        self.rig.disconnect(consumer)
        again = self.rig.connect("orders", 0)
        self.rig.ack(again, [code])
        self.assertEqual(self.rig.broker.counts().consumed, 1)
        other = self.rig.connect("orders")
        self.assertEqual(other.bodies, [])
        self.assertEqual(self.rig.broker.figures().memory, 0)

    def test_one_from_a_consumer_that_is_gone_is_nothing(self):
        consumer = self.rig.connect("orders")
        published(self.rig, 1)
        code = consumer.held[0]
        self.rig.disconnect(consumer)
        self.rig.ack(consumer, [code])
        self.assertEqual((self.ignored(), self.rig.broker.counts().consumed), (1, 0))
