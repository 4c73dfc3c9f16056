"""The engine around the broker: commits one at a time, effects in order, one timer, and disks that fail."""

from twisted.internet.defer import Deferred

from kapokmq.core.errors import Draining, Full, MisuseError, StoreUnavailable
from kapokmq.core.message import Status
from kapokmq.core.rules import Rules
from kapokmq.services.pipeline import PATIENCE
from tests.services.engine import EngineCase, Publisher, Receiver, drafts


class CommitTests(EngineCase):
    def test_nothing_is_confirmed_or_delivered_before_its_commit(self):
        engine, log = self.make(), []
        publisher = self.publisher(log=log)
        engine.subscribe(Receiver(log), "t", 10)
        engine.publish(publisher, "t", drafts("a", "b"))
        self.turn()
        self.assertEqual(log, [])
        self.store.finish()
        self.assertEqual(log, [("confirmed", 2), ("delivered", 2)])

    def test_what_one_turn_brings_goes_into_one_commit_and_the_next_fills_meanwhile(self):
        engine = self.make()
        publisher = self.publisher()
        for body in "abc":
            engine.publish(publisher, "t", drafts(body))
        self.turn()
        for body in "defgh":
            engine.publish(publisher, "t", drafts(body))
            self.turn()
        self.assertEqual(self.store.sizes, [3])
        self.store.finish()
        self.turn()
        self.assertEqual(self.store.sizes, [3, 5])
        self.store.finish()
        self.assertEqual(self.commits, [3, 5])
        self.assertEqual(sum(count for _, count in publisher.log), 8)

    def test_a_publisher_that_left_is_told_nothing_and_its_messages_stay(self):
        engine = self.make()
        publisher = self.publisher()
        engine.publish(publisher, "t", drafts("a"))
        self.turn()
        engine.detach(publisher)
        self.store.finish()
        self.assertEqual(publisher.log, [])
        self.assertEqual(engine.counts().all, 1)

    def test_counts_alone_are_not_worth_a_commit(self):
        engine = self.make(prompt=True)
        receiver = Receiver()
        engine.subscribe(receiver, "t", 10)
        engine.publish(self.publisher(), "t", drafts("a"))
        self.turn()
        before = self.store.naive.commits
        self.clock.advance(1)
        self.assertEqual((receiver.got, self.store.naive.commits), (["a"], before))


