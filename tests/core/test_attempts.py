"""Attempts: how they are counted, when the next one comes, and when it was the last."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.attempts import LONGEST_REASON, Attempt, Attempts
from kapokmq.core.commit import DeadRow
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig


def published(rig, *bodies):
    rig.publish("a", list(bodies))
    rig.commit()
    rig.settle()


class NackTests(SynchronousTestCase):
    """Who can't do it says so."""

    def setUp(self):
        self.rig = Rig(Rules(backoff=2.0, backoff_max=10.0))
        self.consumer = self.rig.join("a", "g", 2)

    def nack(self, *arguments):
        return self.rig.nack(self.consumer, [self.consumer.held[0]], *arguments)

    def test_it_comes_again_after_the_backoff_which_doubles_up_to_its_cap(self):
        published(self.rig, "x")
        for wait in (2.0, 4.0, 8.0, 10.0, 10.0):
            got = len(self.consumer.got)
            self.nack()
            self.assertEqual(self.rig.broker.next_wait(self.rig.now), wait)
            self.rig.wait(wait - 0.1)
            self.assertEqual(len(self.consumer.got), got)
            self.rig.wait(0.1)
            self.assertEqual(len(self.consumer.got), got + 1)
        self.assertEqual(self.consumer.attempts, [1, 2, 3, 4, 5, 6])

    def test_it_comes_again_when_the_consumer_says(self):
        published(self.rig, "x", "y")
        self.nack(0.0)
        self.rig.settle()
        self.assertEqual(self.consumer.bodies, ["x", "y", "x"])
        self.rig.ack(self.consumer, self.consumer.held[:1])
        self.nack(77.0)
        self.rig.wait(76.0)
        self.assertEqual(self.consumer.bodies, ["x", "y", "x"])
        self.rig.wait(1.0)
        self.assertEqual(self.consumer.bodies, ["x", "y", "x", "x"])

    def test_it_gives_the_credit_back(self):
        published(self.rig, "1", "2", "3")
        self.assertEqual(self.consumer.bodies, ["1", "2"])
        self.nack()
        self.assertEqual(self.consumer.bodies, ["1", "2", "3"])
        self.assertEqual(self.rig.broker.figures().nacked, 1)

    def test_what_it_does_not_hold_is_ignored(self):
        published(self.rig, "x")
        other = self.rig.join("a", "g")
        self.assertEqual(self.rig.nack(other, [self.consumer.held[0], "junk"]), [self.consumer.held[0], "junk"])
        self.assertEqual(self.rig.broker.figures().nacked, 0)

    def test_what_is_done_meanwhile_is_not_tried_again(self):
        published(self.rig, "x")
        code = self.consumer.held[0]
        self.rig.delete("x")
        self.rig.nack(self.consumer, [code])
        self.rig.wait(100.0)
        self.assertEqual((self.consumer.bodies, self.rig.group("a", "g").attempts), (["x"], {}))
        self.assertEqual(self.rig.broker.figures().memory, 0)

    def test_a_late_acknowledgement_counts_while_it_waits_to_be_tried_again(self):
        published(self.rig, "x")
        code = self.consumer.held[0]
        self.nack()
        self.assertEqual(self.rig.ack(self.consumer, [code]), [])
        self.rig.wait(100.0)
        self.assertEqual((self.consumer.bodies, self.rig.broker.counts().consumed), (["x"], 1))
        self.assertEqual(self.rig.ack(self.consumer, [code]), [code])

    def test_what_happened_is_recorded_with_who_and_why(self):
        published(self.rig, "x")
        self.nack(None, "no stock")
        self.rig.wait(2.0)
        self.nack(None, "")
        self.rig.wait(4.0)
        self.rig.wait(60.0)
        self.rig.disconnect(self.consumer)
        self.rig.commit()
        told = [(row.kind, row.tries, row.who, row.reason) for row in self.rig.store.events]
        self.assertEqual(told[:2], [("nacked", 1, "c", "no stock"), ("nacked", 2, "c", "nacked")])
        self.assertEqual(told[2], ("lost", 3, "c", "the lease timed out"))
        self.assertEqual(self.rig.store.events[0].at, START.wall)

    def test_reasons_are_cut(self):
        published(self.rig, "x")
        self.nack(None, "y" * 10_000)
        self.rig.commit()
        self.assertEqual(len(self.rig.store.attempts[1, 0].reason), LONGEST_REASON)

    def test_delays_and_attempts_outlive_a_restart(self):
        published(self.rig, "x")
        self.nack(100.0)
        self.rig.commit()
        self.rig.now = self.rig.now._replace(wall=self.rig.now.wall + 40_000)
        self.rig.crash()
        again = self.rig.join("a", "g")
        self.rig.wait(59.9)
        self.assertEqual(again.bodies, [])
        self.rig.wait(0.1)
        self.assertEqual((again.bodies, again.attempts), (["x"], [2]))

    def test_deliveries_say_which_attempt_it_is_message_by_message(self):
        rig = Rig(Rules(backoff=1.0))
        consumer = rig.join("a", "g", 10)
        published(rig, "1", "2")
        rig.nack(consumer, consumer.held[:1])
        rig.flow(consumer, flowing=False)
        rig.wait(1.0)
        published(rig, "3")
        rig.flow(consumer, flowing=True)
        self.assertEqual((consumer.bodies, consumer.attempts), (["1", "2", "1", "3"], [1, 1, 2, 1]))


