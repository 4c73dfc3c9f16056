"""Leases: how they end, and what is dealt again when."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.rules import Rules
from tests.core.rig import Rig


def published(rig, *bodies):
    rig.publish("orders", list(bodies))
    rig.commit()


def the_group(rig):
    [group] = rig.broker.catalog.groups.values()
    return group


class TimeOutTests(SynchronousTestCase):
    """A member that stays silent loses what it holds."""

    def test_a_message_is_dealt_again_when_its_lease_times_out_and_not_before(self):
        rig = Rig(Rules(lease_seconds=60.0))
        consumer = rig.connect("orders")
        published(rig, "a")
        self.assertEqual(rig.broker.next_wait(rig.now), 60.0)
        rig.wait(59.9)
        self.assertEqual(consumer.bodies, ["a"])
        rig.wait(0.1)
        self.assertEqual(consumer.bodies, ["a", "a"])
        self.assertEqual((rig.broker.figures().retried, rig.broker.figures().in_flight), (1, 1))

    def test_it_is_dealt_again_at_once_however_often_it_timed_out(self):
        rig = Rig(Rules(lease_seconds=10.0, retry_count=1, retry_seconds=60.0))
        consumer = rig.connect("orders")
        published(rig, "a")
        for _ in range(5):
            rig.wait(10.0)
        self.assertEqual(consumer.bodies, ["a"] * 6)

    def test_it_comes_before_what_waits(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders", 1)
        published(rig, "a", "b")
        rig.wait(60.0)
        self.assertEqual(consumer.bodies, ["a", "a"])

    def test_leases_that_time_out_together_are_dealt_again_in_order(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders", 10)
        published(rig, "a", "b")
        published(rig, "c")
        published(rig, "d", "e")
        rig.wait(60.0)
        self.assertEqual(consumer.bodies[5:], ["a", "b", "c", "d", "e"])

    def test_only_what_is_still_held_times_out(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders", 10)
        published(rig, "a", "b", "c")
        rig.ack(consumer, [consumer.held[1]])
        rig.wait(60.0)
        self.assertEqual(consumer.bodies[3:], ["a", "c"])
        rig.ack(consumer, list(consumer.held))
        self.assertEqual(rig.broker.figures().in_flight, 0)
        self.assertEqual(consumer.consumer.credit, 10)

    def test_a_later_batch_keeps_its_own_deadline(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders", 10)
        published(rig, "a")
        rig.wait(30.0)
        published(rig, "b")
        rig.wait(30.0)
        self.assertEqual(consumer.bodies, ["a", "b", "a"])
        rig.wait(30.0)
        self.assertEqual(consumer.bodies, ["a", "b", "a", "b"])

    def test_the_wall_clock_has_no_part_in_it(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders", 10)
        published(rig, "a")
        rig.jump(3600)
        rig.jump(-7200)
        self.assertEqual(consumer.bodies, ["a"])

    def test_where_leases_do_not_time_out_nothing_is_dealt_again(self):
        rig = Rig(Rules(lease_seconds=None))
        consumer = rig.connect("orders")
        published(rig, "a")
        self.assertIsNone(rig.broker.next_wait(rig.now))
        rig.wait(1e6)
        self.assertEqual(consumer.bodies, ["a"])


class DisconnectTests(SynchronousTestCase):
    """A member that goes gives back what it holds."""

    def test_what_it_held_is_dealt_again_at_once_and_in_order(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders", 3)
        published(rig, "a", "b", "c", "d")
        rig.ack(consumer, [consumer.held[1]])  # makes room for d
        rig.disconnect(consumer)
        other = rig.connect("orders")
        self.assertEqual(other.bodies, ["a", "c", "d"])

    def test_that_happens_retry_count_times_and_then_after_retry_seconds(self):
        rig = Rig(Rules(retry_count=2, retry_seconds=45.0, lease_seconds=None))
        published(rig, "a")
        for _ in range(3):
            consumer = rig.connect("orders")
            self.assertEqual(consumer.bodies, ["a"])
            rig.disconnect(consumer)
        last = rig.connect("orders")
        self.assertEqual(last.bodies, [])
        self.assertEqual(rig.broker.next_wait(rig.now), 45.0)
        rig.wait(44.9)
        self.assertEqual(last.bodies, [])
        rig.wait(0.1)
        self.assertEqual(last.bodies, ["a"])

    def test_what_waits_for_its_retry_holds_up_nothing_else(self):
        rig = Rig(Rules(retry_count=0, retry_seconds=45.0))
        published(rig, "a")
        rig.disconnect(rig.connect("orders"))
        consumer = rig.connect("orders")
        published(rig, "b")
        self.assertEqual(consumer.bodies, ["b"])

    def test_a_member_that_is_gone_already_is_ignored(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders")
        rig.disconnect(consumer)
        self.assertEqual(rig.broker.unsubscribe(consumer.consumer, rig.now), [])
        self.assertEqual(rig.broker.flow(consumer.consumer, flowing=True, now=rig.now), [])

    def test_other_members_leases_stay(self):
        rig = Rig(Rules(), choose=lambda members, n: [members[i % 2] for i in range(n)])
        one, other = rig.connect("orders", 2), rig.connect("orders", 2)
        published(rig, "a", "b", "c", "d")
        rig.disconnect(one)
        self.assertEqual(other.bodies, ["c", "d"])
        rig.ack(other, list(other.held))
        self.assertEqual(other.bodies, ["c", "d", "a", "b"])


class AttemptTests(SynchronousTestCase):
    """How often a message was tried outlives a restart."""

    def after_two_disconnects(self, **rules):
        rig = Rig(Rules(retry_count=1, retry_seconds=45.0, lease_seconds=None, **rules))
        published(rig, "a", "b")
        for _ in range(2):
            consumer = rig.connect("orders", 1)
            self.assertEqual(consumer.bodies, ["a"])
            rig.disconnect(consumer)
        rig.commit()
        return rig

    def test_a_retry_waits_out_its_time_after_a_restart(self):
        rig = self.after_two_disconnects()
        rig.now = rig.now._replace(wall=rig.now.wall + 20_000, steady=0.0)
        rig.crash()
        consumer = rig.connect("orders")
        self.assertEqual(consumer.bodies, ["b"])
        rig.wait(24.9)
        self.assertEqual(consumer.bodies, ["b"])
        rig.wait(0.1)
        self.assertEqual(consumer.bodies, ["b", "a"])

    def test_a_retry_whose_time_came_while_the_node_was_down_is_dealt_in_its_place(self):
        rig = self.after_two_disconnects()
        rig.now = rig.now._replace(wall=rig.now.wall + 45_000)
        rig.crash()
        self.assertEqual(rig.connect("orders").bodies, ["a", "b"])

    def test_nobody_waits_longer_than_the_rules_say_where_the_clock_was_set_back(self):
        rig = self.after_two_disconnects()
        rig.now = rig.now._replace(wall=rig.now.wall - 86_400_000)
        rig.crash()
        consumer = rig.connect("orders")
        rig.wait(45.0)
        self.assertEqual(consumer.bodies, ["b", "a"])

    def test_attempts_go_on_counting_after_a_restart(self):
        rig = self.after_two_disconnects()
        rig.now = rig.now._replace(wall=rig.now.wall + 45_000)
        rig.crash()
        consumer = rig.connect("orders", 1)
        self.assertEqual(consumer.bodies, ["a"])
        rig.disconnect(consumer)
        rig.commit()
        self.assertEqual(the_group(rig).attempts[0].tries, 3)
        self.assertEqual(rig.connect("orders").bodies, ["b"])

    def test_an_ack_of_a_code_from_before_the_restart_does_not_count(self):
        rig = Rig(Rules(retry_count=0))
        published(rig, "a")
        consumer = rig.connect("orders")
        code = consumer.held[0]
        rig.disconnect(consumer)
        rig.commit()
        rig.crash()
        again = rig.connect("orders")
        rig.ack(again, [code])
        self.assertEqual(rig.broker.figures().ignored_acks, 1)

    def test_what_was_acknowledged_since_is_not_tried_again_after_a_restart(self):
        rig = self.after_two_disconnects()
        consumer = rig.connect("orders")
        rig.wait(45.0)
        rig.ack(consumer, list(consumer.held))
        rig.commit()
        rig.crash()
        self.assertEqual(the_group(rig).attempts, {})
        self.assertIsNone(rig.broker.next_wait(rig.now))

    def test_an_acknowledged_message_leaves_no_attempt_behind(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders")
        published(rig, "a", "b")
        rig.wait(60.0)
        self.assertEqual(len(the_group(rig).attempts), 2)
        rig.ack(consumer, list(consumer.held))
        self.assertEqual(the_group(rig).attempts, {})

    def test_a_deleted_message_leaves_no_attempt_behind(self):
        rig = Rig(Rules())
        consumer = rig.connect("orders")
        published(rig, "a", "b")
        rig.wait(60.0)
        rig.delete("a")
        self.assertEqual(list(the_group(rig).attempts), [1])
        rig.wait(60.0)
        self.assertEqual(list(the_group(rig).attempts), [1])
        self.assertEqual(consumer.bodies, ["a", "b", "a", "b", "b"])
        rig.disconnect(consumer)
        rig.commit()
        self.assertEqual(list(rig.store.attempts), [(1, 1)])

    def test_a_delayed_retry_comes_once_although_the_clock_was_set_back_before_the_restart(self):
        # It fell due, was tried twice and waits for its retry; after the restart it is not due yet, says the clock.
        rig = Rig(Rules(retry_count=0, retry_seconds=45.0, lease_seconds=None))
        rig.publish("orders", ["a"], delay=100)
        rig.commit()
        rig.wait(100.0)
        rig.disconnect(rig.connect("orders"))
        rig.commit()
        for back in (-30, -80):
            rig.now = rig.now._replace(wall=rig.now.wall + back * 1000)
            rig.crash()
            consumer = rig.connect("orders")
            rig.wait(45.0)
            rig.wait(200.0)
            self.assertEqual(consumer.bodies, ["a"])
            self.assertEqual(rig.broker.figures().in_flight, 1)
