"""The broadcast mode: every member gets each message and acknowledges it for itself."""

from kapokmq.core.message import OVERHEAD
from kapokmq.core.rules import WRITE_BYTES, Rules
from tests.core.broadcast_case import BroadcastCase
from tests.core.rig import Rig


class DealingTests(BroadcastCase):
    """Who gets what."""

    def test_everybody_connected_gets_every_message_in_order_and_one_write_serves_all(self):
        consumers = [self.rig.connect("orders") for _ in range(3)]
        self.publish("a", "b")
        for consumer in consumers:
            self.assertEqual(consumer.bodies, ["a", "b"])
        self.assertEqual(self.rig.writes, [(3, 2)])

    def test_who_joins_later_gets_nothing_old(self):
        first = self.rig.connect("orders")
        self.publish("a")
        joiner = self.rig.connect("orders")
        self.publish("b")
        self.assertEqual((first.bodies, joiner.bodies), (["a", "b"], ["b"]))
        self.rig.ack(first, list(first.held))
        self.assert_counts(stored=2, consumed=1)

    def test_what_was_published_without_anybody_goes_to_the_first_who_comes(self):
        self.publish("a")
        self.assertEqual(self.rig.connect("orders").bodies, ["a"])
        self.assertEqual(self.rig.connect("orders").bodies, [])

    def test_a_slow_member_gets_it_when_it_has_room_and_holds_up_nobody(self):
        slow, fast = self.rig.connect("orders", 1), self.rig.connect("orders", 10)
        self.publish("a", "b", "c")
        self.assertEqual((slow.bodies, fast.bodies), (["a"], ["a", "b", "c"]))
        for _ in range(2):
            self.rig.ack(slow, list(slow.held))
        self.assertEqual(slow.bodies, ["a", "b", "c"])

    def test_a_stalled_member_gets_it_when_its_transport_drains(self):
        stalled, other = self.rig.connect("orders"), self.rig.connect("orders")
        self.rig.flow(stalled, flowing=False)
        self.publish("a", "b")
        self.assertEqual((stalled.bodies, other.bodies), ([], ["a", "b"]))
        self.rig.flow(stalled, flowing=True)
        self.assertEqual(stalled.bodies, ["a", "b"])

    def test_who_lags_behind_gets_the_rest_in_order_before_what_is_new(self):
        slow = self.rig.connect("orders", 2)
        self.publish("a", "b", "c")
        self.rig.flow(slow, flowing=False)
        self.publish("d")
        self.rig.ack(slow, list(slow.held))
        self.rig.flow(slow, flowing=True)
        self.rig.ack(slow, list(slow.held))
        self.assertEqual(slow.bodies, ["a", "b", "c", "d"])

    def test_who_lags_behind_gets_a_megabyte_a_write_or_one_message(self):
        self.rig = Rig(self.rules)
        lagging = self.rig.connect("orders", 10)
        self.rig.flow(lagging, flowing=False)
        self.publish("x" * (WRITE_BYTES // 2), "y" * (WRITE_BYTES // 2), "z", "w" * (2 * WRITE_BYTES))
        self.rig.flow(lagging, flowing=True)
        self.rig.settle()
        self.assertEqual(self.rig.writes, [(1, 2), (1, 1), (1, 1)])

    def test_what_is_new_waits_behind_what_a_member_has_still_to_get(self):
        lagging = self.rig.connect("orders", 10)
        self.rig.flow(lagging, flowing=False)
        bodies = [letter * (WRITE_BYTES // 2 + 1) for letter in "xyz"]
        self.publish(*bodies)
        self.rig.flow(lagging, flowing=True)
        self.rig.publish("orders", ["new"])
        self.rig.commit()
        self.rig.settle()
        self.assertEqual(lagging.bodies, [*bodies, "new"])

    def test_who_owes_nothing_has_consumed_what_was_written_to_it(self):
        self.rig.connect("orders", None)
        self.publish("a")
        self.assert_counts(stored=1, consumed=1)
        owing = self.rig.connect("orders")
        self.publish("b")
        self.assert_counts(stored=2, consumed=1)
        self.rig.ack(owing, list(owing.held))
        self.assert_counts(stored=2, consumed=2)
        self.assert_nothing_left()


class OverrunTests(BroadcastCase):
    """The fastest runs ahead of the slowest by half the memory budget."""

    rules = Rules(broadcast=True, memory_budget=8 * (1 + OVERHEAD))

    def test_a_stalled_member_holds_up_others_at_half_of_the_budget_and_not_before(self):
        stalled, fast = self.rig.connect("orders"), self.rig.connect("orders", 100)
        self.rig.flow(stalled, flowing=False)
        for number in range(12):
            self.publish(str(number))
            self.rig.ack(fast, list(fast.held))
        self.assertEqual(len(fast.got), 5)  # the fifth oversteps it
        self.rig.flow(stalled, flowing=True)
        self.assertEqual(len(stalled.got), 5)
        self.rig.ack(stalled, list(stalled.held))
        self.rig.settle()
        self.assertEqual(fast.bodies, [str(number) for number in range(12)])

    def test_it_goes_on_when_the_stalled_member_goes(self):
        stalled, fast = self.rig.connect("orders"), self.rig.connect("orders", 100)
        self.rig.flow(stalled, flowing=False)
        for number in range(12):
            self.publish(str(number))
            self.rig.ack(fast, list(fast.held))
        self.rig.disconnect(stalled)
        self.rig.settle()
        self.rig.ack(fast, list(fast.held))
        self.assertEqual(len(fast.got), 12)
        self.assert_counts(stored=12, consumed=12)
        self.assert_nothing_left()


class AcknowledgementTests(BroadcastCase):
    """Each has its own."""

    def test_a_message_is_consumed_when_all_who_got_it_have_acknowledged(self):
        one, other = self.rig.connect("orders"), self.rig.connect("orders")
        self.publish("a")
        self.rig.ack(one, list(one.held))
        self.rig.ack(one, [one.got[0][0]])  # again: it has no second vote
        self.assert_counts(stored=1, consumed=0)
        self.assertEqual(self.rig.broker.figures().ignored_acks, 1)
        self.rig.ack(other, list(other.held))
        self.assert_counts(stored=1, consumed=1)
        self.assert_nothing_left()

    def test_only_who_has_not_acknowledged_gets_it_again(self):
        one, other = self.rig.connect("orders"), self.rig.connect("orders")
        self.publish("a", "b", "c")
        self.rig.ack(one, list(one.held))
        self.rig.ack(other, other.held[:1])
        self.rig.wait(60.0)
        self.assertEqual((one.bodies, other.bodies), (["a", "b", "c"], ["a", "b", "c", "b", "c"]))
        self.rig.ack(other, list(other.held))
        self.assert_counts(stored=3, consumed=3)
        self.assert_nothing_left()

    def test_what_timed_out_comes_again_before_what_that_member_had_still_to_get(self):
        slow = self.rig.connect("orders", 2)
        self.publish("a", "b", "c", "d")
        self.rig.wait(60.0)
        self.assertEqual(slow.bodies, ["a", "b", "a", "b"])
        self.rig.ack(slow, list(slow.held))
        self.assertEqual(slow.bodies[4:], ["c", "d"])

    def test_one_that_comes_after_its_lease_ended_counts_while_the_message_waits_for_that_member(self):
        one, other = self.rig.connect("orders"), self.rig.connect("orders")
        self.publish("a")
        self.rig.flow(one, flowing=False)
        self.rig.wait(60.0)
        self.rig.ack(one, [one.got[0][0]])
        self.rig.flow(one, flowing=True)
        self.assertEqual(one.bodies, ["a"])
        self.assertEqual(self.rig.broker.figures().ignored_acks, 0)
        self.rig.ack(other, list(other.held))
        self.assert_counts(stored=1, consumed=1)
        self.assert_nothing_left()

    def test_a_member_that_did_not_get_the_message_has_no_say(self):
        first = self.rig.connect("orders")
        self.publish("a")
        joiner = self.rig.connect("orders")
        self.rig.flow(first, flowing=False)
        self.rig.wait(60.0)
        self.rig.ack(joiner, [first.got[0][0], "junk"])
        self.assertEqual(self.rig.broker.figures().ignored_acks, 2)
        self.assert_counts(stored=1, consumed=0)
