"""The format of the file: made, upgraded, and readable for people and for later releases."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import apsw
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import ConsumedRow, DeadRow, GroupRow, KeyRow, SizeRow, TopicRow
from kapokmq.core.errors import StoreRefused
from kapokmq.core.message import make_id, make_prefix
from kapokmq.storage import schema
from kapokmq.storage.opening import Manner, closed, opened
from tests.storage.contract import NOW, Harness, entropy, message
from tests.storage.test_sqlite import SQLiteHarness

FIXTURES = Path(__file__).parent / "fixtures"
NEXT = (3, "create table extra(x); insert into extra values (1); pragma user_version = 3;")
LAST = (4, "alter table extra add column y; pragma user_version = 4;")


class UpgradeTests(SynchronousTestCase):
    """Steps from version to version."""

    def setUp(self):
        self.path = (Path(self.mktemp()) / "store.db").resolve()

    def open(self, *more):
        """Open with the steps that there are and some more; gives what was found."""
        files = opened(self.path, Manner(entropy, steps=[*schema.steps(), *more]), NOW)
        files.reader.close()
        closed(files)
        return files.recovered

    def ask(self, sql):
        """Ask the closed file."""
        with closing(apsw.Connection(str(self.path))) as connection:
            return connection.execute(sql).fetchall()

    def test_the_steps_that_come_with_it(self):
        self.assertEqual([number for number, _ in schema.steps()], [1, 2])

    def test_missing_steps_are_run_in_order_and_once(self):
        self.assertEqual(self.open().epoch, 1)
        self.assertEqual(self.open(NEXT, LAST).epoch, 2)
        self.assertEqual(self.ask("select x, y from extra"), [(1, None)])
        self.assertEqual(self.ask("pragma user_version"), [(4,)])
        self.assertEqual(self.open(NEXT, LAST).epoch, 3)
        with self.assertRaisesRegex(StoreRefused, "format 4, this one knows up to 2"):
            self.open()

    def test_a_new_store_gets_every_step(self):
        self.open(NEXT)
        self.assertEqual(self.ask("pragma user_version"), [(3,)])

    def test_steps_are_taken_together_or_not_at_all(self):
        self.open()
        before = self.path.read_bytes()
        with self.assertRaisesRegex(StoreRefused, "damaged .*no such table: nowhere"):
            self.open(NEXT, (4, "delete from nowhere"))
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual([file.name for file in self.path.parent.iterdir()], ["store.db"])
        self.assertEqual(self.open(NEXT).epoch, 2)

    def test_a_failed_commit_of_the_steps(self):
        deferred = (
            3,
            "create table one(x primary key); create table two(x references one deferrable initially deferred)",
        )
        bad = (4, "pragma defer_foreign_keys = 1; insert into two values (1)")
        self.open()

        def connect(path, flags):
            connection = apsw.Connection(path, flags=flags)
            connection.execute("pragma foreign_keys = 1")
            return connection

        steps = [*schema.steps(), deferred, bad]
        with self.assertRaisesRegex(StoreRefused, "FOREIGN KEY"):
            opened(self.path, Manner(entropy, connect=connect, steps=steps), NOW)
        self.assertEqual(self.open().epoch, 2)


class FormatTests(SQLiteHarness, Harness, SynchronousTestCase):
    """What others than the store see in the file."""

    def test_people_can_read_it_while_it_is_open(self):
        self.commit(
            topics=[TopicRow(3, "orders")],
            groups=[GroupRow(1, 3, "", "default", 0)],
            publishes=[
                message(make_id(3, 0), "first", key="k"),
                message(make_id(3, 1), "second", epoch=2, due=NOW + 1000, headers="{}"),
            ],
            consumed=[ConsumedRow(make_id(3, 0), make_id(3, 0), NOW + 5_000)],
        )
        with closing(apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)) as shell:
            found = shell.execute("select * from messages_readable").fetchall()
        store_id = self.recovered.store_id
        code = [make_prefix(store_id, epoch) + f"{make_id(3, offset):016x}" for epoch, offset in ((1, 0), (2, 1))]
        at, later, due = "2023-11-14 22:13:20", "2023-11-14 22:13:25", "2023-11-14 22:13:21"
        self.assertEqual(
            found,
            [
                (code[0], "orders", 0, at, None, later, "k", None, "first"),
                (code[1], "orders", 1, at, due, None, None, "{}", "second"),
            ],
        )

    def test_a_store_of_version_1_is_brought_up_to_date(self):
        expected = self.reopened("store-001")
        found = self.store.open(NOW)
        self.assertEqual(found.epoch, 3)
        self.check(found, expected)
        # What version 1 did not record.
        sizes = [sum(one.size for one in self.page(number << 40, number + 1 << 40).messages) for number in (1, 2)]
        self.assertEqual([topic.bytes for topic in found.topics], [sizes[0], sizes[1] + len("\u2603".encode()) - 1])
        self.assertEqual([topic.consumed for topic in found.topics], [[(0, 1)], []])
        self.assertEqual([(group.start, group.config, group.dead) for group in found.groups], 2 * [(0, None, [])])
        self.assertEqual(found.patterns, [])
        # And it goes on like any other.
        given = message(make_id(1, 6), "6", key="k", expire=NOW)
        keys = [KeyRow(1, 5, "k", given.id, 3)]
        outcome = self.commit(publishes=[given], keys=keys, dead=[DeadRow(1, 6, 5, 1, "")], sizes=[SizeRow(1)])
        self.assertEqual(outcome.sizes, [(1, sizes[0] + given.size)])
        self.assertEqual([one.id for one in self.wait(self.store.expired(NOW + 1, 9))], [given.id])
        self.assertEqual(self.again().groups[0].dead, [(6, 6)])

    def test_a_store_of_version_2_is_read(self):
        expected = self.reopened("store-002")
        found = self.store.open(NOW)
        self.assertEqual(found.epoch, 3)
        self.check(found, expected)
        self.assertEqual([[topic.policy, topic.bytes] for topic in found.topics], expected["policies"])
        self.assertEqual([list(map(list, topic.consumed)) for topic in found.topics], expected["runs"])
        self.assertEqual(
            [[group.start, group.config, *map(list, group.dead)] for group in found.groups], expected["configs"]
        )
        self.assertEqual([list(row) for row in found.patterns], expected["patterns"])
        trace = self.wait(self.store.trace(make_id(1, 2)))
        self.assertEqual([list(map(list, rows)) for rows in trace], expected["trace"])
        calls = self.wait(self.store.sent("session", 9))
        self.assertEqual([[*row[:-1], list(map(list, row.duplicates))] for row in calls], expected["sent"])
        self.assertEqual([list(row) for row in self.wait(self.store.hours(None, 0, 1 << 40))], expected["hours"])
        rows = [KeyRow(1, 5, key, make_id(1, 20 + n), 3) for n, key in enumerate(("k", "new"))]
        outcome = self.commit(publishes=[message(row.id, key=row.key) for row in rows], keys=rows)
        self.assertEqual([list(one) for one in outcome.duplicates], expected["duplicates"])

    def reopened(self, name):
        """Put a fixture in the store's place; gives what it should hold."""
        self.wait(self.store.close())
        shutil.copy(FIXTURES / f"{name}.db", self.path)
        self.store = self.make(self.path)
        return json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))

    def check(self, found, expected):
        """What both versions have."""
        self.assertEqual([topic.name for topic in found.topics], expected["topics"])
        self.assertEqual([[group.mark, *map(list, group.runs)] for group in found.groups], expected["groups"])
        self.assertEqual([[one.id, one.due, one.data] for one in self.page().messages], expected["messages"])
        self.assertEqual([stored.consumed for stored in self.search()], expected["consumed"])
