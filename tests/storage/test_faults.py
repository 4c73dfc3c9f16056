"""Disks that are full or broken, and files that are damaged."""

import apsw
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import Commit, ConsumedRow, NextRow, TopicRow
from kapokmq.core.errors import MisuseError, StoreRefused, StoreUnavailable
from kapokmq.core.message import make_id
from kapokmq.storage import checkpoint, opening
from tests.storage import pump
from tests.storage.contract import NOW, Harness, messages
from tests.storage.faulty import Disk
from tests.storage.test_sqlite import SQLiteHarness


class BrokenDiskHarness(SQLiteHarness):
    """A store whose disk fails on demand."""

    def make(self, path, **options):
        """Through the disk, as long as the test has one."""
        if not hasattr(self, "disk"):
            self.disk = Disk()
        return super().make(path, connect=self.disk.connect, **options)


class BrokenDiskTests(BrokenDiskHarness, Harness, SynchronousTestCase):
    """What the store makes of it."""

    def test_a_failed_commit_leaves_nothing_and_can_be_retried(self):
        self.commit(topics=[TopicRow(1, "a")], publishes=messages(1, range(3)))
        for operation, error, cause in (
            ("write", apsw.FullError, "FullError"),
            ("write", apsw.IOError, "IOError"),
            ("sync", apsw.IOError, "IOError"),
        ):
            for allowed in (0, 1, 4):
                with self.subTest(operation=operation, cause=cause, allowed=allowed):
                    there = self.page().messages
                    first = len(there)
                    more = messages(1, range(first, first + 500), headers="x" * 100)
                    lost = Commit(
                        nexts=[NextRow(1, first + 500)],
                        publishes=more,
                        consumed=[ConsumedRow(0, make_id(1, first), first)],
                    )
                    self.disk.failing, self.disk.allowed = {operation: error}, allowed
                    if operation == "sync" and allowed:
                        self.disk.allowed = 0  # a commit syncs once
                    failure = self.failureOf(self.store.commit(lost), StoreUnavailable)
                    self.assertIn(str(self.path.name), str(failure))
                    self.assertIn(cause, str(failure))
                    self.assertEqual(self.page().messages, there)
                    self.assertNotIn(first, [stored.consumed for stored in self.search()])
                    self.disk.failing = {}
                    self.wait(self.store.commit(lost))
                    self.assertEqual(self.page().messages, there + more)
        kept = self.page().messages
        self.assertEqual(self.again().topics[0].next, len(kept))
        self.assertEqual(self.page().messages, kept)

    def failureOf(self, waited: Deferred, kind):
        """What a Deferred fails with."""
        with self.assertRaises(kind) as caught:
            self.wait(waited)
        return caught.exception

    def test_what_a_failed_commit_wrote_is_not_there_after_a_crash(self):
        self.commit(publishes=messages(1, range(3)))
        self.disk.failing, self.disk.allowed = {"write": apsw.FullError}, 6
        self.failureOf(self.store.commit(Commit(publishes=messages(1, range(3, 900)))), StoreUnavailable)
        # As after kill -9: a copy of the files as they are now.
        copied = self.path.with_name("copy.db")
        for part in ("", "-wal"):
            copied.with_name(copied.name + part).write_bytes(self.path.with_name(self.path.name + part).read_bytes())
        self.disk.failing = {}
        self.wait(self.store.close())
        self.store = self.make(copied)
        self.store.open(NOW)
        self.assertEqual(self.page().messages, messages(1, range(3)))

    def test_a_disk_that_is_full_at_the_start_refuses(self):
        self.wait(self.store.close())
        for operation in ("write", "sync"):
            self.disk.failing = {operation: apsw.FullError}
            before = self.path.read_bytes()
            with self.assertRaisesRegex(StoreRefused, "room on the disk"):
                self.make(self.path).open(NOW)
            self.assertEqual(self.path.read_bytes(), before)
            fresh = self.path.with_name("fresh.db")
            with self.assertRaisesRegex(StoreRefused, "room on the disk"):
                self.make(fresh).open(NOW)
            self.assertEqual(sorted(file.name for file in self.path.parent.iterdir()), ["store.db"])
        self.disk.failing = {}
        self.assertEqual(self.again().epoch, 2)

    def test_a_disk_that_cannot_be_read(self):
        self.commit(publishes=messages(1, range(3), headers="x" * 60_000))
        self.again()
        self.disk.failing = {"read": apsw.IOError}
        self.failureOf(self.store.read(0, 1 << 62, 9, 1 << 40), StoreUnavailable)
        self.disk.failing = {}
        self.assertEqual(len(self.page().messages), 3)

    def test_a_disk_that_fails_while_closing_keeps_what_was_committed(self):
        self.commit(publishes=messages(1, range(3)))
        self.disk.failing = {"write": apsw.FullError}
        self.assertIsNone(self.wait(self.store.close()))
        self.disk.failing = {}
        self.again()
        self.assertEqual(self.page().messages, messages(1, range(3)))

    def test_a_bug_is_told_from_a_broken_disk_and_kills_no_thread(self):
        self.commit(publishes=messages(1, [0]))
        error = self.failureOf(self.store.commit(Commit(publishes=messages(1, [0]))), MisuseError)
        self.assertIsInstance(error.__cause__, apsw.ConstraintError)
        error = self.failureOf(self.store.commit(Commit(publishes=messages("one", []) or [(1,)])), MisuseError)
        self.commit(publishes=messages(1, [1]))
        self.assertEqual(len(self.page().messages), 2)

    def test_every_commit_is_synced(self):
        for topic, (synchronous, expected) in enumerate((("full", 5), ("normal", 0))):
            self.wait(self.store.close())
            self.store = self.make(self.path, synchronous=synchronous)
            self.store.open(NOW)
            self.commit(publishes=messages(topic, [9]))  # the first one in a log syncs that log's header as well
            before = self.disk.counts["sync"]
            for offset in range(5):
                self.commit(publishes=messages(topic, [offset]))
            self.assertEqual(self.disk.counts["sync"] - before, expected)


