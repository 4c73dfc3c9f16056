"""The store under a busy reactor: the same answers, and the same number of calls whatever the size."""

import sys
from pathlib import Path

import apsw
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from kapokmq.core.commit import (
    Commit,
    DeadRow,
    EventRow,
    GroupRow,
    KeyRow,
    NextRow,
    RemovedRow,
    SentRow,
    SizeRow,
    TopicRow,
)
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.message import make_id
from kapokmq.core.query import DeadQuery, DueQuery, MessageQuery, Search
from kapokmq.storage import searches
from kapokmq.storage.sqlite import SQLiteStore
from kapokmq.storage.store import Due
from tests.storage.contract import FAR, LOTS, NOW, Harness, entropy, messages
from tests.storage.test_sqlite import SQLiteHarness

SWITCH_INTERVAL = 0.0005  # seconds


class BusyReactorTests(TestCase):
    """The real reactor, which is never idle."""

    timeout = 120

    def setUp(self):
        # As in a node (kapokmq/tap.py), and a turn of `work` is longer than that. Who waits for the GIL asks for it
        # only when nobody has let it go for so long: shorter turns, without a pause between them, would starve it.
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.path = Path(self.mktemp()) / "store.db"
        self.store = SQLiteStore(str(self.path), entropy=entropy, callback=reactor.callFromThread)
        self.store.open(NOW)
        self.turns = 0
        self.busy = reactor.callLater(0, self.work)

    def tearDown(self):
        """Both are others by now than those of setUp."""
        self.busy.cancel()
        return self.store.close()

    def work(self):
        """A few milliseconds of the interpreter's time, again and again."""
        self.turns += 1
        sum(number * number for number in range(50_000))
        self.busy = reactor.callLater(0, self.work)

    async def test_commits_and_reads(self):
        await self.store.commit(Commit(topics=[TopicRow(1, "a")]))
        for first in range(0, 20_000, 1_000):
            given = messages(1, range(first, first + 1_000))
            handed = self.store.commit(Commit(publishes=given, nexts=[NextRow(1, first + 1_000)]))
            # Asked before the commit has ended, on another thread: all of it, or nothing.
            early = await self.store.read(make_id(1, first), make_id(1, FAR), 10_000, LOTS)
            self.assertIn(len(early.messages), (0, 1_000))
            await handed
            page = await self.store.read(make_id(1, first), make_id(1, first + 1_000), 1_000, LOTS)
            self.assertEqual(page.messages, given)
        found = await self.store.search(MessageQuery(now=NOW, limit=3, offset=7_000))
        self.assertEqual([stored.message.offset for stored in found], [12_999, 12_998, 12_997])
        self.assertGreater(self.turns, 20)

    async def test_what_is_under_way_is_finished_before_it_closes(self):
        handed = [
            self.store.commit(Commit(publishes=messages(1, range(n * 1_000, n * 1_000 + 1_000)))) for n in range(9)
        ]
        asked = self.store.read(0, 1 << 62, 100_000, LOTS)
        searched = self.store.search(MessageQuery(now=NOW))
        closed = [self.store.close(), self.store.close()]
        self.assertFalse(any(one.called for one in closed))
        late = self.store.find(1, NOW)
        await self.assertFailure(late, StoreUnavailable)
        for one in [*handed, asked, searched, *closed]:
            await one
        self.assertEqual([file.name for file in self.path.parent.iterdir()], ["store.db"])
        self.store = SQLiteStore(str(self.path), entropy=entropy, callback=reactor.callFromThread)
        self.store.open(NOW)
        page = await self.store.read(0, 1 << 62, 100_000, LOTS)
        self.assertEqual(len(page.messages), 9_000)


