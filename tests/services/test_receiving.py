"""Those who join groups: where they begin, what they say of what they got, and what they are told at the end."""

from kapokmq.core.engine import Wish
from kapokmq.core.errors import BadName, Deleting, Draining, Gone, MisuseError, Unsupported
from kapokmq.core.message import Draft
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.rules import Rules
from tests.services.engine import BEGIN, EngineCase, Receiver, drafts


class JoinTests(EngineCase):
    def test_nothing_is_delivered_before_the_first_drained(self):
        self.make(prompt=True)
        self.send("t", "a")
        receiver, subscription = self.join("t", flowing=False)
        self.turn()
        self.assertEqual(receiver.got, [])
        self.engine.stall(subscription)
        self.engine.drained(subscription)
        self.turn()
        self.assertEqual(receiver.got, ["a"])
        self.engine.stall(subscription)
        self.send("t", "b")
        self.assertEqual(receiver.got, ["a"])
        self.engine.drained(subscription)
        self.assertEqual(receiver.got, ["a", "b"])

    def test_where_a_group_begins(self):
        self.make(prompt=True)
        self.join("t", "first")
        for body in "abc":
            self.send("t", body)
            self.clock.advance(10)
        for name, start, got in (
            ("new", "new", ""),
            ("all", "all", "abc"),
            ("later", BEGIN + 5_000, "bc"),
            ("just", BEGIN + 10_000, "bc"),
            ("before", 0, "abc"),
            ("after", BEGIN + 20_001, ""),
        ):
            receiver, _ = self.join("t", name, start=start)
            self.assertEqual("".join(receiver.got).strip("z"), got, name)
            self.send("t", "z")
            self.assertEqual(receiver.got[-1], "z")
            self.clock.advance(10)

    def test_a_topics_first_group_begins_with_all_it_has(self):
        self.make(prompt=True)
        self.send("t", "a")
        receiver, _ = self.join("t", start=BEGIN + 1_000_000)
        self.assertEqual(receiver.got, ["a"])

    def test_a_private_group_is_new_and_vanishes_with_its_subscription(self):
        self.make(prompt=True)
        self.join("t")
        self.send("t", "a")
        receiver, subscription = self.join("t", None, start=0)
        self.send("t", "b")
        self.assertEqual(receiver.got, ["b"])
        self.engine.unsubscribe(subscription)
        self.assertEqual([group.name for group in self.groups()], ["g"])
        self.assertEqual(len(self.admin.members()), 1)

    def test_what_comes_while_the_store_is_asked_for_a_time_is_due(self):
        for rules in (Rules(), Rules(eager=True)):
            self.make(rules, prompt=True)
            self.join("t", "first")
            self.send("t", "a")
            self.clock.advance(10)
            self.store.asked = []
            receiver = Receiver()
            joining = self.coroutine(self.engine.join(receiver, "t", Wish("g", 100, start=self.wall())))
            self.assertNoResult(joining)
            self.send("t", "b")
            self.store.tell()
            self.store.asked = None
            self.engine.drained(self.successResultOf(joining))
            self.turn()
            self.assertEqual(receiver.got, ["b"])

    def test_a_node_that_froze_meanwhile_takes_nobody(self):
        self.make(prompt=True)
        self.join("t", "first")
        self.store.asked = []
        joining = self.coroutine(self.engine.join(Receiver(), "t", Wish("g", 100, start=BEGIN)))
        self.engine.freeze()
        self.store.tell()
        self.failureResultOf(joining, Draining)
        self.assertEqual([group.name for group in self.groups()], ["first"])
        self.fails(self.engine.join(Receiver(), "t", Wish("g", 100)), Draining)

    def test_a_store_that_can_not_be_asked_for_a_time_lets_nobody_in(self):
        self.make(prompt=True)
        self.join("t", "first")
        self.store.reads_fail = True
        self.fails(self.engine.join(Receiver(), "t", Wish("g", 100, start=BEGIN)))
        self.store.reads_fail = False
        self.assertEqual([group.name for group in self.groups()], ["first"])
        self.join("t", start=BEGIN)

    def test_who_may_not_join(self):
        self.make(prompt=True)
        for pattern, group in (("", "g"), ("a.>.b", "g"), ("a..*", "g"), ("t", ""), ("t", "g" * 256), ("t\n", None)):
            self.fails(self.engine.join(Receiver(), pattern, Wish(group, 1)), BadName)
        self.make(Rules(broadcast=True), prompt=True)
        self.fails(self.engine.join(Receiver(), "t", Wish("default", 1)), Unsupported)
        self.send("t", "a")
        self.store.asked = []
        self.coroutine(self.admin.delete_topic("t"))
        self.fails(self.engine.join(Receiver(), "t", Wish("g", 1)), Deleting)
        self.assertRaises(Deleting, self.engine.subscribe, Receiver(), "t", 1)

    def test_a_pattern_has_a_group_in_every_topic_that_matches_and_in_those_that_come(self):
        self.make(prompt=True)
        self.send("a.x", "1")
        receiver, _ = self.join("a.*", credit=2)
        self.send("a.y", "2")
        self.send("b.x", "-")
        self.assertEqual(receiver.got, ["1", "2"])
        self.send("a.z", "3")
        self.assertEqual(receiver.got, ["1", "2"], "one credit for all")
        self.assertEqual([info.topic for info in self.groups()], ["a.x", "a.y", "a.z"])


