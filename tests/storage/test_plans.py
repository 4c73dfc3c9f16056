"""How SQLite goes about it: no statement walks through the messages, and opening does not grow with them."""

import re

import apsw
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import Commit, TopicRow
from kapokmq.core.message import Status, make_id
from kapokmq.core.query import Search
from kapokmq.storage import (
    commits,
    inquiries,
    inspection,
    keys,
    letters,
    queries,
    recovery,
    schema,
    searches,
    tidying,
)
from kapokmq.storage.store import Due
from tests.storage.contract import LOTS, NOW, Harness, messages
from tests.storage.test_sqlite import SQLiteHarness

# Tables that grow with the messages, and the names that the statements give them.
LARGE = re.compile(
    r"SCAN (message|consumed|ack|acked|attempt|dead|event|dedup|dedup_part|sent|session|[acdemps])\b(?! VIRTUAL)"
)
READS = {
    "READ": queries.READ,
    "FETCH": queries.FETCH,
    "SCHEDULED": queries.SCHEDULED,
    "FIND": queries.FIND,
    "AGED": queries.AGED,
    "AGED_DELAYED": queries.AGED_DELAYED,
    "EXPIRED": queries.EXPIRED,
    "DELAYED": inquiries.DELAYED,
    "DELAYED_OF": inquiries.DELAYED_OF,
    "DUE_COUNTS": inquiries.DUE_COUNTS,
    "DUE_COUNTS_OF": inquiries.DUE_COUNTS_OF,
    "TRACE": inquiries.TRACE,
    "SINCE": inquiries.SINCE,
    "FIRST_DUE": inquiries.FIRST_DUE,
    "SENT": inquiries.SENT,
    "HOURS": inquiries.HOURS,
    "HOURS_OF": inquiries.HOURS_OF,
    "MATCH": inspection.MATCH,
    "LETTERS": letters.LETTERS,
    "OUTCOME": commits.OUTCOME,
    "KEYS_OF": keys.KEYS_OF,
    "tidying.SENT": tidying.SENT,
    "tidying.SESSIONS": tidying.SESSIONS,
    "tidying.KEYS": tidying.KEYS,
    "tidying.PARTS": tidying.PARTS,
    "HEADS": searches.HEADS,
    "WALK": searches.WALK,
    "WALK_DELAYED": searches.WALK_DELAYED,
    "WALK_DEAD": searches.WALK_DEAD,
    "TOPICS": recovery.TOPICS,
}


class PlanTests(SynchronousTestCase):
    """What EXPLAIN QUERY PLAN says, for an empty store without statistics: the plans that a node runs with."""

    def setUp(self):
        self.connection = apsw.Connection(":memory:")
        self.addCleanup(self.connection.close)
        for _, sql in schema.steps():
            self.connection.execute(sql)
        self.connection.execute(schema.commit_sql())  # its views and its own tables

    def plan(self, sql, given):
        """The steps of a statement's plan."""
        return [row[3] for row in self.connection.execute("explain query plan " + sql, given)]

    def commit_statements(self):
        """What the triggers of schema/commit.sql run, with parameters in place of the row's columns."""
        text = re.sub(r"--.*", "", schema.commit_sql())
        bodies = re.findall(r"\nbegin\n(.*?)\nend;", text, re.DOTALL)
        statements = [one for body in bodies for one in body.split(";") if one.strip()]
        views = "keyed|rare|removal|dropping"
        return [
            re.sub(r"new\.(\w+)", r":\1", one) for one in statements if not re.match(rf"\s*insert into ({views}) ", one)
        ]

    def test_no_read_scans(self):
        for name, sql in READS.items():
            with self.subTest(name):
                count = max(int(number) for number in re.findall(r"\?(\d)", sql))
                for step in self.plan(sql, (None,) * count):
                    self.assertNotRegex(step, LARGE)

    def test_no_commit_scans(self):
        statements = self.commit_statements()
        self.assertEqual(len(statements), 54)
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

    def test_delayed_messages_are_read_in_their_indexes(self):
        plan = self.plan(inquiries.DELAYED, (0,) * 5)
        self.assertIn("SEARCH m USING COVERING INDEX message_due (due=? AND rowid>?)", plan)
        self.assertIn("SEARCH m USING COVERING INDEX message_due (due>?)", plan)
        plan = self.plan(inquiries.DELAYED_OF, (0,) * 6)
        self.assertIn("SEARCH m USING COVERING INDEX message_topic_due (<expr>=? AND due=? AND rowid>?)", plan)
        self.assertIn("SEARCH m USING COVERING INDEX message_topic_due (<expr>=? AND due>?)", plan)

    def test_delayed_messages_are_counted_in_their_indexes(self):
        for sql, index, topic in (
            (inquiries.DUE_COUNTS, "message_due", ""),
            (inquiries.DUE_COUNTS_OF, "message_topic_due", "<expr>=? AND "),
        ):
            count = max(int(number) for number in re.findall(r"\?(\d)", sql))
            plan = self.plan(sql, (0,) * count)
            for place in ("due=? AND rowid>?", "due>? AND due<?"):
                self.assertIn(f"SEARCH m USING COVERING INDEX {index} ({topic}{place})", plan)
            self.assertNotIn("USE TEMP B-TREE FOR ORDER BY", plan)  # the messages are not sorted

    def test_what_may_go_is_read_in_its_indexes(self):
        plan = self.plan(queries.EXPIRED, (0, 0))
        self.assertIn("SEARCH message USING INDEX message_expire (expire>? AND expire<?)", plan)
        plan = self.plan(queries.AGED_DELAYED, (0, 0))
        self.assertIn("SEARCH message USING INDEX message_aged (due>? AND due<?)", plan)
        self.assertFalse([step for step in plan if "TEMP B-TREE" in step])

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
        self.assertLess(self.cost(lambda: self.wait(self.store.since(1, NOW - 1))), 3_000)
        self.assertLess(self.cost(lambda: self.wait(self.store.since(1, NOW + 1))), 3_000)
        self.assertLess(self.cost(lambda: self.wait(self.store.inspect(Search(NOW, limit=10, look=100)))), 3_000)
        self.assertLess(self.cost(lambda: self.wait(self.store.inspect(Search(NOW, status=Status.DEAD)))), 3_000)
        self.assertLess(self.cost(lambda: self.wait(self.store.trace(make_id(1, 5)))), 100)
        whole = [(make_id(1, 0), make_id(2, 0))] * 100
        self.assertLess(self.cost(lambda: self.wait(self.store.first_due(whole, NOW, 10_000))), 3_000)

    def test_a_topics_schedule_does_not_grow_with_the_others(self):
        self.commit(publishes=messages(2, range(10), due=NOW + 5))

        def delayed():
            return self.wait(self.store.delayed(2, NOW, Due(0, 0), 5, LOTS))

        few = self.cost(delayed)
        for first in range(0, 20_000, 10_000):
            self.commit(publishes=messages(1, range(first, first + 10_000), due=NOW + 1))
        self.assertEqual(len(delayed()), 5)
        self.assertLess(self.cost(delayed), 2 * few + 10)
