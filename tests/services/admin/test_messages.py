"""Operators and messages: searched for, deleted in bulk; counts by the hour."""

from twisted.internet.defer import succeed

from kapokmq.core.admin import FoundPage
from kapokmq.core.message import Draft, Status
from kapokmq.core.query import HourCounts, Mark
from kapokmq.core.rules import Rules
from kapokmq.services.admin import messages as deleting
from kapokmq.storage.store import Page
from tests.services.engine import BEGIN, EngineCase, drafts

HOUR = 3_600_000


class LookTests(EngineCase):
    def look(self, **wanted):
        plain = {"topic": None, "status": None, "start": 0, "end": 1 << 60, "text": None, "key": None, "header": None}
        return self.admin.look(**(plain | {"after": None, "limit": 100} | wanted))

    def data(self, **wanted):
        return "".join(found.data for found in self.answer(self.look(**wanted)).found)

    def test_by_everything(self):
        self.make(Rules(max_attempts=1), prompt=True)
        _, subscription = self.join("t")
        batch = [Draft("a", key="k"), Draft("b", headers='{"n":"1"}'), Draft("c", headers='{"n":"2"}')]
        codes = self.answer(self.engine.send("t", batch)).codes
        self.clock.advance(1)
        self.send("t", "d", delay=50)
        self.send("u", "e")
        self.engine.ack(subscription, codes[:1])
        self.engine.nack(subscription, codes[1:2], None, "no")
        for wanted, found in (
            ({}, "edcba"),
            ({"topic": "t"}, "dcba"),
            ({"topic": "nobody's"}, ""),
            ({"status": int(Status.CONSUMED)}, "a"),
            ({"status": int(Status.DEAD)}, "b"),
            ({"status": int(Status.WAITING)}, "ec"),
            ({"status": int(Status.DELAYED)}, "d"),
            ({"start": BEGIN + 1000}, "ed"),
            ({"end": BEGIN + 999}, "cba"),
            ({"text": "c"}, "c"),
            ({"key": "k"}, "a"),
            ({"header": ("n", None)}, "cb"),
            ({"header": ("n", "2")}, "c"),
            ({"limit": 2}, "ed"),
        ):
            self.assertEqual(self.data(**wanted), found, wanted)

    def test_page_by_page(self):
        self.make(prompt=True)
        codes = self.send("t", *"abcde")
        seen, after = [], None
        while True:
            page = self.answer(self.look(after=after, limit=2))
            seen += [(found.data, found.code, found.topic) for found in page.found]
            after = page.next
            if after is None:
                break
            self.assertEqual(after, Mark(BEGIN, int(page.found[-1].code[24:], 16)))
        self.assertEqual(seen, list(zip("edcba", reversed(codes), "ttttt", strict=True)))

    def test_it_sees_what_was_asked_before(self):
        self.make()
        self.engine.publish(self.publisher(), "t", drafts("a"))
        looking = self.coroutine(self.look())
        self.assertNoResult(looking)
        self.store.finish()
        self.turn()
        self.assertEqual(len(self.successResultOf(looking).found), 1)

    def test_nothing_and_a_disk_that_fails(self):
        self.make(prompt=True)
        self.assertEqual(self.answer(self.look()), FoundPage([], None))
        self.store.reads_fail = True
        self.fails(self.look())