class SayingTests(EngineCase):
    def setUp(self):
        self.make(Rules(ack_wait=10.0, backoff=2.0), prompt=True)
        self.receiver, self.subscription = self.join("t", credit=2)

    def test_ack(self):
        codes = self.send("t", "a", "b", "c")
        engine, held = self.engine, self.receiver.codes
        self.assertEqual(self.receiver.got, ["a", "b"])
        strange = ["junk", codes[2]]
        self.assertEqual(engine.ack(self.subscription, [*strange, codes[0]]), strange)
        self.assertEqual(self.receiver.got, ["a", "b", "c"], "credit comes back at once")
        self.assertEqual(engine.ack(self.subscription, [codes[0]]), [codes[0]], "twice")
        self.assertEqual(engine.ack(self.subscription, held[1:]), [])
        self.turn()
        self.assertEqual((engine.counts().consumed, engine.figures().acked, engine.figures().ignored_acks), (3, 3, 3))

    def test_ack_of_what_was_lost_counts_until_somebody_is_done_with_it(self):
        (code,) = self.send("t", "a")
        self.wait(10)
        self.assertEqual(self.engine.ack(self.subscription, [code]), [])
        self.assertEqual(self.engine.ack(self.subscription, [code]), [code])
        self.wait(100)
        self.assertEqual(self.receiver.got, ["a"])

    def test_nack(self):
        codes = self.send("t", "a", "b")
        nack = self.engine.nack
        self.assertEqual(nack(self.subscription, [codes[0], "junk"], 5_000, "busy"), ["junk"])
        self.assertEqual(nack(self.subscription, [codes[0]], 0, "again"), [codes[0]])
        self.wait(4.9)
        self.assertEqual(self.receiver.got, ["a", "b"])
        self.wait(0.2)
        self.assertEqual((self.receiver.got, self.receiver.attempts), (["a", "b", "a"], [1, 1, 2]))
        self.assertEqual(nack(self.subscription, [codes[0]], None, ""), [])
        self.wait(3.9)  # backoff: the second time twice as long
        self.assertEqual(len(self.receiver.got), 3)
        self.wait(0.2)
        self.assertEqual(self.receiver.attempts, [1, 1, 2, 3])
        self.assertEqual(nack(self.subscription, [codes[0]], 0, "once more"), [])
        self.turn()
        self.assertEqual(self.receiver.attempts, [1, 1, 2, 3, 4])
        self.assertEqual((self.engine.figures().nacked, self.engine.figures().retried), (3, 3))

    def test_touch(self):
        codes = self.send("t", "a", "b")
        self.wait(6)
        self.assertEqual(self.engine.touch(self.subscription, [codes[0], "junk"]), ["junk"])
        self.wait(6)
        self.assertEqual(self.engine.touch(self.subscription, [codes[1]]), [codes[1]], "lost meanwhile")
        self.assertEqual(self.engine.figures().in_flight, 1)
        self.wait(2.5)
        self.assertEqual(self.receiver.got, ["a", "b", "b"])
        self.wait(2)
        self.assertEqual(self.engine.touch(self.subscription, [codes[0]]), [codes[0]])

    def test_the_oldest_lease_is_told(self):
        self.assertEqual(self.engine.figures().oldest_unacked, 0.0)
        codes = self.send("t", "a")
        self.wait(6)
        self.send("t", "b")
        self.assertEqual(self.engine.figures().oldest_unacked, 6.0)
        self.engine.touch(self.subscription, codes)
        self.wait(1)
        self.assertEqual(self.engine.figures().oldest_unacked, 7.0, "touched is held on")
        self.engine.ack(self.subscription, codes)
        self.assertEqual(self.engine.figures().oldest_unacked, 1.0)
        self.wait(10)
        self.assertEqual(self.engine.figures().oldest_unacked, 0.0)
        self.wait(3)
        self.clock.rightNow -= 60
        self.assertEqual(self.engine.figures().oldest_unacked, 0.0)

    def test_credit(self):
        self.send("t", *"abcdef")
        self.engine.credit(self.subscription, 4)
        self.assertEqual(self.receiver.got, list("abcd"))
        self.engine.credit(self.subscription, 0)
        self.engine.ack(self.subscription, self.receiver.codes[:3])
        self.assertEqual(self.receiver.got, list("abcd"))
        self.engine.credit(self.subscription, 2)
        self.assertEqual(self.receiver.got, list("abcde"))

    def test_credit_of_one_that_owes_nothing_is_used_up(self):
        receiver, subscription = self.join("t", None, 2, owes=False)
        self.send("t", *"abc")
        self.assertEqual(receiver.got, ["a", "b"])
        self.engine.credit(subscription, 1)
        self.assertEqual(receiver.got, ["a", "b", "c"])
        self.send("t", "d")
        self.assertEqual(receiver.got, ["a", "b", "c"])

    def test_who_leaves_gives_back_what_it_holds(self):
        codes = self.send("t", "a")
        self.engine.unsubscribe(self.subscription)
        self.engine.unsubscribe(self.subscription)
        other, subscription = self.join("t")
        self.assertEqual((other.got, other.attempts), (["a"], [2]))
        self.assertEqual(self.engine.ack(self.subscription, codes), codes, "it is no member any more")
        self.assertEqual(self.engine.nack(self.subscription, codes, 0, ""), codes)
        self.assertEqual(self.engine.touch(self.subscription, codes), codes)
        self.assertEqual(self.engine.ack(subscription, codes), [])

    def test_subscriptions_of_others_are_a_misuse(self):
        engine = self.engine
        for call, args in (
            (engine.nack, ([], 0, "")),
            (engine.touch, ([],)),
            (engine.credit, (1,)),
            (engine.stall, ()),
            (engine.drained, ()),
            (engine.unsubscribe, ()),
        ):
            self.assertRaises(MisuseError, call, object(), *args)