class FailureTests(EngineCase):
    def test_classic_messages_are_held_and_retried_and_the_producer_waits(self):
        engine = self.make()
        publisher = self.publisher()
        engine.publish(publisher, "t", drafts("a"))
        self.turn()
        self.store.refuse()
        self.assertTrue(publisher.paused)
        self.assertFalse(engine.health().ready)
        self.assertIn("disk full", engine.health().reason)
        self.clock.advance(1)
        self.store.finish()
        self.assertEqual(publisher.log, [("confirmed", 1)])
        self.assertFalse(publisher.paused)
        self.assertTrue(engine.health().ready)

    def test_a_sender_over_http_is_refused_at_once(self):
        engine = self.make()
        sending = Deferred.fromCoroutine(engine.send("t", drafts("a")))
        self.turn()
        self.store.refuse()
        self.failureResultOf(sending, StoreUnavailable)
        again = Deferred.fromCoroutine(engine.send("t", drafts("b")))
        self.failureResultOf(again, StoreUnavailable)
        self.clock.advance(1)
        self.store.finish()
        self.assertEqual(engine.counts().all, 0)
        self.assertTrue(engine.health().ready)

    def test_after_thirty_seconds_classic_producers_are_refused_too(self):
        engine = self.make()
        publisher = self.publisher()
        engine.publish(publisher, "t", drafts("a"))
        self.turn()
        for _ in range(int(PATIENCE) + 1):
            self.store.refuse()
            self.clock.advance(1)
        self.assertEqual(publisher.log, [("refused", 1)])
        self.store.finish()
        self.assertEqual(engine.counts().all, 0)
        self.assertTrue(engine.health().ready)

    def test_so_are_those_that_wait_for_nothing(self):
        engine = self.make(Rules(eager=True))
        waiting, sender = self.publisher(), self.publisher(positional=False)
        engine.publish(waiting, "t", drafts("a"))
        engine.persist()
        for _ in range(int(PATIENCE) + 1):
            self.store.refuse()
            self.clock.advance(1)
        self.assertEqual(waiting.log, [("confirmed", 1), ("refused", 0)])
        self.assertEqual(sender.log, [])

    def test_a_deletion_that_is_not_stored_is_no_success(self):
        engine = self.make()
        sending = self.coroutine(engine.send("t", drafts("a")))
        self.store.finish()
        (code,) = self.successResultOf(sending).codes
        deleting = self.coroutine(engine.delete(code))
        self.store.refuse()
        self.turn()
        self.failureResultOf(deleting, StoreUnavailable)

    def test_what_can_not_be_read_makes_the_node_not_ready(self):
        engine = self.make(Rules(memory_budget=1), prompt=True)
        engine.publish(self.publisher(), "t", drafts("a"))
        self.turn()
        self.store.reads_fail = True
        engine.subscribe(Receiver(), "t", 10)
        self.turn()
        self.assertFalse(engine.health().ready)
        self.assertIn("i/o error", engine.health().reason)
        self.store.reads_fail = False
        self.clock.advance(1)
        self.turn()
        self.assertTrue(engine.health().ready)

    def test_acks_are_held_too_and_their_messages_not_delivered_again(self):
        engine = self.make()
        receiver = Receiver()
        subscription = engine.subscribe(receiver, "t", 10)
        engine.publish(self.publisher(), "t", drafts("a"))
        self.turn()
        self.store.finish()
        engine.ack(subscription, receiver.codes)
        self.turn()
        self.store.refuse()
        for _ in range(90):
            self.clock.advance(1)
            self.store.refuse()
        self.clock.advance(1)
        self.store.finish()
        self.assertEqual(receiver.got, ["a"])
        self.assertEqual(len(self.store.naive.consumed), 1)

    def test_a_bug_in_the_store_is_logged_and_treated_like_a_failing_disk(self):
        engine = self.make()
        publisher = self.publisher()
        engine.publish(publisher, "t", drafts("a"))
        self.turn()
        self.store.refuse(ZeroDivisionError("oops"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.clock.advance(1)
        self.store.finish()
        self.assertEqual(publisher.log, [("confirmed", 1)])

    def test_reads_that_fail_are_tried_again(self):
        engine = self.make(Rules(memory_budget=1), prompt=True)
        engine.publish(self.publisher(), "t", drafts("a", "b"))
        self.turn()
        self.store.reads_fail = True
        receiver = Receiver()
        engine.subscribe(receiver, "t", 10)
        self.turn()
        self.assertEqual(receiver.got, [])
        self.store.reads_fail = False
        self.clock.advance(1)
        self.turn()
        self.assertEqual(receiver.got, ["a", "b"])

    def test_a_receiver_that_raises_does_not_stop_the_node(self):
        engine = self.make(Rules(broadcast=True), prompt=True)

        class Broken:
            def deliver(self, delivery):
                raise ZeroDivisionError

        engine.subscribe(Broken(), "t", 10)
        whole = Receiver()
        engine.subscribe(whole, "t", 10)
        publisher = self.publisher()
        engine.publish(publisher, "t", drafts("a"))
        self.turn()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(whole.got, ["a"])
        engine.publish(publisher, "u", drafts("b"))
        self.turn()
        self.assertEqual(engine.counts().all, 2)

    def test_nor_does_a_publisher_that_raises(self):
        engine = self.make(Rules(eager=True))

        class Broken(Publisher):
            def confirmed(self, receipts):
                raise ZeroDivisionError

        broken, whole = Broken(), self.publisher()
        engine.attach(broken)
        for publisher in (broken, whole):
            engine.publish(publisher, "t", drafts("a"))
        self.turn()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(whole.log, [("confirmed", 1)])


class PressureTests(EngineCase):
    def test_a_full_broker_pauses_producers_and_refuses_senders(self):
        engine = self.make(Rules(buffer=2), prompt=True)
        publisher = self.publisher()
        engine.publish(publisher, "t", drafts("a", "b"))
        self.turn()
        self.assertTrue(publisher.paused)
        late = self.publisher()
        self.assertTrue(late.paused)
        self.failureResultOf(Deferred.fromCoroutine(engine.send("t", drafts("c"))), Full)
        self.assertIn("full", engine.health().reason)
        self.assertTrue(engine.health().ready, "or no consumer would come and make room")
        receiver = Receiver()
        subscription = engine.subscribe(receiver, "t", 10)
        self.turn()
        engine.ack(subscription, receiver.codes)
        self.turn()
        self.assertFalse(publisher.paused or late.paused)

    def test_a_stalled_receiver_gets_nothing_until_it_drains(self):
        engine = self.make(prompt=True)
        receiver = Receiver()
        subscription = engine.subscribe(receiver, "t", 10)
        engine.stall(subscription)
        engine.publish(self.publisher(), "t", drafts("a"))
        self.turn()
        self.assertEqual(receiver.got, [])
        engine.drained(subscription)
        self.assertEqual(receiver.got, ["a"])

    def test_subscriptions_of_others_are_a_misuse(self):
        self.assertRaises(MisuseError, self.make().ack, object(), [])


class TimeTests(EngineCase):
    def test_a_delayed_message_comes_when_it_is_due(self):
        engine = self.make(prompt=True)
        receiver = Receiver()
        engine.subscribe(receiver, "t", 10)
        engine.publish(self.publisher(), "t", drafts("late", delay=5))
        engine.publish(self.publisher(), "t", drafts("soon", delay=2))
        self.turn()
        self.clock.advance(1.999)
        self.turn()
        self.assertEqual(receiver.got, [])
        self.clock.advance(0.002)
        self.turn()
        self.assertEqual(receiver.got, ["soon"])
        self.clock.advance(3)
        self.turn()
        self.assertEqual(receiver.got, ["soon", "late"])

    def test_a_lease_times_out(self):
        engine = self.make(Rules(lease_seconds=7.0), prompt=True)
        receiver = Receiver()
        engine.subscribe(receiver, "t", 10)
        engine.publish(self.publisher(), "t", drafts("a"))
        self.turn()
        self.clock.advance(7)
        self.turn()
        self.assertEqual(receiver.got, ["a", "a"])

    def test_old_messages_are_swept(self):
        engine = self.make(Rules(clean_seconds=100.0), prompt=True)
        engine.publish(self.publisher(), "t", drafts("a"))
        engine.publish(self.publisher(), "t", drafts("d", delay=50))
        self.turn()
        self.clock.advance(101)
        engine.check()
        self.turn()
        self.assertEqual(engine.counts().all, 1)
        self.clock.advance(50)
        engine.check()
        self.turn()
        self.assertEqual((engine.counts().all, engine.figures().expired), (0, 2))

    def test_a_throttle_deals_what_each_refill_allows(self):
        engine = self.make(Rules(throttled=True), prompt=True)
        receiver = Receiver()
        engine.subscribe(receiver, "t", 10)
        engine.publish(self.publisher(), "t", drafts(*"abcde"))
        self.turn()
        self.assertEqual(receiver.got, [])
        engine.refill(2)
        self.assertEqual(receiver.got, ["a", "b"])
        engine.refill(2)
        self.assertEqual(receiver.got, ["a", "b", "c", "d"])


class EagerTests(EngineCase):
    rules = Rules(eager=True)

    def test_confirms_come_at_the_end_of_the_turn_without_a_commit(self):
        engine = self.make()
        publisher = self.publisher()
        engine.publish(publisher, "t", drafts("a"))
        engine.publish(publisher, "t", drafts("b"))
        self.assertEqual(publisher.log, [])
        self.turn()
        self.assertEqual(publisher.log, [("confirmed", 2)])
        self.assertEqual(self.store.sizes, [])
        engine.persist()
        self.assertEqual(self.store.sizes, [2])

    def test_many_messages_are_committed_before_the_interval_is_over(self):
        engine = self.make()
        publisher = self.publisher()
        engine.publish(publisher, "t", drafts(*"a" * 5000))
        self.turn()
        self.assertEqual(self.store.sizes, [5000])

    def test_a_question_sees_what_was_confirmed(self):
        engine = self.make(prompt=True)
        (code,) = self.send("t", "a")
        found = self.successResultOf(self.coroutine(engine.find(code)))
        self.assertEqual((found.data, found.status), ("a", Status.WAITING))

    def test_a_consumer_need_not_wait_for_the_interval(self):
        engine = self.make(prompt=True)
        engine.publish(self.publisher(), "t", drafts("a"))
        engine.subscribe(Receiver(), "u", 10)
        self.turn()
        receiver = Receiver()
        engine.subscribe(receiver, "t", 10)
        self.turn()
        self.assertEqual(receiver.got, ["a"])

    def test_who_left_before_the_end_of_the_turn_is_told_nothing(self):
        engine = self.make()
        publisher = self.publisher()
        engine.publish(publisher, "t", drafts("a"))
        engine.detach(publisher)
        self.turn()
        self.assertEqual(publisher.log, [])

    def test_what_was_confirmed_is_never_refused_later(self):
        engine = self.make()
        (code,) = self.send("t", "a")
        engine.persist()
        for _ in range(int(PATIENCE) + 2):
            self.store.refuse()
            self.clock.advance(1)
        self.store.finish()
        self.assertEqual(self.successResultOf(self.coroutine(engine.find(code))).data, "a")


class QuestionTests(EngineCase):
    def ask(self, **wanted):
        question = {"start": 0, "end": 1 << 60, "topic": None, "status": None, "with_data": True}
        return self.engine.search(**(question | {"limit": 10, "offset": 0} | wanted))

    def test_a_sender_gets_the_codes_of_its_messages_in_order(self):
        engine = self.make(prompt=True)
        codes = self.send("t", "a", "b")
        found = [self.successResultOf(self.coroutine(engine.find(code))) for code in codes]
        shown = [(one.data, one.topic, one.code) for one in found]
        self.assertEqual(shown, [("a", "t", codes[0]), ("b", "t", codes[1])])

    def test_questions_wait_for_what_went_before(self):
        engine = self.make()
        engine.publish(self.publisher(), "t", drafts("a"))
        self.turn()
        engine.publish(self.publisher(), "t", drafts("b"))
        asked = self.coroutine(self.ask())
        self.assertNoResult(asked)
        self.store.finish()
        self.turn()
        self.assertNoResult(asked)
        self.store.finish()
        self.turn()
        self.assertEqual({one.data for one in self.successResultOf(asked)}, {"a", "b"})

    def test_a_question_during_the_last_commit_is_answered_after_it(self):
        engine = self.make()
        engine.publish(self.publisher(), "t", drafts("a"))
        self.turn()
        asked = self.coroutine(self.ask())
        self.assertNoResult(asked)
        self.store.finish()
        self.turn()
        self.assertEqual([one.data for one in self.successResultOf(asked)], ["a"])
        self.assertEqual(self.store.pending, [])

    def test_search_by_topic_and_status(self):
        engine = self.make(prompt=True)
        engine.publish(self.publisher(), "t", drafts("a"))
        engine.publish(self.publisher(), "u", drafts("b", delay=9))
        self.turn()
        for wanted, data in (({"topic": "t"}, ["a"]), ({"status": 0}, ["b"]), ({"topic": "nobody's"}, [])):
            found = self.successResultOf(self.coroutine(self.ask(**wanted)))
            self.assertEqual([one.data for one in found], data)

    def test_codes_of_nobody_are_not_found(self):
        engine = self.make(prompt=True)
        (code,) = self.send("t", "a")
        other_epoch = code[:16] + "00000009" + code[24:]
        other_store = "f" * 16 + code[16:]
        for wrong in ("", "junk", other_epoch, other_store, code[:-1] + "f"):
            self.assertIsNone(self.successResultOf(self.coroutine(engine.find(wrong))))
            self.assertFalse(self.successResultOf(self.coroutine(engine.delete(wrong))))

    def test_a_deleted_message_is_gone_and_not_delivered(self):
        engine = self.make(prompt=True)
        code, _ = self.send("t", "a", "b")
        self.assertTrue(self.successResultOf(self.coroutine(engine.delete(code))))
        self.assertIsNone(self.successResultOf(self.coroutine(engine.find(code))))
        self.assertFalse(self.successResultOf(self.coroutine(engine.delete(code))))
        receiver = Receiver()
        engine.subscribe(receiver, "t", 10)
        self.turn()
        self.assertEqual(receiver.got, ["b"])

    def test_topics_are_listed_by_name(self):
        engine = self.make(prompt=True)
        for name in "ba":
            engine.publish(self.publisher(), name, drafts("x"))
        self.turn()
        self.assertEqual([(topic.topic, topic.waiting) for topic in engine.topics()], [("a", 1), ("b", 1)])


class EndTests(EngineCase):
    def test_freezing_confirms_what_there_is_and_gives_nothing_back(self):
        engine = self.make()
        publisher, receiver = self.publisher(), Receiver()
        subscription = engine.subscribe(receiver, "t", 10)
        engine.publish(publisher, "t", drafts("a"))
        self.turn()
        self.store.finish()
        engine.publish(publisher, "t", drafts("b"))
        frozen = engine.freeze()
        self.assertTrue(publisher.paused)
        self.assertFalse(engine.health().ready)
        self.assertNoResult(frozen)
        while self.store.pending:
            self.store.finish()
            self.turn()
        self.successResultOf(frozen)
        self.assertEqual(publisher.log, [("confirmed", 1), ("confirmed", 1)])
        engine.unsubscribe(subscription)
        closing = self.coroutine(engine.close())
        while self.store.pending:
            self.store.finish()
            self.turn()
        self.successResultOf(closing)
        self.assertTrue(self.store.closed)
        self.assertEqual(self.store.naive.attempts, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closing_while_the_disk_fails_tries_once_more(self):
        for works_again in (True, False):
            engine = self.make(Rules(eager=True))
            publisher = self.publisher()
            engine.publish(publisher, "t", drafts("a"))
            engine.persist()
            self.store.refuse()
            engine.freeze()
            closing = self.coroutine(engine.close())
            self.assertNoResult(closing)
            if works_again:
                self.store.finish()
                self.turn()
                while self.store.pending:
                    self.store.finish()
            else:
                self.store.refuse()
            self.turn()
            self.successResultOf(closing)
            self.assertEqual(len(self.store.naive.messages), works_again)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_frozen_node_confirms_nothing_new(self):
        for rules in (Rules(), Rules(eager=True)):
            engine = self.make(rules, prompt=True)
            publisher = self.publisher()
            self.successResultOf(engine.freeze())
            engine.publish(publisher, "t", drafts("a"))
            self.fails(engine.send("t", drafts("b")), Draining)
            self.turn()
            self.assertEqual(publisher.log, [])
            self.assertEqual(engine.counts().all, 0)
