"""Operators and delayed messages: listed, cancelled, given another time."""

from kapokmq.core.admin import Verdict
from kapokmq.core.message import Draft, Status
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.rules import Rules
from kapokmq.services.admin import messages as desk
from tests.services.engine import BEGIN, EngineCase, drafts

DONE, TOO_LATE, UNKNOWN = Verdict.DONE, Verdict.TOO_LATE, Verdict.UNKNOWN


class ScheduleTests(EngineCase):
    def setUp(self):
        self.make(prompt=True)
        self.receiver, _ = self.join("t")

    def scheduled(self, topic=None, after=None, limit=100):
        return self.answer(self.admin.scheduled(topic, after, limit))

    def test_listed_by_due_time(self):
        self.send("t", "c", delay=30)
        self.send("u", "b", delay=20)
        (code,) = self.send("t", "a", delay=10)
        self.send("t", "now")
        found = self.scheduled()
        self.assertEqual([one.data for one in found], ["a", "b", "c"])
        first = found[0]
        self.assertEqual((first.code, first.topic, first.due, first.delay), (code, "t", BEGIN + 10_000, 10))
        self.assertEqual((first.status, first.consumed), (Status.DELAYED, 0))
        self.assertEqual([one.data for one in self.scheduled("t")], ["a", "c"])
        self.assertEqual([one.data for one in self.scheduled(limit=2)], ["a", "b"])
        after = (found[1].due, int(found[1].code[24:], 16))
        self.assertEqual([one.data for one in self.scheduled(after=after)], ["c"])
        self.assertEqual(self.scheduled("nobody's"), [])
        self.wait(10)
        self.assertEqual([one.data for one in self.scheduled()], ["b", "c"])
        self.assertEqual([one.data for one in self.scheduled(after=(BEGIN, -1))], ["b", "c"])
        self.assertEqual([one.data for one in self.scheduled(after=(BEGIN + 30_000, -1))], ["c"])

    def test_counted_by_when_they_fall_due(self):
        self.patch(desk, "LOOK", 2)
        for topic, delay in (("t", 5), ("t", 5), ("u", 11), ("t", 19), ("t", 20), ("t", 95)):
            self.send(topic, "x", delay=delay)

        def counted(topic=None, start=BEGIN, end=BEGIN + 95_000, step=10_000):
            found = self.answer(self.admin.due_counts(topic, start, end, step))
            return [((at - BEGIN) // 1000, count) for at, count in found]

        self.assertEqual(counted(), [(0, 2), (10, 2), (20, 1)])
        self.assertEqual(counted("t"), [(0, 2), (10, 1), (20, 1)])
        self.assertEqual(counted(end=BEGIN + 95_001, step=60_000), [(0, 5), (60, 1)])
        self.assertEqual(counted(start=BEGIN - 7_000), [(3, 3), (13, 2)])
        self.assertEqual(counted("nobody's"), [])
        self.assertEqual(counted(end=BEGIN - 1), [])
        self.wait(5)
        self.assertEqual(counted(), [(10, 2), (20, 1)])

    def test_cancelled(self):
        (code,) = self.send("t", "a", delay=10)
        self.assertEqual(self.answer(self.admin.cancel(code)), DONE)
        self.assertEqual(self.answer(self.admin.cancel(code)), UNKNOWN)
        self.assertEqual((self.scheduled(), self.engine.counts().all, self.store.naive.messages), ([], 0, {}))
        self.wait(20)
        self.assertEqual(self.receiver.got, [])

    def test_rescheduled_later_and_sooner(self):
        codes = self.send("t", "a", "b", delay=10)
        for code, due in ((codes[0], BEGIN + 30_000), (codes[1], BEGIN + 5_000)):
            self.assertEqual(self.answer(self.admin.reschedule(code, due)), DONE)
        self.assertEqual(
            [(one.data, one.due) for one in self.scheduled()], [("b", BEGIN + 5000), ("a", BEGIN + 30_000)]
        )
        self.wait(5)
        self.assertEqual(self.receiver.got, ["b"])
        self.wait(24.9)
        self.assertEqual(self.receiver.got, ["b"])
        self.make(again=True)
        receiver, _ = self.join("t")
        self.wait(0.2)
        self.assertEqual(receiver.got[-1], "a")

    def test_rescheduled_beyond_the_time_at_which_it_would_have_expired(self):
        self.answer(self.admin.create_topic("aged", TopicPolicy(max_age=20.0)))
        other, _ = self.join("aged")
        batch = [Draft("a", delay_ms=10_000, expire_ms=5_000)]
        codes = self.answer(self.engine.send("t", batch)).codes + self.send("aged", "b", delay=10)
        for code in codes:
            self.answer(self.admin.reschedule(code, BEGIN + 60_000))
        for _ in range(6):
            self.wait(10)
            self.engine.check()
            self.turn()
        self.assertEqual((self.receiver.got, other.got), (["a"], ["b"]))

    def test_promoted(self):
        (code,) = self.send("t", "a", delay=10)
        self.assertEqual(self.answer(self.admin.reschedule(code, BEGIN - 1)), DONE)
        self.turn()
        self.assertEqual((self.receiver.got, self.engine.counts().delayed), (["a"], 0))
        self.wait(20)
        self.assertEqual(self.receiver.got, ["a"])

    def test_too_late(self):
        (plain,), (late,) = self.send("t", "a"), self.send("t", "b", delay=10)
        self.wait(10)
        for code in (plain, late):
            self.assertEqual(self.answer(self.admin.cancel(code)), TOO_LATE)
            self.assertEqual(self.answer(self.admin.reschedule(code, BEGIN + 99_000)), TOO_LATE)
        self.assertEqual((self.receiver.got, self.engine.counts().all), (["a", "b"], 2))

    def test_unknown(self):
        (code,) = self.send("t", "a", delay=10)
        for wrong in ("", "junk", "f" * 40, code[:-1] + "f", code[:16] + "00000009" + code[24:]):
            self.assertEqual(self.answer(self.admin.cancel(wrong)), UNKNOWN)
            self.assertEqual(self.answer(self.admin.reschedule(wrong, BEGIN)), UNKNOWN)
        self.answer(self.admin.delete_topic("t"))
        self.assertEqual(self.answer(self.admin.cancel(code)), UNKNOWN)

    def test_two_at_once(self):
        (code,) = self.send("t", "a", delay=10)
        self.store.asked = []
        asked = [self.coroutine(self.admin.cancel(code)) for _ in range(2)]
        asked.append(self.coroutine(self.admin.reschedule(code, BEGIN)))
        while self.store.asked:
            self.store.tell()
            self.turn()
        self.assertEqual([self.successResultOf(one) for one in asked], [DONE, TOO_LATE, TOO_LATE])
        self.assertEqual((self.receiver.got, self.engine.counts().all), ([], 0))

    def test_it_falls_due_by_one_time_only_while_the_new_one_is_on_its_way(self):
        self.make()
        receiver, _ = self.join("t")
        sending = self.coroutine(self.engine.send("t", drafts("a", delay=10)))
        while self.store.pending:
            self.store.finish()
            self.turn()
        (code,) = self.successResultOf(sending).codes
        moving = self.coroutine(self.admin.reschedule(code, BEGIN + 20_000))
        self.wait(11)
        self.assertNoResult(moving)
        self.assertEqual(receiver.got, [])
        self.store.finish()
        self.turn()
        self.assertEqual(self.successResultOf(moving), DONE)
        self.wait(9)
        self.assertEqual(receiver.got, ["a"])

    def test_a_disk_that_fails(self):
        for rules in (Rules(), Rules(eager=True)):
            self.make(rules, prompt=True)
            (code,) = self.send("t", "a", delay=10)
            self.engine.persist()
            self.store.reads_fail = True
            for asked in (self.admin.cancel(code), self.admin.reschedule(code, BEGIN)):
                self.fails(asked)
            self.fails(self.admin.scheduled(None, None, 9))
            self.assertEqual(self.engine.counts().delayed, 1)
            self.store.reads_fail = False
            self.store.commits_fail = True
            self.fails(self.admin.reschedule(code, BEGIN + 20_000))
            self.fails(self.admin.cancel(code))
            self.store.commits_fail = False
            self.wait(1)
            self.engine.persist()
            self.turn()
            self.assertEqual((self.engine.counts().all, self.store.naive.messages), (0, {}))

    def test_what_is_confirmed_and_can_not_be_stored_is_not_unknown(self):
        self.make(Rules(eager=True), prompt=True)
        self.store.commits_fail = True
        (code,) = self.send("t", "a", delay=10)
        for asked in (self.admin.cancel(code), self.admin.reschedule(code, BEGIN), self.engine.find(code)):
            self.fails(asked)
        self.fails(self.admin.bulk([code]))
        self.store.commits_fail = False
        self.wait(1)
        self.assertEqual(self.answer(self.admin.cancel(code)), DONE)
