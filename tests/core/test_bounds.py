"""What grows with members, leases or messages is bounded, in memory and in what one turn does."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.broadcast import DEALT_AT_ONCE
from kapokmq.core.dealer import DEALT_AT_ONCE as TURN
from kapokmq.core.errors import MisuseError
from kapokmq.core.leases import EXPIRED_AT_ONCE
from kapokmq.core.rules import BATCH, PAGE_BYTES, SLICE, Rules
from tests.core.rig import START, Rig


class MemoryTests(SynchronousTestCase):
    def test_leased_messages_count_against_the_budget(self):
        body = "x" * 10_000
        rig = Rig(Rules(memory_budget=1000, lease_seconds=None))
        rig.page_limit = 50
        for _ in range(60):
            rig.publish("a", [body] * 10)
        rig.commit()
        consumer = rig.connect("a", 10_000)
        rig.settle()
        self.assertLess(len(consumer.got), 600, "a consumer that holds all it gets is not read on for")
        self.assertLess(rig.broker.figures().memory, 1000 + 2 * PAGE_BYTES)
        while len(consumer.got) < 600:
            rig.ack(consumer, list(consumer.held))
            rig.settle()
        self.assertEqual(consumer.bodies, [body] * 600)

    def test_nothing_is_kept_for_a_topic_without_consumers(self):
        rig = Rig(Rules())
        rig.disconnect(rig.connect("a"))
        rig.publish("a", ["1", "2"])
        rig.commit()
        self.assertEqual(rig.broker.figures().memory, 0)
        self.assertEqual(rig.connect("a").bodies, ["1", "2"])

    def test_what_was_kept_is_let_go_when_the_last_consumer_leaves(self):
        rig = Rig(Rules())
        consumer = rig.connect("a", 1)
        rig.publish("a", ["1", "2", "3"])
        rig.commit()
        self.assertEqual(consumer.bodies, ["1"])
        held = rig.broker.figures().memory
        rig.disconnect(consumer)
        self.assertEqual(rig.broker.figures().memory, held // 3)
        again = rig.connect("a", 10)
        rig.settle()
        self.assertEqual(again.bodies, ["1", "2", "3"])

    def test_what_the_store_had_no_room_for_is_counted_out(self):
        rig = Rig(Rules(paged=False))
        consumer = rig.connect("a")
        rig.publish("a", ["1", "2", "3"])
        rig.commit()
        rig.ack(consumer, list(consumer.held))
        rig.broker.dropped([(1, 2), (99, 5)], rig.now)
        self.assertEqual(rig.broker.counts(), (1, 1, 0, 0))


class MisuseTests(SynchronousTestCase):
    def test_a_publish_of_nothing_is_a_bug_of_ours(self):
        rig = Rig(Rules())
        self.assertRaises(MisuseError, rig.publish, "a", [])

    def test_what_was_looked_up_and_not_found_is_not_deleted(self):
        retention = Rig(Rules()).broker.retention
        retention.look_up()
        self.assertFalse(retention.delete([], START))


class CountTests(SynchronousTestCase):
    """The wall clock is set back, and the node restarts: what had fallen due and was consumed seems to be delayed."""

    def rig_after_that(self):
        rig = Rig(Rules(clean_seconds=None))
        consumer = rig.connect("a")
        rig.publish("a", ["1", "2"], delay=10)
        rig.commit()
        rig.wait(10)
        rig.ack(consumer, list(consumer.held))
        rig.commit()
        rig.now = rig.now._replace(wall=START.wall + 1000)
        rig.crash()
        return rig

    def test_it_stays_consumed_when_it_falls_due_again(self):
        rig = self.rig_after_that()
        self.assertEqual(rig.broker.counts(), (2, 2, 0, 0))
        rig.wait(20)
        self.assertEqual(rig.broker.counts(), (2, 2, 0, 0))
        self.assertEqual(rig.connect("a").bodies, [])

    def test_a_group_that_is_made_since_gets_it_when_it_falls_due_again(self):
        rig = self.rig_after_that()
        late = rig.join("a", "late", start="all")
        self.assertEqual(late.bodies, [])
        rig.wait(20)
        self.assertEqual((late.bodies, rig.broker.counts()), (["1", "2"], (2, 2, 0, 0)))

    def test_and_when_it_is_deleted(self):
        rig = self.rig_after_that()
        rig.delete("1")
        rig.commit()
        self.assertEqual(rig.broker.counts(), (1, 1, 0, 0))

    def test_a_deleted_message_that_times_out_in_a_broadcast_leaves_nothing(self):
        rig = Rig(Rules(broadcast=True, lease_seconds=5.0))
        rig.connect("a")
        rig.publish("a", ["1"])
        rig.commit()
        rig.delete("1")
        rig.wait(5)
        rig.commit()
        (group,) = rig.broker.catalog.groups.values()
        self.assertEqual(group.attempts, {})


class SliceTests(SynchronousTestCase):
    def test_leases_expire_in_slices_and_in_order(self):
        rig = Rig(Rules(lease_seconds=5.0))
        consumer = rig.connect("a", 100_000)
        bodies = [str(number) for number in range(3 * EXPIRED_AT_ONCE)]
        for start in range(0, len(bodies), 500):
            rig.publish("a", bodies[start : start + 500])
            rig.commit()
            rig.settle()
        self.assertEqual(consumer.bodies, bodies)
        rig.flow(consumer, flowing=False)
        rig.now = rig.now._replace(steady=rig.now.steady + 5)
        turns = 0
        while rig.broker.next_wait(rig.now) == 0.0:
            before = rig.broker.figures().in_flight
            rig.run(rig.broker.advance(rig.now))
            self.assertLess(before - rig.broker.figures().in_flight, EXPIRED_AT_ONCE + 1000)
            turns += 1
        self.assertGreater(turns, 2)
        rig.flow(consumer, flowing=True)
        rig.settle()
        self.assertEqual(consumer.bodies[len(bodies) :], bodies)

    def test_a_broadcast_to_many_is_dealt_and_taken_back_in_slices(self):
        rig = Rig(Rules(broadcast=True, lease_seconds=5.0))
        members = DEALT_AT_ONCE // 100
        consumers = [rig.connect("a", 1000) for _ in range(members)]
        rig.publish("a", ["x"] * 150)
        rig.commit()
        self.assertEqual(rig.broker.figures().in_flight, DEALT_AT_ONCE)
        rig.settle()
        self.assertEqual({len(consumer.got) for consumer in consumers}, {150})
        rig.now = rig.now._replace(steady=rig.now.steady + 5)
        rig.run(rig.broker.advance(rig.now))
        self.assertEqual(rig.broker.next_wait(rig.now), 0.0, "the rest follows")
        rig.settle()
        self.assertEqual({len(consumer.got) for consumer in consumers}, {300})

    def test_old_delayed_messages_go_slice_after_slice(self):
        rig = Rig(Rules(clean_seconds=100.0))
        rig.publish("a", ["x"] * (2 * SLICE + 10), delay=1)
        rig.commit()
        rig.wait(102)
        rig.sweep()
        rig.commit()
        self.assertEqual(rig.broker.counts().all, 0)
        self.assertEqual(rig.store.messages, {})


class AttemptTests(SynchronousTestCase):
    def test_a_broadcast_whose_consumers_all_go_has_had_one_attempt(self):
        rig = Rig(Rules(broadcast=True, retry_count=1))
        consumers = [rig.connect("a") for _ in range(4)]
        rig.publish("a", ["x"])
        rig.commit()
        for consumer in consumers:
            rig.disconnect(consumer)
        again = rig.connect("a")
        self.assertEqual(again.bodies, ["x"], "retried at once, however many were connected")
        rig.commit()
        self.assertEqual([row.tries for row in rig.store.attempts.values()], [1])

    def test_members_that_have_no_room_pass_their_turn(self):
        rig = Rig(Rules(), choose=lambda members, n: [members[0]] * n)
        consumers = [rig.connect("a", credit) for credit in (1, 1, 3)]
        rig.publish("a", list("abcde"))
        rig.commit()
        self.assertEqual([len(consumer.got) for consumer in consumers], [1, 1, 3])


class TurnTests(SynchronousTestCase):
    """One turn deals so much, and everything else has its turn."""

    def test_the_rest_is_dealt_in_the_next_turns(self):
        rig = Rig(Rules())
        consumers = [rig.connect(f"t{number}", 100_000) for number in range(8)]
        for number in range(8):
            rig.publish(f"t{number}", ["x"] * BATCH)
        rig.commit()
        dealt = sum(len(consumer.got) for consumer in consumers)
        self.assertEqual(dealt, TURN)
        self.assertEqual(rig.broker.next_wait(rig.now), 0.0)
        for consumer in consumers:  # whatever happens meanwhile
            rig.flow(consumer, flowing=False)
            rig.flow(consumer, flowing=True)
        self.assertEqual(sum(len(consumer.got) for consumer in consumers), TURN)
        rig.settle()
        self.assertEqual([len(consumer.got) for consumer in consumers], [BATCH] * 8)
