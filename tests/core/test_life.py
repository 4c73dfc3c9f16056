"""What is known of one message, group by group."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.life import life_of
from kapokmq.core.lives import Event, GroupLife, Holder, Life
from kapokmq.core.message import Draft, Found, Status
from kapokmq.core.query import Happened, Stored, Trace
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig

NOTHING = Trace([], [], [])


class LifeTests(SynchronousTestCase):
    """One state after another."""

    def setUp(self):
        self.rig = Rig(Rules(max_attempts=2, backoff=5.0, ack_wait=30.0))

    def publish(self, *bodies, **delay):
        self.rig.publish("a", list(bodies), **delay)
        self.rig.commit()
        self.rig.settle()

    def life(self, body="x", trace=NOTHING, consumed=0):
        status = Status.CONSUMED if consumed else Status.WAITING
        message = self.rig.stored(body)
        shown = Found("code", "a", message.data, message.created, consumed, 0, status)
        found = life_of(self.rig.broker, Stored(message, status, consumed), shown, trace, self.rig.now)
        self.assertIs(found.message, shown)
        return found.groups

    def the_life(self, *arguments, **named):
        [life] = self.life(*arguments, **named)
        return life

    def test_without_groups_there_is_nothing_to_tell(self):
        self.publish("x")
        self.assertEqual(self.life(), [])

    def test_of_a_topic_that_is_gone_there_is_nothing_to_tell(self):
        self.publish("x")
        message = self.rig.stored("x")
        self.rig.run(self.rig.broker.steering.delete_topic(self.rig.topic("a"), self.rig.now))
        self.rig.commit()
        shown = Found("code", "", "x", 0, 0, 0, Status.WAITING)
        found = life_of(self.rig.broker, Stored(message, Status.WAITING, 0), shown, NOTHING, self.rig.now)
        self.assertEqual(found, Life(shown, []))

    def test_waiting_and_delayed(self):
        self.rig.join("a", "g", 0)
        self.publish("x")
        self.publish("late", delay=50)
        self.assertEqual(self.the_life(), GroupLife("g", "waiting", 0, None, None, [], []))
        self.assertEqual(self.the_life("late"), GroupLife("g", "delayed", 0, None, START.wall + 50_000, [], []))
        self.rig.wait(50.0)
        self.assertEqual(self.the_life("late").state, "waiting")

    def test_leased_to_whom_since_when_and_until_when(self):
        consumer = self.rig.join("a", "g")
        self.rig.join("a", "g", 0)
        self.publish("x")
        self.rig.wait(10.0)
        holder = Holder("c", START.wall, START.wall + 30_000)
        self.assertEqual(self.the_life(), GroupLife("g", "leased", 0, None, None, [holder], []))
        self.rig.touch(consumer, consumer.held)
        self.assertEqual(self.the_life().holders, [Holder("c", START.wall, START.wall + 40_000)])

    def test_leased_for_ever_to_all_of_a_broadcast(self):
        self.rig = Rig(Rules(broadcast=True, lease_seconds=None))
        self.rig.connect("a"), self.rig.connect("a")
        self.publish("x")
        self.assertEqual(self.the_life().holders, [Holder("c", START.wall, None)] * 2)

    def test_retrying_with_what_happened_so_far_in_this_group(self):
        consumer = self.rig.join("a", "g")
        self.publish("x")
        self.rig.nack(consumer, list(consumer.held))
        self.rig.wait(2.0)
        trace = Trace([], [], [Happened(1, 7, "nacked", 1, "c", "no"), Happened(9, 8, "lost", 1, "d", "other group")])
        life = self.the_life(trace=trace)
        self.assertEqual(
            life, GroupLife("g", "retrying", 1, None, START.wall + 5000, [], [Event(7, "nacked", 1, "c", "no")])
        )
        self.rig.wait(3.0)
        self.assertEqual((self.the_life().state, self.the_life().attempts), ("leased", 1))

    def test_acknowledged_when_that_was_recorded_or_is_when_it_was_consumed(self):
        consumer = self.rig.join("a", "g")
        self.publish("x")
        self.rig.ack(consumer, list(consumer.held))
        self.assertEqual(self.the_life(), GroupLife("g", "acknowledged", 0, None, None, [], []))
        self.assertEqual(self.the_life(consumed=77).since, 77)
        self.assertEqual(self.the_life(consumed=77, trace=Trace([(9, 33), (1, 55)], [], [])).since, 55)

    def test_not_due_to_a_group_that_began_later_unless_it_was_acknowledged_in_replay(self):
        self.rig.join("a", "g", 0)
        self.publish("x")
        self.rig.join("a", "late")
        self.assertEqual([life.state for life in self.life(consumed=77)], ["waiting", "notDue"])
        [_, late] = self.life(trace=Trace([(2, 55)], [], []))
        self.assertEqual((late.state, late.since), ("acknowledged", 55))

    def test_dead_since_when_and_after_how_many_attempts(self):
        consumer = self.rig.join("a", "g")
        self.publish("x")
        for _ in range(2):
            self.rig.nack(consumer, list(consumer.held))
            self.rig.wait(5.0)
        self.assertEqual(
            self.the_life(trace=Trace([], [(9, 1, 1, ""), (1, 66, 2, "no")], [])),
            GroupLife("g", "dead", 2, 66, None, [], []),
        )
        self.assertEqual(self.the_life(), GroupLife("g", "dead", 0, None, None, [], []))

    def test_expired_since_it_was_worth_nothing_any_more_unless_it_was_acknowledged_before(self):
        self.rig.join("a", "g", 0)
        self.rig.send("a", [Draft("x", expire_ms=10_000)])
        self.rig.commit()
        self.assertEqual(self.the_life().state, "waiting")
        self.rig.now = self.rig.now._replace(wall=START.wall + 10_000)
        self.assertEqual(self.the_life(), GroupLife("g", "expired", 0, START.wall + 10_000, None, [], []))
        self.rig.group("a", "g").position.settle(0, 0)
        life = self.the_life(trace=Trace([(1, 55)], [], []))
        self.assertEqual((life.state, life.since), ("acknowledged", 55))