class FoldTests(BrokenDiskHarness, Harness, SynchronousTestCase):
    """Folding the log into the file."""

    def reopen(self):
        """With a log that is folded at 64 KiB."""
        self.wait(self.store.close())
        self.store = self.make(self.path, checkpoint_bytes=1 << 16)
        self.store.open(NOW)

    def fill(self, first, count):
        """So many commits of 100 KB."""
        for offset in range(first, first + count):
            self.commit(publishes=messages(1, [offset], headers="x" * 100_000))
            self.wait(self.store._checkpoints._folding.call(lambda: None))

    def test_the_log_begins_anew_while_commits_go_on(self):
        for little in (checkpoint.LITTLE, -1):
            self.patch(checkpoint, "LITTLE", little)
            self.reopen()
            first = len(self.page().messages)
            folded = self.path.stat().st_size
            self.fill(first, 100)
            self.assertGreater(self.path.stat().st_size, folded + 5_000_000)
            self.assertLess(self.path.with_name("store.db-wal").stat().st_size, 2_000_000)

    def test_a_log_that_can_not_be_folded_is_folded_later(self):
        self.reopen()
        folded = self.path.stat().st_size
        self.disk.failing = {"fold": apsw.IOError}
        self.fill(0, 10)
        self.assertEqual(self.path.stat().st_size, folded)
        self.disk.failing = {}
        self.fill(10, 20)
        self.assertGreater(self.path.stat().st_size, folded + 1_000_000)
        self.again()
        self.assertEqual(len(self.page().messages), 30)

    def test_a_log_that_somebody_looks_at_is_folded_later(self):
        self.reopen()
        shell = self.disk.connect(str(self.path), apsw.SQLITE_OPEN_READONLY)
        self.addCleanup(shell.close)
        self.fill(0, 2)
        shell.execute("begin; select count(*) from message").fetchall()
        self.fill(2, 30)
        grown = self.path.with_name("store.db-wal").stat().st_size
        shell.execute("commit")
        self.fill(32, 60)
        self.assertLess(self.path.with_name("store.db-wal").stat().st_size, 2 * grown + 1_000_000)

    def test_a_log_that_grew_while_somebody_looked_is_cut_back(self):
        self.patch(opening, "LOG_LIMIT", 500_000)
        self.reopen()
        shell = self.disk.connect(str(self.path), apsw.SQLITE_OPEN_READONLY)
        self.addCleanup(shell.close)
        shell.execute("begin; select count(*) from message").fetchall()
        self.fill(0, 30)
        self.assertGreater(self.path.with_name("store.db-wal").stat().st_size, 3_000_000)
        shell.execute("commit")
        self.fill(30, 60)
        self.assertLess(self.path.with_name("store.db-wal").stat().st_size, 600_000)

    def test_reads_and_commits_go_on_while_the_log_is_folded(self):
        self.patch(pump, "PATIENCE", 10)
        self.reopen()
        self.addCleanup(self.disk.folding.set)
        self.disk.folding.clear()
        before = self.disk.counts["fold"]
        for offset in range(9):
            self.commit(publishes=messages(1, [offset], headers="x" * 100_000))
            self.assertEqual(len(self.page().messages), offset + 1)
        self.assertEqual(self.disk.counts["fold"], before)

    def test_a_fold_that_closing_meets_ends_without_a_word(self):
        for after in (0, 1, 5):
            self.reopen()
            warnings = []
            self.patch(self.store._checkpoints, "_log", Logger(observer=warnings.append))
            self.patch(checkpoint, "LITTLE", -1)  # all passes
            self.disk.folding.clear()
            self.commit(publishes=messages(after, range(9), headers="x" * 100_000))
            for _ in range(after):
                self.page(0, 1)
            closed = self.store.close()
            self.disk.folding.set()
            self.wait(closed)
            self.assertEqual(warnings, [])
            self.assertEqual([file.name for file in self.path.parent.iterdir()], ["store.db"])