class DeadTests(SynchronousTestCase):
    """After the last attempt."""

    def setUp(self):
        self.rig = Rig(Rules(max_attempts=2, backoff=0.0))
        self.consumer = self.rig.join("a", "g")

    def kill(self, *reasons):
        for reason in reasons or ("no", "no"):
            self.rig.nack(self.consumer, list(self.consumer.held), None, reason)
            self.rig.settle()

    def test_a_message_is_a_dead_letter_with_the_last_reason(self):
        published(self.rig, "x")
        self.kill("first", "last")
        self.rig.wait(1000.0)
        self.assertEqual(self.consumer.bodies, ["x", "x"])
        self.rig.commit()
        self.assertEqual(self.rig.store.dead, {(1, 0): DeadRow(1, 0, START.wall, 2, "last")})
        self.assertEqual(self.rig.store.attempts, {})
        self.assertEqual([row.kind for row in self.rig.store.events], ["nacked", "nacked", "dead"])
        figures = self.rig.broker.figures()
        self.assertEqual((figures.dead, figures.memory, figures.in_flight), (1, 0, 0))
        self.assertEqual((self.rig.broker.topics()[0].dead, self.rig.broker.counts()), (1, (1, 0, 0, 1)))

    def test_time_outs_and_disconnects_count_as_well(self):
        published(self.rig, "x")
        self.rig.wait(60.0)
        self.rig.disconnect(self.consumer)
        self.rig.commit()
        self.assertEqual([row.reason for row in self.rig.store.dead.values()], ["the consumer disconnected"])
        self.assertEqual(self.rig.join("a", "g").bodies, [])

    def test_others_go_on_and_the_mark_waits(self):
        published(self.rig, "1", "2")
        self.rig.nack(self.consumer, self.consumer.held[:1])
        self.rig.settle()
        self.rig.nack(self.consumer, [self.consumer.got[0][0]])
        self.rig.ack(self.consumer, list(self.consumer.held))
        published(self.rig, "3")
        self.rig.ack(self.consumer, list(self.consumer.held))
        self.rig.commit()
        position = self.rig.group("a", "g").position
        self.assertEqual((position.mark, list(position.dead), list(position.done)), (0, [(0, 0)], [(1, 2)]))
        self.rig.crash()
        again = self.rig.join("a", "g")
        published(self.rig, "4")
        self.assertEqual(again.bodies, ["4"])

    def test_an_acknowledgement_of_a_dead_letter_is_ignored(self):
        published(self.rig, "x")
        code = self.consumer.held[0]
        self.kill()
        self.assertEqual(self.rig.ack(self.consumer, [code]), [code])
        self.assertEqual(self.rig.broker.counts().consumed, 0)

    def test_one_that_is_deleted_is_no_dead_letter_any_more(self):
        published(self.rig, "x")
        self.kill()
        self.rig.commit()
        self.rig.delete("x")
        self.rig.commit()
        self.assertEqual((self.rig.broker.counts().all, self.rig.topic("a").dead), (0, 0))
        self.assertEqual(self.rig.store.dead, {})

    def test_one_deleted_before_its_commit_is_not_stored_as_one(self):
        published(self.rig, "x")
        self.kill()
        self.rig.delete("x")
        self.rig.begin_commit()
        self.assertEqual(self.rig.taken.commit.dead, [])

    def test_it_is_none_where_a_group_tries_for_ever(self):
        self.rig.broker.steering.set_config(self.rig.topic("a"), self.rig.group("a", "g"), GroupConfig(max_attempts=0))
        published(self.rig, "x")
        self.kill(*["no"] * 30)
        self.assertEqual(self.consumer.attempts, list(range(1, 32)))

    def test_a_topics_policy_says_how_often_where_the_group_says_nothing(self):
        self.rig.broker.steering.set_policy(self.rig.topic("a"), TopicPolicy(max_attempts=3))
        published(self.rig, "x")
        self.kill("1", "2", "3", "4")
        self.assertEqual(self.consumer.attempts, [1, 2, 3])

    def test_classic_consumers_never_give_up(self):
        rig = Rig(Rules(max_attempts=1))
        consumer = rig.connect("a")
        published(rig, "x")
        rig.wait(60.0)
        self.assertEqual(consumer.bodies, ["x", "x"])

    def test_the_death_of_one_that_a_failed_commit_put_back_is_stored(self):
        published(self.rig, "x")
        self.kill()
        self.rig.begin_commit()
        self.rig.fail_commit()
        self.rig.commit()
        self.assertEqual(list(self.rig.store.dead), [(1, 0)])
        self.assertEqual(len(self.rig.store.events), 3)


class ForgetTests(SynchronousTestCase):
    """What is acknowledged or removed is not counted any longer."""

    def test_a_run_is_forgotten_whichever_is_shorter(self):
        for last in (2, 1_000_000):
            attempts = Attempts({0: Attempt(1, "a"), 2: Attempt(1, "b"), 3_000_000: Attempt(1, "c")})
            attempts.forget(1, last)
            self.assertEqual(list(attempts), [0, 3_000_000])
        Attempts().forget(0, 5)
