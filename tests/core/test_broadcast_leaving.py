"""Broadcasts: members that go, and messages that are deleted."""

from kapokmq.core.rules import Rules
from tests.core.broadcast_case import BroadcastCase
from tests.core.rig import Rig


class LeavingTests(BroadcastCase):
    """Members that go owe nothing any more."""

    def test_gone_with_somebodys_ack_it_is_done(self):
        one, other = self.rig.connect("orders"), self.rig.connect("orders")
        self.publish("a")
        self.rig.ack(one, list(one.held))
        self.rig.disconnect(other)
        self.assert_counts(stored=1, consumed=1)
        self.assertEqual(self.rig.connect("orders").bodies, [])
        self.assert_nothing_left()

    def test_gone_before_the_others_acknowledge_it_is_done_with_their_acks(self):
        one, other = self.rig.connect("orders"), self.rig.connect("orders")
        self.publish("a")
        self.rig.disconnect(other)
        self.assert_counts(stored=1, consumed=0)
        self.rig.ack(one, list(one.held))
        self.assert_counts(stored=1, consumed=1)
        self.assert_nothing_left()

    def test_gone_without_any_ack_it_is_ready_again(self):
        one, other = self.rig.connect("orders"), self.rig.connect("orders")
        self.publish("a", "b")
        self.rig.disconnect(one)
        self.rig.disconnect(other)
        self.assert_counts(stored=2, consumed=0)
        again = self.rig.connect("orders")
        self.rig.wait(45.0)
        self.assertEqual(again.bodies, ["a", "b"])
        self.rig.ack(again, list(again.held))
        self.assert_nothing_left()

    def test_what_it_held_and_what_it_had_still_to_get_come_again_in_order(self):
        slow = self.rig.connect("orders", 2)
        self.publish("a", "b", "c", "d")
        self.rig.disconnect(slow)
        self.assertEqual(self.rig.connect("orders").bodies, ["a", "b", "c", "d"])

    def test_retries_wait_when_everybody_went_too_often(self):
        self.publish("a")
        for _ in range(2):
            consumer = self.rig.connect("orders")
            self.assertEqual(consumer.bodies, ["a"])
            self.rig.disconnect(consumer)
        last = self.rig.connect("orders")
        self.assertEqual(last.bodies, [])
        self.rig.wait(45.0)
        self.assertEqual(last.bodies, ["a"])

    def test_so_they_do_where_the_last_one_held_nothing_any_more_when_it_went(self):
        self.rig = Rig(Rules(broadcast=True, retry_count=0, retry_seconds=45.0, lease_seconds=10.0))
        stalled = self.rig.connect("orders")
        self.publish("a")
        self.rig.flow(stalled, flowing=False)
        self.rig.wait(10.0)
        self.rig.disconnect(stalled)
        last = self.rig.connect("orders")
        self.assertEqual((last.bodies, self.rig.broker.next_wait(self.rig.now)), ([], 45.0))
        self.rig.wait(45.0)
        self.assertEqual(last.bodies, ["a"])

    def test_after_a_restart_what_only_some_acknowledged_is_delivered_again(self):
        one, _ = self.rig.connect("orders"), self.rig.connect("orders")
        self.publish("a")
        self.rig.ack(one, list(one.held))
        self.rig.commit()
        self.rig.crash()
        self.assertEqual(self.rig.connect("orders").bodies, ["a"])


class DeletedTests(BroadcastCase):
    """Messages that are deleted while members have them, or have still to get them."""

    def test_one_in_a_backlog_is_passed_over(self):
        slow, fast = self.rig.connect("orders", 1), self.rig.connect("orders")
        self.publish("a", "b", "c")
        self.rig.delete("b")
        self.rig.ack(slow, list(slow.held))
        self.rig.settle()
        self.assertEqual((slow.bodies, fast.bodies), (["a", "c"], ["a", "b", "c"]))
        for consumer in (slow, fast):
            self.rig.ack(consumer, list(consumer.held))
        self.assert_counts(stored=2, consumed=2)
        self.assert_nothing_left()

    def test_a_backlog_of_which_nothing_is_left_comes_to_rest(self):
        stalled = self.rig.connect("orders")
        self.rig.flow(stalled, flowing=False)
        self.publish("a", "b")
        self.rig.delete("a")
        self.rig.delete("b")
        self.rig.flow(stalled, flowing=True)
        self.rig.settle()
        self.assertEqual(stalled.bodies, [])
        self.assert_counts(stored=0, consumed=0)
        self.assert_nothing_left()

    def test_one_that_is_held_is_not_dealt_again_and_its_ack_changes_no_count(self):
        one, other = self.rig.connect("orders"), self.rig.connect("orders")
        self.publish("a")
        self.rig.delete("a")
        self.rig.ack(one, list(one.held))
        self.rig.disconnect(other)
        self.assertEqual(self.rig.connect("orders").bodies, [])
        self.assert_counts(stored=0, consumed=0)
        self.assert_nothing_left()

    def test_one_that_nobody_acknowledged_leaves_with_its_members(self):
        one = self.rig.connect("orders")
        self.publish("a")
        self.rig.delete("a")
        self.rig.disconnect(one)
        self.assertEqual(self.rig.connect("orders").bodies, [])
        self.assert_nothing_left()