class DamageTests(SQLiteHarness, Harness, SynchronousTestCase):
    """Bytes that are not what was written."""

    def spoil(self, at, count=4096):
        """Overwrite part of the closed file."""
        self.wait(self.store.close())
        with self.path.open("r+b") as file:
            file.seek(at)
            file.write(b"\x5a" * count)
        return self.path.read_bytes()

    def refused(self, pattern):
        """Open; it must be refused, and nothing changed."""
        before = self.path.read_bytes()
        self.store = self.make(self.path)
        with self.assertRaisesRegex(StoreRefused, pattern):
            self.store.open(NOW)
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual([file.name for file in self.path.parent.iterdir()], ["store.db"])

    def test_a_damaged_header_or_schema_is_refused(self):
        self.commit(topics=[TopicRow(1, "a")], publishes=messages(1, range(3)))
        self.spoil(100, 60)
        self.refused("damaged .*recoveryStrategy")

    def test_a_damaged_page_size_is_refused(self):
        self.spoil(16, 2)
        self.refused("damaged")

    def test_every_page_of_a_new_store_matters(self):
        self.wait(self.store.close())
        good = self.path.read_bytes()
        for at in range(0, len(good), 4096):
            self.path.write_bytes(good)
            self.store = self.make(self.path)
            with self.path.open("r+b") as file:
                file.seek(at + (100 if at == 0 else 0))
                file.write(b"\x5a" * 2000)
            try:
                self.store.open(NOW)
            except StoreRefused:
                continue
            try:
                self.commit(topics=[TopicRow(1, "a")], publishes=messages(1, [0], due=1))
                self.search()
            except StoreUnavailable:
                pass
            self.wait(self.store.close())

    def test_a_file_that_was_cut_off_is_refused(self):
        self.commit(publishes=messages(1, range(300), headers="x" * 1000))
        self.wait(self.store.close())
        data = self.path.read_bytes()
        for size, pattern in ((len(data) // 2, "shorter"), (50, "cut off")):
            self.path.write_bytes(data[:size])
            self.refused(pattern)

    def test_rows_that_make_no_sense_are_damage(self):
        self.commit(topics=[TopicRow(1, "a")], publishes=messages(1, [0], headers="x" * 100))
        self.wait(self.store.close())
        data = self.path.read_bytes()
        self.assertEqual(data.count(b"x" * 100), 1)
        self.path.write_bytes(data.replace(b"x" * 100, b"\xff" * 100))
        self.store = self.make(self.path)
        self.store.open(NOW)
        with self.assertRaisesRegex(StoreUnavailable, "is damaged"):
            self.page()

    def test_damaged_bodies_fail_the_reads_that_meet_them(self):
        self.commit(topics=[TopicRow(1, "a")], publishes=messages(1, range(1000), headers="x" * 1000))
        size = self.path.stat().st_size
        self.wait(self.store.close())
        size = self.path.stat().st_size
        self.spoil(size // 2 // 4096 * 4096, 8192)
        self.store = self.make(self.path)
        self.store.open(NOW)
        remedy = "is damaged .CorruptError: .* stop the node, then restore it from a backup, or .* recoveryStrategy 0"
        with self.assertRaisesRegex(StoreUnavailable, f"{self.path} {remedy}"):
            self.page()
        self.assertEqual(self.page(make_id(1, 0), make_id(1, 3)).messages, messages(1, range(3), headers="x" * 1000))
        self.commit(publishes=messages(2, [0]))
        self.assertEqual(self.page(make_id(2, 0)).messages, messages(2, [0]))
