"""Operators and groups: seen, made and changed; those by pattern too."""

import sys

from twisted.internet.defer import ensureDeferred

from kapokmq.core.admin import MemberInfo, PatternInfo
from kapokmq.core.consuming import MOST_MATCHES
from kapokmq.core.errors import BadName, NotKept, TooMany, Unsupported
from kapokmq.core.overview import group_info, split_delayed
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.rules import Rules
from kapokmq.services import slices
from kapokmq.services.admin import groups
from tests.services.engine import BEGIN, EngineCase, Receiver

PLAIN = GroupConfig()


class SeenTests(EngineCase):
    def test_a_group(self):
        self.make(Rules(max_attempts=1, ack_wait=9.0, backoff=2.0, backoff_max=8.0), prompt=True)
        self.answer(self.admin.create_topic("t", TopicPolicy(backoff=3.0)))
        config = GroupConfig(choice="roundRobin")
        self.answer(self.admin.create_group("t", "g", "all", config))
        _, subscription = self.join("t", credit=3)
        codes = self.send("t", "acked", "dead", "held")
        self.engine.ack(subscription, codes[:1])
        self.engine.nack(subscription, codes[1:2], None, "no")
        self.engine.credit(subscription, 1)
        self.clock.advance(1)
        self.send("t", "waiting")
        self.send("t", "late", delay=5)
        (info,) = self.groups("t")
        self.assertEqual((info.topic, info.name, info.mode, info.config), ("t", "g", "queue", config))
        self.assertEqual(info.effective, GroupConfig(9.0, 1, 3.0, 8.0, "roundRobin"))
        self.assertEqual((info.mark, info.next, info.lag, info.in_flight), (1, 5, 2, 1))
        self.assertEqual((info.dead, info.members, info.oldest), (1, 1, BEGIN + 1000))
        self.wait(5)
        self.assertEqual(self.groups()[0].lag, 3)
        self.assertEqual(self.groups("nobody's"), [])

    def test_the_default_group_has_the_classic_terms(self):
        self.make(Rules(broadcast=True, lease_seconds=7.0, ack_wait=9.0), prompt=True)
        self.engine.subscribe(Receiver(), "t", 10)
        (info,) = self.groups()
        self.assertEqual((info.name, info.mode), ("default", "broadcast"))
        self.assertEqual((info.effective.ack_wait, info.effective.max_attempts), (7.0, 0))

    def test_all_sorted_private_ones_left_out(self):
        self.make(prompt=True)
        for topic, name in (("b", "y"), ("a", "z"), ("b", "x"), ("a", None)):
            self.join(topic, name)
        found = [(info.topic, info.name) for info in self.groups()]
        self.assertEqual(found, [("a", "z"), ("b", "x"), ("b", "y")])
        self.assertEqual([info.name for info in self.groups("b")], ["x", "y"])

    def test_what_fell_due_before_it_began_is_no_lag(self):
        self.make(prompt=True)
        self.join("t", "first")
        self.send("t", "late", delay=50)
        self.join("t", "g", credit=0)
        self.send("t", "a")
        self.assertEqual([info.lag for info in self.groups("t")], [1, 1])

    def test_delayed_messages_are_looked_through_once_for_all(self):
        self.make(prompt=True)
        looked = []
        self.patch(slices, "split_delayed", lambda ids, offsets: looked.append(1) or split_delayed(ids, offsets))
        for topic in ("t", "u", "v"):
            self.join(topic, credit=0)
        self.send("t", "late", delay=50)
        self.send("u", "late", delay=60)
        self.assertEqual({info.topic: info.lag for info in self.groups()}, {"t": 0, "u": 0, "v": 0})
        self.assertEqual(len(looked), 1)
        self.groups("v")
        self.assertEqual(len(looked), 1)  # it has none
        self.send("t", "later", "now", delay=70)
        self.assertEqual(self.groups("t")[0].lag, 0)
        self.wait(55)
        self.assertEqual([self.groups(topic)[0].lag for topic in ("t", "u")], [1, 0])
        self.wait(20)
        self.assertEqual([self.groups(topic)[0].lag for topic in ("t", "u", "v")], [3, 1, 0])
        self.assertEqual(len(looked), 4)

    def test_many_are_told_a_slice_of_a_turn_at_a_time(self):
        self.make(prompt=True)
        for topic in "ab":
            for name in "wxyz":
                self.join(topic, name, credit=0)
        turns = []
        call_later, clock = self.clock.callLater, self.clock
        self.patch(clock, "callLater", lambda wait, *rest: turns.append(wait) or call_later(wait, *rest))

        def slowly(*given):
            clock.rightNow += 0.003
            return group_info(*given)

        self.patch(groups, "group_info", slowly)
        found = self.groups("a", "b")
        self.assertEqual([info.name for info in found], [*"wxyz"] * 2)
        self.assertEqual(turns, [0, 0, 0, 0])

    def slow(self):
        """Each group takes a turn of its own to tell."""

        def slowly(*given):
            self.clock.rightNow += 0.005
            return group_info(*given)

        self.patch(groups, "group_info", slowly)

    def test_those_that_go_meanwhile_are_left_out(self):
        self.make(prompt=True)
        for topic in "ab":
            for name in "xyz":
                self.answer(self.admin.create_group(topic, name, "all", PLAIN))
        self.slow()
        asked = ensureDeferred(self.admin.groups())
        ensureDeferred(self.admin.delete_group("a", "y"))
        ensureDeferred(self.admin.delete_topic("b"))
        self.turn(30)
        found = [info.topic + info.name for info in self.successResultOf(asked)]
        self.assertEqual(found, ["ax", "az"])

    def test_what_falls_due_meanwhile_is_no_lag_once_it_is_done_with(self):
        self.make(prompt=True)
        members = [self.join("t", name) for name in "uvwxyz"]
        self.send("t", *["late"] * 10, delay=5)
        self.send("t", "later", delay=60)
        self.wait(4.99)

        def slowly(*given):
            self.clock.rightNow += 0.005
            for receiver, subscription in members:
                self.engine.ack(subscription, receiver.codes)
                receiver.codes.clear()
            return group_info(*given)

        self.patch(groups, "group_info", slowly)
        found = self.groups()
        self.assertEqual((found[0].lag, found[-1].lag), (0, 0))
        self.assertEqual(found[-1].mark, 10)

    def test_one(self):
        self.make(prompt=True)
        self.join("t", "g", credit=0)
        self.send("t", "a")
        self.send("t", "late", delay=50)
        found = self.answer(self.admin.group("t", "g"))
        self.assertEqual((found.name, found.lag), ("g", 1))
        for topic, name in (("t", "h"), ("u", "g")):
            self.assertIsNone(self.answer(self.admin.group(topic, name)))
            self.assertIsNone(self.admin.config(topic, name))
        self.assertEqual(self.admin.config("t", "g"), PLAIN)

    def test_members_behind_any_number(self):
        self.make(prompt=True)
        self.join("t", "g")
        self.assertEqual(self.admin.members(None, None, sys.maxsize, 101), [])

    def test_as_many_as_wanted_behind_a_place(self):
        self.make(prompt=True)
        for topic in "ab":
            for name in "xyz":
                self.join(topic, name, credit=0)
        for behind, limit, expected in (
            (("", ""), 2, ["ax", "ay"]),
            (("a", "y"), 2, ["az", "bx"]),
            (("a", "zz"), None, ["bx", "by", "bz"]),
            (("b", "z"), 5, []),
        ):
            found = self.answer(self.admin.groups(None, behind, limit))
            self.assertEqual([info.topic + info.name for info in found], expected)
        self.assertEqual(self.answer(self.admin.groups(["b", "a", "none"], limit=1))[0].topic, "a")

    def test_what_a_group_goes_by(self):
        self.make(Rules(ack_wait=9.0), prompt=True)
        self.answer(self.admin.create_topic("t", TopicPolicy(backoff=3.0)))
        self.answer(self.admin.create_group("t", "g", "all", GroupConfig(max_attempts=7)))
        found = self.admin.effective("t", "g")
        self.assertEqual((found.ack_wait, found.backoff, found.max_attempts), (9.0, 3.0, 7))
        self.assertEqual((self.admin.effective("t", "h"), self.admin.effective("u", "g")), (None, None))

    def test_members(self):
        self.make(prompt=True)
        self.join("t", label="one")
        self.join("a.*", "h", credit=5, label="two")
        _, subscription = self.join("t", None, 7, label="three")
        self.join("t", "i", None, label="four", owes=False)
        self.engine.subscribe(Receiver(label="five"), "u", 0)
        self.send("a.x", "1", "2")
        self.send("t", *"abc")
        self.engine.credit(subscription, 1)
        where = 7, "192.0.2.7", BEGIN
        self.assertEqual(
            self.admin.members(),
            [
                MemberInfo("one", "t", "g", 97, 3, *where, 3, 0),
                MemberInfo("two", "a.*", "h", 3, 2, *where, 2, 0),
                MemberInfo("three", "t", None, 0, 3, *where, 3, 0),
                MemberInfo("four", "t", "i", None, 0, *where, 3, 0),
                MemberInfo("five", "u", "default", 0, 0, *where, 0, 0),
            ],
        )

    def test_members_of_a_topic_of_a_group_or_of_both(self):
        self.make(prompt=True)
        self.send("a.x", "1")
        self.send("t", "1")
        for topic, group, label in (
            ("t", "g", "one"), ("a.*", "g", "two"), ("a.x", "g", "three"), ("a.x", "h", "four"), ("a.x", None, "five"),
            ("a.*", "g", "six"),
        ):  # fmt: skip
            self.join(topic, group, label=label)

        def labels(*asked: object) -> str:
            return " ".join(member.label for member in self.admin.members(*asked))

        self.assertEqual(labels("a.x"), "two three four five six")
        self.assertEqual((labels("a.x", "g"), labels("a.x", "none")), ("two three six", ""))
        self.assertEqual((labels("a.*"), labels("a.*", "g"), labels("a.*", "h")), ("two six", "two six", ""))
        self.assertEqual((labels(None, "g"), labels("none"), labels("", "g")), ("one two three six", "", ""))
        self.assertEqual((labels("a.x", "g", 1, 1), labels(None, None, 4), labels("a.x", None, 3, 9)),
                         ("three", "five six", "five six"))  # fmt: skip


