"""Looking a store over: it has nothing to say of a store that is right, and finds whatever does not fit."""

import shutil
from contextlib import closing
from pathlib import Path

import apsw
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import StoreRefused
from kapokmq.storage.checking import RULES, RULES_2, check_store

FIXTURES = Path(__file__).parent / "fixtures"
ONE = "(select min(id) from message)"  # for @one

# How a store is spoilt, and how the fault that is told of it begins.
SPOILT = (
    ("delete from meta", "meta: there are 0 rows"),
    ("update meta set store_id = 'x'", "meta: 'x' is no store id"),
    ("insert into topic (number, name, next) values (8388608, 'far', 0)", "topic 8388608: its number is out of range"),
    (
        "insert into message (id, epoch, created, delay, data) values (77 << 40, 1, 1, 0, '')",
        f"message {77 << 40}: its topic 77 does not exist",
    ),
    ("update topic set next = 0 where number = @one >> 40", "topic "),
    ("update message set epoch = 1000 where id = @one", "message "),
    ("update message set headers = 'x' where id = @one", "message "),
    ("insert into grp (number, topic, name, kind, mark) values (900, 99, 'x', 'named', 0)", "group 900: its topic 99"),
    ("update grp set mark = 1 << 39 where number = (select max(number) from grp)", "group "),
    ("update grp set kind = 'odd' where number = (select max(number) from grp)", "group "),
    ("insert into ack (grp, first, last) values (900, 1, 1)", "ack: group 900 does not exist"),
    (
        "insert into attempt (grp, off, tries, retry_at, reason) values (900, 1, 1, 1, '')",
        "attempt: group 900 does not exist",
    ),
    ("insert or replace into ack (grp, first, last) values ((select max(number) from grp), 9, 8)", "ack: 9 is above 8"),
    ("insert into consumed (first, last, at) values (9, 8, 1)", "consumed: 9 is above 8"),
    (
        "insert or replace into ack (grp, first, last) values ((select max(number) from grp), 5, 1 << 39)",
        "ack: group ",
    ),
    (
        "insert into dead (grp, id, at, tries, reason) values (900, @one, 1, 1, '')",
        "dead: group 900 does not exist",
    ),
    (
        "insert into dead (grp, id, at, tries, reason) values ((select max(number) from grp), 7 << 40, 1, 1, '')",
        f"dead: message {7 << 40} does not exist",
    ),
    (
        """insert into dead (grp, id, at, tries, reason) select g.number, m.id, 1, 1, ''
        from grp as g, message as m where m.id >> 40 <> g.topic limit 1""",
        "dead: message ",
    ),
    (
        "insert into event (id, grp, at, kind, tries, who, reason) values (@one, 900, 1, 'dead', 1, '', '')",
        "event: group 900 does not exist",
    ),
    (
        """insert into event (id, grp, at, kind, tries, who, reason)
        values (7 << 40, (select max(number) from grp), 1, 'dead', 1, '', '')""",
        f"event: message {7 << 40} does not exist",
    ),
    ("insert into acked (grp, first, last, at) values (900, 1, 1, 1)", "acked: group 900 does not exist"),
    (
        "insert into acked (grp, first, last, at) values ((select max(number) from grp), 9, 8, 1)",
        "acked: 9 is above 8",
    ),
    ("update topic set bytes = bytes + 1 where number = @one >> 40", "topic "),
    (
        "insert into sent (session, publish, first, epoch, count, crc) values ('nobody', 1, 1, 1, 1, 1)",
        "sent: session 'nobody' does not exist",
    ),
    ("insert into dedup (part, key, id) values (900, 'k', 1)", "dedup: part 900 does not exist"),
)
POLICIES = (
    ("update topic set policy = '{\"maxAge\":-1}' where number = (select min(number) from topic)", "topic "),
    ("update grp set config = '{' where number = (select min(number) from grp)", "group "),
    ("insert into pattern (pattern, name, config) values ('a.>', 'g', '[]')", "pattern 'a.>' 'g'"),
)


class CheckTests(SynchronousTestCase):
    def copy(self, name="store-002.db"):
        folder = Path(self.mktemp())
        folder.mkdir()
        return Path(shutil.copy(FIXTURES / name, folder / "kapokmq.db"))

    def spoil(self, sql, name="store-002.db"):
        path = self.copy(name)
        with closing(apsw.Connection(str(path))) as connection:
            connection.execute(sql.replace("@one", ONE))
        return path

    def test_stores_of_every_version_are_right(self):
        for version in (1, 2):
            census = check_store(self.copy(f"store-00{version}.db"))
            self.assertEqual((census.faults, census.version), ([], version))
            self.assertGreater(census.messages, 0)

    def test_each_rule_finds_what_it_is_there_for(self):
        for sql, begins in SPOILT + POLICIES:
            faults = check_store(self.spoil(sql)).faults
            self.assertTrue(any(fault.startswith(begins) for fault in faults), (sql, faults))

    def test_every_rule_is_tried(self):
        self.assertEqual(len(SPOILT), len((RULES.strip() + "\n\n" + RULES_2.strip()).split("\n\n")))

    def test_many_faults_of_a_kind_are_cut_short(self):
        many = """insert into grp (number, name, kind, mark, topic)
        with recursive n(n) as (select 900 union all select n + 1 from n where n < 949)
        select n, n, 'named', 0, 99 from n"""
        faults = check_store(self.spoil(many)).faults
        self.assertEqual(len([fault for fault in faults if "its topic 99" in fault]), 20)
        self.assertIn("… and more of that kind", faults)

    def test_a_page_that_is_damaged_is_found(self):
        path = self.copy()
        with closing(apsw.Connection(str(path))) as connection:
            page = connection.execute("select rootpage from sqlite_schema where name = 'message_due'").fetchall()[0][0]
            size = connection.pragma("page_size")
        with path.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xff" * 40)
        try:
            self.assertTrue(check_store(path).faults)
        except StoreRefused as error:
            self.assertIn("damaged", str(error))

    def test_what_is_no_store_is_refused(self):
        folder = Path(self.mktemp())
        folder.mkdir()
        for content, says in ((b"", "not there, or empty"), (b"hello", "no KapokMQ store")):
            (folder / "x").write_bytes(content)
            with self.assertRaisesRegex(StoreRefused, says):
                check_store(folder / "x")
        with self.assertRaisesRegex(StoreRefused, "not there"):
            check_store(folder / "missing")
        with self.assertRaisesRegex(StoreRefused, "newer KapokMQ"):
            check_store(self.spoil("pragma user_version = 9"))

    def test_it_leaves_no_trace(self):
        path = self.copy()
        before = path.read_bytes()
        check_store(path)
        self.assertEqual([one.name for one in path.parent.iterdir()], ["kapokmq.db"])
        self.assertEqual(path.read_bytes(), before)

    def test_the_log_that_a_crash_left_is_read_and_stays(self):
        path = self.copy()
        writer = apsw.Connection(str(path))
        writer.execute("pragma wal_autocheckpoint = 0; pragma journal_mode = wal").fetchall()
        writer.execute("update meta set epoch = 500")
        crashed = Path(self.mktemp())
        shutil.copytree(path.parent, crashed)
        writer.close()
        names = {"kapokmq.db", "kapokmq.db-wal"}
        for name in {one.name for one in crashed.iterdir()} - names:
            (crashed / name).unlink()
        before = (crashed / "kapokmq.db-wal").read_bytes()
        self.assertEqual(check_store(crashed / "kapokmq.db").epoch, 500)
        self.assertEqual((crashed / "kapokmq.db-wal").read_bytes(), before)
