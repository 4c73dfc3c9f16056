"""How SQLite goes about it: no statement walks through the messages, and opening does not grow with them."""

import re

import apsw
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import Commit, TopicRow
from kapokmq.storage import queries, recovery, schema, searches
from tests.storage.contract import NOW, Harness, messages
from tests.storage.test_sqlite import SQLiteHarness

# Tables that grow with the messages, and the names that the statements give them.
LARGE = re.compile(r"SCAN (message|consumed|ack|attempt|m|c|a|p)\b(?! VIRTUAL)")
READS = {
    "READ": queries.READ,
    "FETCH": queries.FETCH,
    "SCHEDULED": queries.SCHEDULED,
    "FIND": queries.FIND,
    "AGED": queries.AGED,
    "AGED_DELAYED": queries.AGED_DELAYED,
    "HEADS": searches.HEADS,
    "WALK": searches.WALK,
    "WALK_DELAYED": searches.WALK_DELAYED,
    "TOPICS": recovery.TOPICS,
}


class PlanTests(SynchronousTestCase):
    """What EXPLAIN QUERY PLAN says, for an empty store without statistics: the plans that a node runs with."""

    def setUp(self):
        self.connection = apsw.Connection(":memory:")
        self.addCleanup(self.connection.close)
        self.connection.execute(schema.steps()[0][1])

    def plan(self, sql, given):
        """The steps of a statement's plan."""
        return [row[3] for row in self.connection.execute("explain query plan " + sql, given)]

    def commit_statements(self):
        """What the trigger of schema/commit.sql runs, with parameters in place of the row's columns."""
        text = re.sub(r"--.*", "", schema.commit_sql())
        body = text.split("\nbegin\n")[1].rsplit("end;", 1)[0]
        return [re.sub(r"new\.(\w+)", r":\1", one) for one in body.split(";") if one.strip()]

    def test_no_read_scans(self):
        for name, sql in READS.items():
            with self.subTest(name):
                count = max(int(number) for number in re.findall(r"\?(\d)", sql))
                for step in self.plan(sql, (None,) * count):
                    self.assertNotRegex(step, LARGE)

    def test_no_commit_scans(self):
        statements = self.commit_statements()
        self.assertEqual(len(statements), 16)
        names = dict.fromkeys(re.findall(r":(\w+)", " ".join(statements)))
        for sql in statements:
            with self.subTest(sql):
                for step in self.plan(sql, names):
                    self.assertNotRegex(step, LARGE)

    def test_ranges_are_removed_by_range(self):
        (sql,) = [one for one in self.commit_statements() if "delete from message" in one]
        plan = self.plan(sql, {"removed": None})
        self.assertIn("SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", plan)
        self.assertIn("SEARCH message USING INTEGER PRIMARY KEY (rowid=?)", plan)

    def test_due_times_are_read_in_their_index(self):
        plan = self.plan(queries.SCHEDULED, (0, 0, 0))
        self.assertIn("SEARCH message USING COVERING INDEX message_due (due=? AND rowid>?)", plan)
        self.assertIn("SEARCH message USING COVERING INDEX message_due (due>?)", plan)


class CostTests(SQLiteHarness, Harness, SynchronousTestCase):
    """Work counted in SQLite's own steps, which a busy machine does not change."""

    def setUp(self):
        self.steps = 0
        super().setUp()

    def make(self, path, **options):
        """A store whose connections count."""

        def step():
            self.steps += 1
            return False

        def connect(name, flags):
            connection = apsw.Connection(name, flags=flags)
            connection.set_progress_handler(step, 10)
            return connection

        return super().make(path, connect=connect, **options)

    def cost(self, work):
        """Tens of steps that a call takes."""
        before = self.steps
        work()
        return self.steps - before

    def fill(self, count):
        """Many messages, in commits of 10,000."""
        for first in range(0, count, 10_000):
            self.commit(publishes=messages(1, range(first, first + 10_000)))

    def test_opening_and_searching_do_not_grow_with_the_messages(self):
        self.commit(topics=[TopicRow(1, "a")], publishes=messages(2, range(10)))
        empty = self.cost(self.again)
        self.fill(300_000)
        self.assertLess(self.cost(self.again), 2 * empty)
        self.assertLess(self.cost(lambda: self.search(limit=100)), 3_000)
        self.assertLess(self.cost(lambda: self.search(limit=100, end=NOW - 1)), 3_000)
        self.assertLess(self.cost(lambda: self.page(1 << 40, 2 << 40, limit=100)), 3_000)
        self.assertLess(self.cost(lambda: self.store.commit(Commit())), 100)
