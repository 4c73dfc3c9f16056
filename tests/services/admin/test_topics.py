"""Operators and topics: seen, made, changed, purged, deleted."""

from kapokmq.core.errors import BadName, Deleting, Gone, Unsupported
from kapokmq.core.message import Draft
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.query import TopicCounts
from kapokmq.core.rules import Rules
from tests.services.engine import EngineCase, drafts

NOTHING = TopicPolicy()


class SeenTests(EngineCase):
    def test_one_and_all(self):
        policies = (("b*", NOTHING), ("b", TopicPolicy(max_age=50.0, max_attempts=3)))
        self.make(Rules(policies=policies), prompt=True)
        own = TopicPolicy(max_attempts=9)
        self.answer(self.admin.create_topic("b", own))
        self.send("b", "1")
        self.send("b", "2", delay=9)
        self.join("b", "h")
        self.join("b", "g", credit=0)
        self.send("a", "3")
        info = self.admin.topic("b")
        self.assertEqual(info.counts, TopicCounts("b", 2, 0, 1, 1, 1, bytes=402))
        effective = info.effective
        self.assertEqual(
            (info.policy, effective.max_age, effective.max_attempts, effective.backoff), (own, 50.0, 9, 1.0)
        )
        self.assertEqual(self.admin.topic_names(), ["a", "b"])
        self.assertEqual(info.groups, ["g", "h"])
        self.assertEqual([one.counts.topic for one in self.admin.topic_infos()], ["a", "b"])
        self.assertEqual(self.admin.topic_infos()[1], info)
        self.assertIsNone(self.admin.topic("c"))


class MadeTests(EngineCase):
    def test_one_is_made_once_and_stored(self):
        self.make(prompt=True)
        policy = TopicPolicy(max_messages=5)
        self.assertTrue(self.answer(self.admin.create_topic("t", policy)))
        self.assertFalse(self.answer(self.admin.create_topic("t", NOTHING)))
        self.assertEqual(self.admin.topic("t").policy, policy)
        self.make(again=True)
        self.assertEqual(self.admin.topic("t").policy, policy)

    def test_names_that_are_none(self):
        self.make(Rules(max_topics=1), prompt=True)
        for name in ("", "a.*", ">", "x" * 256, "a\n"):
            self.fails(self.admin.create_topic(name, NOTHING), BadName)
        self.answer(self.admin.create_topic("t", NOTHING))
        self.fails(self.admin.create_topic("one too many", NOTHING), BadName)

    def test_a_policy_is_replaced(self):
        self.make(prompt=True)
        self.assertFalse(self.answer(self.admin.set_policy("t", NOTHING)))
        self.send("t", "a")
        self.assertTrue(self.answer(self.admin.set_policy("t", TopicPolicy(ack_wait=5.0))))
        self.assertTrue(self.answer(self.admin.set_policy("t", TopicPolicy(max_age=7.0))))
        self.make(again=True)
        self.assertEqual(self.admin.topic("t").policy, TopicPolicy(max_age=7.0))

    def test_what_is_kept_can_not_be_kept_no_more(self):
        self.make(prompt=True)
        self.send("t", "a")
        before = self.admin.topic("t")
        self.fails(self.admin.set_policy("t", TopicPolicy(retention="none", max_age=7.0)), Unsupported)
        self.assertEqual(self.admin.topic("t"), before)
        self.make(again=True)
        self.assertEqual(self.admin.topic("t").policy, NOTHING)


class PurgedTests(EngineCase):
    def test_all_goes_leased_delayed_and_dead_ones_too(self):
        self.make(Rules(max_attempts=1), prompt=True)
        receiver, subscription = self.join("t", credit=3)
        codes = self.send("t", "leased", "dead", "acked", "waiting")
        self.send("t", "delayed", delay=50)
        self.send("u", "another's")
        self.engine.nack(subscription, codes[1:2], 0, "no")
        self.engine.ack(subscription, codes[2:3])
        self.turn()
        self.assertEqual(self.answer(self.admin.purge_topic("t")), 5)
        self.turn()
        self.assertEqual([m.data for m in self.store.naive.messages.values()], ["another's"])
        self.assertEqual(self.engine.counts().all, 1)
        self.assertEqual(self.admin.topic("t").counts, TopicCounts("t", 0, 0, 0, 0, 2))
        self.assertEqual(self.engine.ack(subscription, [codes[0], codes[3]]), [])
        self.assertEqual(self.groups("t")[0].lag, 0)
        before = list(receiver.got)
        self.wait(100)
        self.assertEqual(receiver.got, before)
        self.send("t", "later")
        self.assertEqual(receiver.got[len(before) :], ["later"])
        self.assertEqual(self.answer(self.admin.purge_topic("t")), 1)

    def test_its_bytes_are_what_is_left(self):
        self.make(prompt=True)
        codes = self.send("t", "a", "b")
        self.answer(self.admin.bulk(codes[:1]))
        self.assertEqual(self.admin.topic("t").counts.bytes, 201)

    def test_so_does_what_is_confirmed_and_not_stored_yet(self):
        self.make(Rules(eager=True), prompt=True)
        self.send("t", "a", "b")
        self.assertEqual(self.store.naive.messages, {})
        self.assertEqual(self.answer(self.admin.purge_topic("t")), 2)
        self.turn()
        self.engine.persist()
        self.turn()
        self.assertEqual((self.engine.counts().all, self.store.naive.messages), (0, {}))

    def test_one_that_is_not_there_and_one_that_has_nothing(self):
        self.make(prompt=True)
        self.assertIsNone(self.answer(self.admin.purge_topic("t")))
        self.answer(self.admin.create_topic("t", NOTHING))
        self.assertEqual(self.answer(self.admin.purge_topic("t")), 0)

    def test_many_go_slice_by_slice(self):
        self.make(prompt=True)
        for _ in range(25):
            self.send("t", *["x"] * 1000)
        self.assertEqual(self.answer(self.admin.purge_topic("t")), 25_000)
        self.turn(50)
        self.assertEqual((self.engine.counts().all, self.store.naive.messages), (0, {}))

    def test_reads_that_fail_are_tried_again_with_the_next_check(self):
        self.make(prompt=True)
        self.send("t", "a")
        self.store.reads_fail = True
        self.assertEqual(self.answer(self.admin.purge_topic("t")), 1)
        self.turn()
        self.assertEqual(self.engine.counts().all, 1)
        self.store.reads_fail = False
        self.engine.check()
        self.turn()
        self.assertEqual(self.engine.counts().all, 0)


