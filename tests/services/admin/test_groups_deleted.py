"""Operators and groups: purged and deleted, by pattern too, and while the disk fails."""

from kapokmq.core.engine import Wish
from kapokmq.core.policy import GroupConfig
from kapokmq.core.rules import Rules
from tests.services.admin.test_groups import PLAIN
from tests.services.engine import EngineCase, Receiver, drafts


class PurgedTests(EngineCase):
    def test_it_is_done_with_all_that_nobody_holds_but_its_dead_letters(self):
        self.make(Rules(max_attempts=1), prompt=True)
        receiver, subscription = self.join("t", credit=3)
        codes = self.send("t", *"abcdef")
        self.engine.nack(subscription, codes[1:2], None, "no")  # so d is held instead
        self.send("t", "late", delay=9)
        self.assertEqual(self.answer(self.admin.purge_group("t", "g")), 3)
        self.turn()
        (info,) = self.groups("t")
        self.assertEqual((info.in_flight, info.dead), (3, 1))
        self.assertEqual(self.engine.ack(subscription, [codes[0], codes[2], codes[3]]), [])
        self.wait(20)
        self.assertEqual(receiver.got, list("abcd"))
        self.assertEqual(self.answer(self.admin.purge_group("t", "g")), 0)
        self.send("t", "later")
        self.assertEqual(receiver.got[4:], ["later"])

    def test_what_all_are_done_with_is_consumed(self):
        self.make(prompt=True)
        self.join("t", "other")
        self.join("t", credit=0)
        codes = self.send("t", "a", "b")
        ((_, subscription),) = [self.join("t", "third")]
        self.assertEqual(self.answer(self.admin.purge_group("t", "g")), 2)
        self.assertEqual(self.engine.counts().consumed, 0)
        self.assertEqual(self.answer(self.admin.purge_group("t", "other")), 0, "all of it is held")
        self.assertEqual(self.engine.ack(subscription, codes), codes)
        self.make(again=True)
        self.assertEqual(self.answer(self.admin.purge_group("t", "other")), 2)
        self.turn()
        self.assertEqual(self.engine.counts().consumed, 2)
        self.assertEqual(len(self.store.naive.consumed), 2)

    def test_with_a_pattern_all_its_groups(self):
        self.make(prompt=True)
        self.join("a.*", credit=0)
        self.send("a.x", "1", "2")
        self.send("a.y", "3")
        self.assertEqual(self.answer(self.admin.purge_group("a.*", "g")), 3)


class DeletedTests(EngineCase):
    def test_it_goes_and_what_the_others_are_done_with_is_consumed(self):
        self.make(prompt=True)
        _, subscription = self.join("t", "one")
        self.join("t", "two", credit=0)
        codes = self.send("t", "a", "b")
        self.engine.ack(subscription, codes[:1])
        self.assertEqual(self.engine.counts().consumed, 0)
        self.assertTrue(self.answer(self.admin.delete_group("t", "two")))
        self.turn()
        self.assertEqual(self.engine.counts().consumed, 1)
        self.assertEqual([row.name for row in self.store.naive.groups.values()], ["one"])
        self.assertFalse(self.answer(self.admin.delete_group("t", "two")))

    def test_with_a_pattern_all_its_groups_go_and_none_come(self):
        self.make(prompt=True)
        self.answer(self.admin.create_group("a.*", "g", "new", PLAIN))
        self.join("a.x", "other")
        self.send("a.y", "1")
        self.send("b.x", "1")
        self.join("b.x")
        self.assertTrue(self.answer(self.admin.delete_group("a.*", "g")))
        self.send("a.z", "1")
        found = [(info.topic, info.name) for info in self.groups()]
        self.assertEqual((found, self.admin.patterns()), ([("a.x", "other"), ("b.x", "g")], []))
        self.make(again=True)
        self.assertEqual(self.admin.patterns(), [])

    def test_the_last_one_leaves_its_messages_to_the_next(self):
        self.make(prompt=True)
        self.join("t", credit=1)
        self.send("t", "a", "b")
        self.answer(self.admin.delete_group("t", "g"))
        receiver, _ = self.join("t")
        self.assertEqual(receiver.got, ["a", "b"])
        self.assertEqual(receiver.attempts, [1, 1])


class FailureTests(EngineCase):
    def test_a_disk_that_refuses_is_said(self):
        for rules in (Rules(), Rules(eager=True)):
            self.make(rules, prompt=True)
            self.join("t")
            self.engine.persist()
            self.store.commits_fail = True
            for asked in (
                self.admin.create_group("t", "new", "all", PLAIN),
                self.admin.create_group("a.*", "new", "all", PLAIN),
                self.admin.set_config("t", "g", GroupConfig(max_attempts=3)),
                self.admin.purge_group("t", "g"),
                self.admin.delete_group("t", "g"),
            ):
                self.assertIn("disk full", str(self.fails(asked)))
            self.store.commits_fail = False
            self.wait(1)
            self.engine.persist()
            self.turn()
            self.assertEqual([row.name for row in self.store.naive.groups.values()], ["new"])
            self.assertEqual(list(self.store.naive.patterns), [("a.*", "new")])

    def test_a_group_that_was_deleted_while_the_disk_failed_may_come_back(self):
        self.make(prompt=True)
        self.join("t")
        self.store.commits_fail = True
        self.fails(self.admin.delete_group("t", "g"))
        receiver = Receiver()
        subscription = self.answer(self.engine.join(receiver, "t", Wish("g", 10)))
        self.engine.drained(subscription)
        self.store.commits_fail = False
        self.wait(1)
        self.answer(self.engine.send("t", drafts("a")))
        self.assertEqual(receiver.got, ["a"])
        self.make(again=True)
        self.assertEqual([info.name for info in self.groups()], ["g"])