class CommittedTests(EngineCase):
    def test_it_waits_for_the_commit_of_what_was_asked(self):
        self.make()
        receiver, subscription = self.join("t")
        self.engine.publish(self.publisher(), "t", drafts("a"))
        while self.store.pending:
            self.store.finish()
            self.turn()
        self.engine.ack(subscription, receiver.codes)
        done = self.coroutine(self.engine.committed())
        self.assertNoResult(done)
        self.store.finish()
        self.turn()
        self.successResultOf(done)
        self.assertEqual(len(self.store.naive.consumed), 1)
        self.answer(self.engine.committed())
        self.assertEqual(self.store.pending, [], "nothing to commit")

    def test_it_raises_when_the_store_fails_and_while_it_does(self):
        for rules in (Rules(), Rules(eager=True)):
            self.make(rules)
            self.answer(self.engine.committed())
            self.engine.publish(self.publisher(), "t", drafts("a"))
            self.turn()
            done = self.coroutine(self.engine.committed())
            self.store.refuse()
            self.turn()
            self.failureResultOf(done)
            self.assertIn("disk full", str(self.fails(self.engine.committed())))
            self.wait(1)
            self.store.finish()
            self.turn()
            self.answer(self.engine.committed())

    def test_one_who_asks_while_a_commit_runs_waits_for_the_next(self):
        self.make()
        publisher = self.publisher()
        self.engine.publish(publisher, "t", drafts("a"))
        self.turn()
        self.engine.publish(publisher, "t", drafts("b"))
        done = self.coroutine(self.engine.committed())
        self.store.finish()
        self.turn()
        self.assertNoResult(done)
        self.store.refuse()
        self.turn()
        self.failureResultOf(done)