class MadeTests(EngineCase):
    def test_one_is_made_once_with_its_topic_and_stored(self):
        self.make(prompt=True)
        config = GroupConfig(max_attempts=2)
        self.assertTrue(self.answer(self.admin.create_group("t", "g", "new", config)))
        self.assertFalse(self.answer(self.admin.create_group("t", "g", "all", PLAIN)))
        self.make(again=True)
        (info,) = self.groups("t")
        self.assertEqual((info.name, info.config), ("g", config))

    def test_where_it_begins(self):
        self.make(prompt=True)
        for body in "abc":
            self.send("t", body)
            self.clock.advance(10)
        for name, start, got in (
            ("first", "new", "abc"),
            ("n", "new", ""),
            ("a", "all", "abc"),
            ("t", BEGIN + 1, "bc"),
        ):
            self.assertTrue(self.answer(self.admin.create_group("t", name, start, PLAIN)))
            receiver, _ = self.join("t", name)
            self.assertEqual("".join(receiver.got), got)

    def test_one_by_pattern(self):
        self.make(prompt=True)
        for topic in ("a.x", "a.y", "b.x"):
            self.join(topic, "first")
            self.send(topic, "1")
        self.clock.advance(10)
        config = GroupConfig(max_attempts=2)
        self.assertTrue(self.answer(self.admin.create_group("a.*", "g", BEGIN + 1, config)))
        self.assertFalse(self.answer(self.admin.create_group("a.*", "g", "all", PLAIN)))
        self.send("a.z", "2")
        for topic, lag in (("a.x", 0), ("a.y", 0), ("a.z", 1)):
            (info,) = [info for info in self.groups(topic) if info.name == "g"]
            self.assertEqual((info.config, info.lag), (config, lag))
        self.assertEqual([info.name for info in self.groups("b.x")], ["first"])
        self.assertEqual(self.admin.patterns(), [PatternInfo("a.*", "g", config)])
        self.make(again=True)
        self.assertEqual(self.admin.patterns(), [PatternInfo("a.*", "g", config)])

    def test_a_pattern_leaves_groups_that_exist_as_they_are(self):
        self.make(prompt=True)
        config = GroupConfig(max_attempts=2)
        self.answer(self.admin.create_group("a.x", "g", "new", config))
        self.assertTrue(self.answer(self.admin.create_group("a.*", "g", "new", PLAIN)))
        self.assertEqual([info.config for info in self.groups()], [config])

    def test_patterns_are_sorted(self):
        self.make(prompt=True)
        for pattern, name in (("b.*", "y"), ("a.*", "z"), ("b.*", "x")):
            self.answer(self.admin.create_group(pattern, name, "new", PLAIN))
        found = [(info.pattern, info.name) for info in self.admin.patterns()]
        self.assertEqual(found, [("a.*", "z"), ("b.*", "x"), ("b.*", "y")])

    def test_what_may_not_be_made(self):
        self.make(Rules(broadcast=True), prompt=True)
        for topic, name in (("", "g"), ("a.>.b", "g"), ("t", ""), ("t", "g\n")):
            self.fails(self.admin.create_group(topic, name, "new", PLAIN), BadName)
        self.fails(self.admin.create_group("t", "default", "new", PLAIN), Unsupported)
        self.assertEqual(self.admin.topic_infos(), [])
        self.answer(self.admin.create_topic("t", TopicPolicy(retention="none")))
        self.fails(self.admin.create_group("t", "g", "new", PLAIN), NotKept)

    def test_a_time_is_looked_up_in_so_many_topics_at_most(self):
        self.make(prompt=True)
        for index in range(MOST_MATCHES + 1):
            self.engine.broker.catalog.topic(f"a.{index}")
        self.fails(self.admin.create_group("a.*", "g", BEGIN, PLAIN), TooMany)
        self.assertEqual((self.admin.patterns(), self.groups()), ([], []))
        self.assertTrue(self.answer(self.admin.create_group("a.*", "g", "new", PLAIN)))

    def test_two_at_once_make_one(self):
        self.make(prompt=True)
        self.join("t", "first")
        self.store.asked = []
        asked = [self.coroutine(self.admin.create_group("t", "g", BEGIN, PLAIN)) for _ in range(2)]
        for _ in asked:
            self.store.tell()
            self.turn()
        self.assertEqual([self.successResultOf(one) for one in asked], [True, False])

    def test_a_store_that_can_not_be_asked_for_a_time_leaves_no_half_of_it(self):
        self.make(prompt=True)
        self.join("a.x", "first")
        self.store.reads_fail = True
        for topic in ("a.x", "a.*"):
            self.fails(self.admin.create_group(topic, "g", BEGIN, PLAIN))
        self.store.reads_fail = False
        self.assertEqual(([info.name for info in self.groups()], self.admin.patterns()), (["first"], []))
        self.assertTrue(self.answer(self.admin.create_group("a.*", "g", BEGIN, PLAIN)))
        self.assertEqual([info.name for info in self.groups("a.x")], ["first", "g"])