class DeletedTests(EngineCase):
    def test_it_goes_with_all_it_has(self):
        self.make(prompt=True)
        receiver, _ = self.join("t")
        self.send("t", "a", "b")
        self.send("t", "late", delay=50)
        self.assertTrue(self.answer(self.admin.delete_topic("t")))
        self.turn()
        self.assertIsInstance(receiver.reason, Gone)
        naive = self.store.naive
        self.assertEqual((naive.messages, naive.topics, naive.groups), ({}, {}, {}))
        self.assertEqual((self.admin.topic_infos(), self.groups(), self.engine.topics()), ([], [], []))
        self.assertEqual(self.engine.counts(), (0, 0, 0, 0))
        self.wait(100)
        self.assertEqual(receiver.got, ["a", "b"])
        self.assertFalse(self.answer(self.admin.delete_topic("t")))

    def test_the_name_is_taken_until_that_ends_and_free_then(self):
        self.make(prompt=True)
        self.send("t", "a")
        self.store.asked = []
        self.assertTrue(self.answer(self.admin.delete_topic("t")))
        for refused in (
            self.admin.create_topic("t", NOTHING),
            self.engine.send("t", drafts("b")),
            self.admin.create_group("t", "g", "all", GroupConfig()),
        ):
            self.fails(refused, Deleting)
        self.assertIsNone(self.admin.topic("t"))
        self.assertEqual(self.admin.topic_infos(), [])
        self.assertFalse(self.answer(self.admin.delete_topic("t")))
        self.assertFalse(self.answer(self.admin.set_policy("t", NOTHING)))
        self.assertIsNone(self.answer(self.admin.purge_topic("t")))
        asked, self.store.asked = self.store.asked, None
        for waiting, value in asked:
            waiting.callback(value)
        self.turn()
        self.assertTrue(self.answer(self.admin.create_topic("t", NOTHING)))
        receiver, _ = self.join("t")
        self.send("t", "c")
        self.assertEqual((receiver.got, self.engine.counts().all), (["c"], 1))
        self.make(again=True)
        self.assertEqual(self.engine.counts().all, 1)

    def test_what_is_on_its_way_to_the_store_goes_too(self):
        self.make()
        publisher = self.publisher()
        self.engine.publish(publisher, "t", drafts("a"))
        self.turn()
        self.engine.publish(publisher, "t", [Draft("b")])
        deleting = self.coroutine(self.admin.delete_topic("t"))
        for _ in range(10):
            if self.store.pending:
                self.store.finish()
            self.turn()
        self.successResultOf(deleting)
        self.assertEqual(publisher.log, [("confirmed", 1), ("confirmed", 1)])
        self.engine.check()
        self.turn()
        while self.store.pending:
            self.store.finish()
            self.turn()
        self.assertEqual((self.store.naive.messages, self.store.naive.topics), ({}, {}))

    def test_one_that_is_empty_goes_at_once(self):
        self.make(prompt=True)
        self.answer(self.admin.create_topic("t", NOTHING))
        self.assertTrue(self.answer(self.admin.delete_topic("t")))
        self.assertTrue(self.answer(self.admin.create_topic("t", NOTHING)))


class FailureTests(EngineCase):
    def test_a_disk_that_refuses_is_said(self):
        for rules in (Rules(), Rules(eager=True)):
            self.make(rules, prompt=True)
            self.send("t", "a")
            self.store.commits_fail = True
            for asked in (
                self.admin.create_topic("u", NOTHING),
                self.admin.set_policy("t", TopicPolicy(max_age=7.0)),
                self.admin.purge_topic("t"),
                self.admin.delete_topic("t"),
            ):
                self.assertIn("disk full", str(self.fails(asked)))
            self.store.commits_fail = False
            self.wait(1)
            for _ in range(3):
                self.engine.check()
                self.turn()
                self.engine.persist()
                self.turn()
            self.assertEqual(list(self.store.naive.topics.values()), ["u"])

    def test_a_topic_that_was_deleted_while_the_disk_failed_may_come_back(self):
        self.make(prompt=True)
        self.answer(self.admin.create_topic("t", NOTHING))
        self.store.commits_fail = True
        self.coroutine(self.admin.delete_topic("t")).addErrback(lambda _: None)
        self.fails(self.admin.create_topic("t", TopicPolicy(max_age=7.0)))
        self.store.commits_fail = False
        self.wait(1)
        self.assertEqual(self.store.naive.topics, {2: "t"})
        self.make(again=True)
        self.assertEqual(self.admin.topic("t").policy, TopicPolicy(max_age=7.0))
