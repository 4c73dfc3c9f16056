"""Operators and dead letters: browsed, sent again, purged; one, some or all; never quicker than the rate."""

from kapokmq.core.admin import DeadDone, DeadFilter, Verdict
from kapokmq.core.message import Status
from kapokmq.core.rules import Rules
from tests.services.engine import BEGIN, EngineCase

DONE, TOO_LATE, UNKNOWN = Verdict.DONE, Verdict.TOO_LATE, Verdict.UNKNOWN


def letters(**wanted):
    return DeadFilter("t", "g", **wanted)


class DeadCase(EngineCase):
    rules = Rules(max_attempts=1)

    def setUp(self):
        self.bury()

    def bury(self, *, rate=float("inf")):
        """Five dead letters, a second apart; the reasons of some are odd."""
        self.make(prompt=True, rate=rate)
        self.receiver, self.subscription = self.join("t")
        self.codes = self.send("t", *"abcde")
        for index, code in enumerate(self.codes):
            self.engine.nack(self.subscription, [code], 0, "odd" if index % 2 else "even")
            self.clock.advance(1)
        self.turn()
        self.receiver.got.clear()

    def dead(self):
        """What is dead, in memory and in the store."""
        offsets = sorted(offset for _, offset in self.store.naive.dead)
        (info,) = self.groups("t")
        self.assertEqual(info.dead, len(offsets))
        return "".join("abcde"[offset] for offset in offsets)


class BrowsedTests(DeadCase):
    def browse(self, limit=100, **wanted):
        return self.answer(self.admin.dead_letters(letters(**wanted), limit))

    def data(self, **wanted):
        return "".join(letter.message.data for letter in self.browse(**wanted).found)

    def test_a_letter(self):
        first = self.browse(limit=1).found[0]
        self.assertEqual((first.group, first.at, first.attempts, first.reason), ("g", BEGIN, 1, "even"))
        message = first.message
        self.assertEqual((message.code, message.topic, message.data), (self.codes[0], "t", "a"))
        self.assertEqual((message.status, message.consumed), (Status.DEAD, 0))

    def test_by_filter(self):
        for wanted, found in (
            ({}, "abcde"),
            ({"first": 3}, "de"),
            ({"reason": "odd"}, "bd"),
            ({"text": "c"}, "c"),
            ({"before": BEGIN + 2000}, "ab"),
            ({"reason": "even", "before": BEGIN + 2000, "first": 1}, ""),
        ):
            self.assertEqual(self.data(**wanted), found, wanted)

    def test_page_by_page(self):
        page = self.browse(limit=2)
        self.assertEqual(([letter.message.data for letter in page.found], page.next), (["a", "b"], 2))
        self.assertIsNone(self.browse(limit=3, first=2).next)

    def test_groups_that_are_not_there(self):
        for wanted in (DeadFilter("t", "h"), DeadFilter("u", "g"), DeadFilter("t*", "g")):
            self.assertIsNone(self.answer(self.admin.dead_letters(wanted, 9)))
            self.assertIsNone(self.answer(self.admin.send_again(wanted, 9, "w")))
            self.assertIsNone(self.answer(self.admin.purge_dead(wanted, 9, "w")))

    def test_a_group_without_any(self):
        self.join("t", "new")
        self.assertEqual(self.answer(self.admin.dead_letters(DeadFilter("t", "new"), 9)), ([], None))
        self.assertEqual(self.answer(self.admin.send_again(DeadFilter("t", "new"), 9, "w")), DeadDone(0, None))


class SentAgainTests(DeadCase):
    def test_by_filter(self):
        done = self.answer(self.admin.send_again(letters(reason="odd"), 100, "w"))
        self.assertEqual((done, self.receiver.got, self.dead()), (DeadDone(2, None), ["b", "d"], "ace"))
        self.assertEqual(self.receiver.attempts[-2:], [1, 1], "as if they had never been tried")
        self.engine.ack(self.subscription, [self.codes[1], self.codes[3]])
        self.turn()
        self.assertEqual(self.engine.counts().consumed, 2)

    def test_all_page_by_page(self):
        first, counts = 0, []
        while first is not None:
            count, first = self.answer(self.admin.send_again(letters(first=first), 2, "w"))
            counts.append(count)
        self.assertEqual((counts, sorted(self.receiver.got), self.dead()), ([2, 2, 1], list("abcde"), ""))

    def test_after_a_restart(self):
        self.make(again=True)
        self.assertEqual(self.dead(), "abcde")
        receiver, _ = self.join("t")
        self.assertEqual(receiver.got, [])
        self.answer(self.admin.send_again(letters(first=4), 9, "w"))
        self.assertEqual((receiver.got, receiver.attempts), (["e"], [1]))
        self.make(again=True)
        self.assertEqual(self.dead(), "abcd")

    def test_it_may_die_again(self):
        self.answer(self.admin.send_one_again(self.codes[0], "g", "w"))
        self.engine.nack(self.subscription, self.codes[:1], 0, "still")
        self.turn()
        (letter, *_) = self.answer(self.admin.dead_letters(letters(), 9)).found
        self.assertEqual((letter.reason, letter.at), ("still", self.wall()))
        self.assertEqual(self.engine.figures().dead, 6)

    def test_one(self):
        self.assertEqual(self.answer(self.admin.send_one_again(self.codes[2], "g", "w")), DONE)
        self.assertEqual((self.receiver.got, self.dead()), (["c"], "abde"))
        self.assertEqual(self.answer(self.admin.send_one_again(self.codes[2], "g", "w")), TOO_LATE)

    def test_one_that_is_unknown(self):
        for code, group in ((self.codes[0], "h"), ("junk", "g"), ("f" * 40, "g"), (self.codes[0][:-1] + "f", "g")):
            self.assertEqual(self.answer(self.admin.send_one_again(code, group, "w")), UNKNOWN)
            self.assertEqual(self.answer(self.admin.purge_one_dead(code, group, "w")), UNKNOWN)
        self.assertEqual(self.dead(), "abcde")