class ChangedTests(EngineCase):
    def test_a_configuration_is_replaced(self):
        self.make(Rules(ack_wait=60.0), prompt=True)
        self.answer(self.admin.create_group("t", "g", "new", GroupConfig(max_attempts=2)))
        self.assertTrue(self.answer(self.admin.set_config("t", "g", GroupConfig(ack_wait=5.0))))
        receiver, _ = self.join("t")
        self.send("t", "a")
        self.wait(6)
        self.assertEqual(receiver.attempts, [1])
        self.wait(1)
        self.assertEqual(receiver.attempts, [1, 2])
        self.make(again=True)
        self.assertEqual(self.groups()[0].config, GroupConfig(ack_wait=5.0))

    def test_that_of_a_pattern_and_of_all_its_groups(self):
        self.make(prompt=True)
        self.join("a.*")
        self.send("a.x", "1")
        config = GroupConfig(max_attempts=2)
        self.assertTrue(self.answer(self.admin.set_config("a.*", "g", config)))
        self.send("a.y", "2")
        self.assertEqual([info.config for info in self.groups()], [config, config])
        self.make(again=True)
        self.assertEqual(self.admin.patterns(), [PatternInfo("a.*", "g", config)])

    def test_one_that_is_not_there(self):
        self.make(prompt=True)
        self.join("t")
        for topic, name in (("u", "g"), ("t", "h"), ("a.*", "g"), ("*", "g")):
            self.assertFalse(self.answer(self.admin.set_config(topic, name, PLAIN)))
            self.assertIsNone(self.answer(self.admin.purge_group(topic, name)) if topic != "*" else None)
            self.assertFalse(self.answer(self.admin.delete_group(topic, name)))
        self.assertEqual([info.name for info in self.groups()], ["g"])