class BulkTests(EngineCase):
    def test_it_says_how_many_there_were(self):
        self.make(prompt=True)
        receiver, subscription = self.join("t", credit=2)
        codes = self.send("t", "leased", "acked", "waiting", "stays")
        self.engine.ack(subscription, codes[1:2])
        late = self.send("t", "late", delay=50)
        other = self.send("u", "another")
        gone = [*codes[:3], *late, *other]
        unknown = ["junk", "f" * 40, codes[0][:-1] + "f"]
        self.assertEqual(self.answer(self.admin.bulk([*unknown, *gone])), 5)
        self.assertEqual(self.answer(self.admin.bulk(gone)), 0)
        self.assertEqual(self.answer(self.admin.bulk([])), 0)
        self.assertEqual([m.data for m in self.store.naive.messages.values()], ["stays"])
        self.assertEqual(self.engine.counts(), (1, 0, 0, 1))
        self.wait(100)
        self.assertNotIn("late", receiver.got)

    def test_one_that_is_named_twice_is_one(self):
        self.make(prompt=True)
        codes = self.send("t", "a", "b")
        self.assertEqual(self.answer(self.admin.bulk([codes[0], codes[0]])), 1)
        self.assertEqual(self.engine.counts().all, 1)

    def test_many_are_read_and_deleted_in_slices(self):
        self.make(prompt=True)
        self.patch(deleting, "AT_ONCE", 3)
        codes = self.send("t", *"abcdefgh")
        reads = []
        fetch = self.store.fetch

        def fetch_two(ids, max_bytes):
            reads.append(len(ids))
            page = self.successResultOf(fetch(ids, max_bytes))
            return succeed(Page(page.messages[:2], page.messages[1].id + 1) if len(page.messages) > 2 else page)

        self.patch(self.store, "fetch", fetch_two)
        self.assertEqual(self.answer(self.admin.bulk([*reversed(codes[:7]), codes[0]])), 7)
        self.assertEqual(reads, [3, 1, 3, 1, 1])
        self.assertEqual([m.data for m in self.store.naive.messages.values()], ["h"])

    def test_a_code_of_another_epoch_deletes_nothing(self):
        self.make(prompt=True)
        (code,) = self.send("t", "a")
        other = code[:16] + "00000009" + code[24:]
        self.assertEqual(self.answer(self.admin.bulk([other])), 0)
        self.assertEqual(self.answer(self.admin.bulk([other, code])), 1)

    def test_two_who_delete_the_same_at_once(self):
        self.make(prompt=True)
        codes = self.send("t", "a", "b")
        self.store.asked = []
        asked = [self.coroutine(self.engine.delete(codes[0])), self.coroutine(self.admin.bulk(codes))]
        while self.store.asked:
            self.store.tell()
            self.turn()
        self.assertEqual([self.successResultOf(one) for one in asked], [True, 1])
        self.assertEqual((self.engine.counts().all, self.store.naive.messages), (0, {}))

    def test_a_disk_that_fails_deletes_none_or_says_so(self):
        self.make(prompt=True)
        codes = self.send("t", "a", "b")
        self.store.reads_fail = True
        self.fails(self.admin.bulk(codes))
        self.store.reads_fail = False
        self.store.commits_fail = True
        self.fails(self.admin.bulk(codes[:1]))
        self.store.commits_fail = False
        self.wait(1)
        self.assertEqual([m.data for m in self.store.naive.messages.values()], ["b"])


class HoursTests(EngineCase):
    def test_what_happened_hour_by_hour(self):
        self.make(prompt=True)
        _, subscription = self.join("t")
        codes = self.send("t", "a", "b")
        self.send("u", "c")
        self.clock.advance(3600)
        self.engine.ack(subscription, codes[:1])
        self.turn()
        first = HourCounts(BEGIN, 2, 2, 0, 0, 0, 0, 0)
        later = HourCounts(BEGIN + HOUR, 0, 0, 1, 2, 0, 0, 0)
        ask = self.admin.hours
        self.assertEqual(self.answer(ask("t", BEGIN, BEGIN + HOUR)), [first, later])
        self.assertEqual(self.answer(ask(None, BEGIN + 1, BEGIN + HOUR - 1)), [first._replace(published=3)])
        self.assertEqual(self.answer(ask("t", BEGIN + HOUR, BEGIN + HOUR)), [later])
        self.assertEqual(self.answer(ask("t", BEGIN + 2 * HOUR, BEGIN + 9 * HOUR)), [])
        self.assertEqual(self.answer(ask("nobody's", 0, BEGIN + HOUR)), [])

    def test_a_disk_that_fails(self):
        self.make(prompt=True)
        self.store.reads_fail = True
        self.fails(self.admin.hours(None, BEGIN, BEGIN))