class ConstantCallsTests(SQLiteHarness, Harness, SynchronousTestCase):
    """Statements that Python hands to SQLite, and rows that it gets back."""

    def setUp(self):
        self.statements = []
        self.rows = 0
        super().setUp()

    def make(self, path, **options):
        """A store whose connections tell."""

        def statement(cursor, sql, given):
            self.statements.append(sql)
            return True

        def row(cursor, values):
            self.rows += 1
            return values

        def connect(name, flags):
            connection = apsw.Connection(name, flags=flags)
            connection.set_exec_trace(statement)
            connection.set_row_trace(row)
            return connection

        return super().make(path, connect=connect, **options)

    def calls(self, work):
        """How many statements, and how many rows."""
        del self.statements[:]
        self.rows = 0
        self.wait(work())
        return len(self.statements), self.rows

    def test_a_commit_is_one_statement_and_a_read_one_row(self):
        self.commit(topics=[TopicRow(1, "a")], groups=[GroupRow(1, 1, "g", "named", 0)])
        at = 0
        for size in (10, 5_000):
            given = Commit(
                publishes=messages(1, range(at, at + size), due=5),
                removed=[RemovedRow(one, one) for one in range(make_id(2, 0), make_id(2, size))],
                dead=[DeadRow(1, offset, 5, 1, "") for offset in range(at, at + size)],
                events=[EventRow(1, offset, 5, "dead", 1, "", "") for offset in range(at, at + size)],
                sent=[SentRow("s", at, make_id(1, at), 1, size, 5)],
            )
            self.assertEqual(self.calls(lambda: self.store.commit(given)), (1, 0))  # noqa: B023 -- called at once
            ids = [one.id for one in given.publishes]
            for read in (
                lambda: self.store.read(ids[0], ids[-1] + 1, size, LOTS),  # noqa: B023 -- likewise
                lambda: self.store.fetch(ids, LOTS),  # noqa: B023 -- likewise
                lambda: self.store.scheduled((0, 0), size),  # noqa: B023 -- likewise
                lambda: self.store.aged(1, ids[0], FAR, size),  # noqa: B023 -- likewise
                lambda: self.store.aged_delayed(FAR, size),  # noqa: B023 -- likewise
                lambda: self.store.expired(FAR, size),  # noqa: B023 -- likewise
                lambda: self.store.delayed(1, 0, Due(0, 0), size, LOTS),  # noqa: B023 -- likewise
                lambda: self.store.due_counts(DueQuery(1, 0, 5, (1, 0), 99, size)),  # noqa: B023 -- likewise
                lambda: self.store.trace(ids[0]),  # noqa: B023 -- likewise
                lambda: self.store.since(1, NOW),
                lambda: self.store.sent("s", size),  # noqa: B023 -- likewise
                lambda: self.store.hours(None, 0, FAR),
            ):
                self.assertEqual(self.calls(read), (1, 1))
            search = MessageQuery(now=NOW, limit=size)
            self.assertEqual(self.calls(lambda: self.store.search(search)), (3, 3))  # noqa: B023 -- likewise
            # Heads, messages, which of them match, those that do.
            wanted = Search(NOW, text="1:", limit=size)
            self.assertEqual(self.calls(lambda: self.store.inspect(wanted)), (4, 4))  # noqa: B023 -- likewise
            letters = DeadQuery(1, 1, text="1:", limit=size)
            self.assertEqual(self.calls(lambda: self.store.dead(letters)), (3, 3))  # noqa: B023 -- likewise
            at += size

    def test_a_commit_with_keys_or_sizes_is_one_statement_and_one_row(self):
        self.commit(topics=[TopicRow(1, "a")])
        for first in (0, 5_000):
            given = messages(1, range(first, first + 5_000))
            for one in given:
                one.key = str(one.offset // 2)
            keyed = Commit(publishes=given, keys=[KeyRow(1, 5, one.key, one.id, 1) for one in given])
            self.assertEqual(self.calls(lambda: self.store.commit(keyed)), (2, 1))  # noqa: B023 -- called at once
        self.assertEqual(self.calls(lambda: self.store.commit(Commit(sizes=[SizeRow(1)]))), (2, 1))

    def test_one_search_at_a_time(self):
        self.commit(topics=[TopicRow(1, "a")], publishes=messages(1, range(9)))
        self.calls(lambda: self.store.search(MessageQuery(now=NOW)))
        alone = self.statements[:]
        del self.statements[:]
        asked = [self.store.search(MessageQuery(now=NOW)) for _ in range(3)]
        for one in asked:
            self.assertEqual(len(self.wait(one)), 9)
        self.assertEqual(self.statements, 3 * alone)

    def test_many_topics_do_not_make_many_slices(self):
        self.patch(searches, "SLICE", 5)
        topics = range(1, 51)
        self.commit(topics=[TopicRow(n, str(n)) for n in topics])
        self.commit(publishes=[one for n in topics for one in messages(n, range(2))])
        self.assertEqual(self.calls(lambda: self.store.search(MessageQuery(now=NOW))), (5, 5))


class CancelTests(SQLiteHarness, Harness, SynchronousTestCase):
    """Who no longer wants an answer."""

    def test_a_cancelled_read_harms_nobody(self):
        self.commit(publishes=messages(1, [0]))
        cancelled: Deferred = self.store.read(0, 1 << 62, 9, LOTS)
        cancelled.addErrback(lambda failure: None)
        cancelled.cancel()
        self.assertEqual(len(self.page().messages), 1)

    def test_a_search_that_is_cancelled_while_it_waits_harms_nobody(self):
        self.commit(topics=[TopicRow(1, "a")], publishes=messages(1, [0]))
        first, cancelled, last = (self.store.search(MessageQuery(now=NOW)) for _ in range(3))
        cancelled.addErrback(lambda failure: None)
        cancelled.cancel()
        self.assertEqual([len(self.wait(one)) for one in (first, last)], [1, 1])