class DismissedTests(EngineCase):
    def setUp(self):
        self.make(prompt=True)

    def test_when_the_topic_or_the_group_goes(self):
        classic = Receiver()
        self.engine.subscribe(classic, "t", 10)
        (durable, held), (private, _), (other, _) = self.join("t"), self.join("t", None), self.join("u")
        self.send("t", "a")
        self.answer(self.admin.delete_group("t", "g"))
        self.assertIsInstance(durable.reason, Gone)
        self.assertIsNone(classic.reason or private.reason)
        self.assertEqual(self.engine.ack(held, durable.codes), durable.codes)
        self.engine.unsubscribe(held)
        self.answer(self.admin.delete_topic("t"))
        self.assertIsInstance(classic.reason, Gone)
        self.assertIsInstance(private.reason, Gone)
        self.assertIsNone(other.reason)
        self.assertEqual([member.topic for member in self.admin.members()], ["u"])

    def test_one_with_a_pattern_stays_until_that_goes(self):
        self.send("a.x", "1")
        receiver, _ = self.join("a.*")
        self.answer(self.admin.delete_topic("a.x"))
        self.send("a.y", "2")
        self.assertEqual((receiver.got, receiver.reason), (["1", "2"], None))
        self.answer(self.admin.delete_group("a.*", "g"))
        self.assertIsInstance(receiver.reason, Gone)
        self.send("a.z", "3")
        self.assertEqual(receiver.got, ["1", "2"])
        self.assertEqual((self.groups(), self.admin.patterns(), self.admin.members()), ([], [], []))

    def test_one_with_a_pattern_gets_its_credit_back(self):
        self.send("a.x", "1", "2")
        receiver, _ = self.join("a.*", credit=2)
        self.answer(self.admin.delete_topic("a.x"))
        self.send("a.y", "3")
        self.assertEqual(receiver.got, ["1", "2", "3"])

    def test_a_receiver_that_fails_when_it_is_told_does_not_keep_the_others(self):
        class Broken(Receiver):
            def dismissed(self, reason):
                raise ZeroDivisionError

        self.engine.subscribe(Broken(), "t", 10)
        whole = Receiver()
        self.engine.subscribe(whole, "t", 10)
        self.answer(self.admin.delete_group("t", "default"))
        self.assertIsInstance(whole.reason, Gone)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class PausedTests(EngineCase):
    def test_a_paused_group_gets_nothing_and_a_paused_topic_takes_nothing(self):
        self.make(prompt=True)
        self.send("t", "a")
        self.answer(self.admin.create_group("t", "g", "all", GroupConfig(paused=True)))
        receiver, _ = self.join("t")
        self.assertEqual(receiver.got, [])
        self.answer(self.admin.set_config("t", "g", GroupConfig()))
        self.assertEqual(receiver.got, ["a"])
        self.answer(self.admin.set_policy("t", TopicPolicy(paused=True)))
        self.assertIn("'t'", str(self.fails(self.engine.send("t", [Draft("b")]), Exception)))
        self.answer(self.admin.set_policy("t", TopicPolicy()))
        self.send("t", "b")
        self.assertEqual(receiver.got, ["a", "b"])