class RateTests(DeadCase):
    def test_no_more_than_so_many_a_second_all_callers_together(self):
        self.bury(rate=2.0)
        self.assertEqual(self.answer(self.admin.send_again(letters(), 2, "w")), DeadDone(2, 2))
        second = self.coroutine(self.admin.send_again(letters(first=2), 2, "w"))
        one = self.coroutine(self.admin.send_one_again(self.codes[4], "g", "w"))
        self.wait(0.9)
        self.assertNoResult(second)
        self.assertEqual(self.receiver.got, ["a", "b"])
        self.wait(0.2)
        self.assertEqual(self.successResultOf(second), DeadDone(2, 4))
        self.assertNoResult(one)
        self.wait(1)
        self.assertEqual((self.successResultOf(one), self.receiver.got), (DONE, list("abcde")))

    def test_after_a_pause_it_starts_at_once(self):
        self.bury(rate=2.0)
        self.answer(self.admin.send_again(letters(), 2, "w"))
        self.wait(30)
        self.assertEqual(self.answer(self.admin.send_again(letters(), 9, "w")).count, 3)

    def test_purging_waits_for_nothing(self):
        self.bury(rate=0.001)
        for _ in range(2):
            self.answer(self.admin.purge_dead(letters(), 1, "w"))
        self.assertEqual(self.dead(), "cde")

    def test_a_group_that_is_deleted_meanwhile(self):
        self.bury(rate=2.0)
        self.answer(self.admin.send_again(letters(), 2, "w"))
        waiting = [
            self.coroutine(self.admin.send_again(letters(first=2), 2, "w")),
            self.coroutine(self.admin.send_one_again(self.codes[4], "g", "w")),
        ]
        self.answer(self.admin.delete_group("t", "g"))
        self.wait(5)
        self.assertEqual([self.successResultOf(one) for one in waiting], [DeadDone(0, 4), TOO_LATE])

    def test_two_who_want_the_same(self):
        self.bury(rate=2.0)
        asked = [self.coroutine(self.admin.send_again(letters(), 9, "w")) for _ in range(2)]
        self.wait(30)
        self.assertEqual([self.successResultOf(one).count for one in asked], [5, 0])


class PurgedTests(DeadCase):
    def test_by_filter_the_group_is_done_with_them(self):
        done = self.answer(self.admin.purge_dead(letters(reason="odd"), 1, "w"))
        self.assertEqual((done.count, done.next in {2, 3}), (1, True), "behind b, or at d")
        self.assertEqual(self.answer(self.admin.purge_dead(letters(reason="odd"), 9, "w")), DeadDone(1, None))
        self.assertEqual((self.dead(), self.receiver.got), ("ace", []))
        self.assertEqual((self.engine.counts().consumed, len(self.store.naive.consumed)), (2, 2))
        self.make(again=True)
        receiver, _ = self.join("t")
        self.assertEqual((self.dead(), receiver.got), ("ace", []))

    def test_one(self):
        self.assertEqual(self.answer(self.admin.purge_one_dead(self.codes[0], "g", "w")), DONE)
        self.assertEqual(self.answer(self.admin.purge_one_dead(self.codes[0], "g", "w")), TOO_LATE)
        self.assertEqual((self.dead(), self.engine.counts().consumed), ("bcde", 1))
        (alive,) = self.send("t", "f")
        self.assertEqual(self.answer(self.admin.purge_one_dead(alive, "g", "w")), TOO_LATE)
        self.assertEqual(self.engine.figures().in_flight, 1)

    def test_another_groups_stay_alive(self):
        self.join("t", "other", start="all", credit=0)
        self.answer(self.admin.purge_dead(letters(), 9, "w"))
        self.assertEqual((self.dead_of("other"), self.engine.counts().consumed), (5, 0))

    def dead_of(self, name):
        (info,) = [info for info in self.groups("t") if info.name == name]
        return info.lag


class FailureTests(DeadCase):
    def test_a_disk_that_can_not_be_read(self):
        self.store.reads_fail = True
        code = self.codes[0]
        for asked in (
            self.admin.dead_letters(letters(), 9),
            self.admin.send_again(letters(), 9, "w"),
            self.admin.purge_dead(letters(), 9, "w"),
            self.admin.send_one_again(code, "g", "w"),
            self.admin.purge_one_dead(code, "g", "w"),
        ):
            self.fails(asked)
        self.assertEqual(self.dead(), "abcde")

    def test_a_disk_that_takes_nothing(self):
        self.store.commits_fail = True
        for asked in (
            self.admin.send_again(letters(), 1, "w"),
            self.admin.purge_dead(letters(first=1), 1, "w"),
            self.admin.send_one_again(self.codes[2], "g", "w"),
            self.admin.purge_one_dead(self.codes[3], "g", "w"),
        ):
            self.assertIn("disk full", str(self.fails(asked)))
        self.store.commits_fail = False
        self.wait(1)
        self.assertEqual((self.dead(), self.receiver.got), ("e", ["a", "c"]))
        self.assertEqual(len(self.store.naive.consumed), 2)
