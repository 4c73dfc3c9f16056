"""Setting a store aside, and the lock that keeps it from being set aside in use."""

import errno
import fcntl
import os
from pathlib import Path

import apsw
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import StoreRefused
from kapokmq.storage import aside
from kapokmq.storage.aside import set_aside
from kapokmq.storage.lock import FileLock
from tests.storage.contract import NOW, Harness, messages
from tests.storage.test_sqlite import SQLiteHarness


class SetAsideTests(SQLiteHarness, Harness, SynchronousTestCase):
    """Nothing is lost, nothing overwritten."""

    def names(self):
        """The files beside the store."""
        return sorted(file.name for file in self.path.parent.iterdir())

    def test_nothing_to_set_aside(self):
        self.assertIsNone(set_aside(str(self.path.with_name("none.db")), "s"))
        self.assertIsNone(set_aside("/nowhere/at/all.db", "s"))

    def test_a_store_in_use_stays(self):
        with self.assertRaisesRegex(StoreRefused, "in use"):
            set_aside(str(self.path), "s")
        self.assertEqual(self.names(), ["store.db", "store.db-shm", "store.db-wal", "store.db.lock"])

    def test_a_store_that_was_closed(self):
        self.commit(publishes=messages(1, range(3)))
        self.wait(self.store.close())
        self.assertEqual(set_aside(str(self.path), "s"), f"{self.path.resolve()}.s")
        self.assertEqual(self.names(), ["store.db.s"])
        self.path = self.path.with_name("store.db.s")
        self.again()
        self.assertEqual(self.page().messages, messages(1, range(3)))

    def test_a_store_that_was_not_closed_takes_its_log_along(self):
        self.commit(publishes=messages(1, range(3)))
        crashed = self.path.with_name("crashed.db")
        for part in ("", "-wal", "-shm"):
            Path(f"{crashed}{part}").write_bytes(Path(f"{self.path}{part}").read_bytes())
        self.wait(self.store.close())
        self.assertEqual(set_aside(str(crashed), "s"), f"{crashed.resolve()}.s")
        self.assertEqual(self.names(), ["crashed.db.s", "crashed.db.s-shm", "crashed.db.s-wal", "store.db"])
        self.path = self.path.with_name("crashed.db.s")
        self.again()
        self.assertEqual(self.page().messages, messages(1, range(3)))

    def test_names_that_are_taken(self):
        self.wait(self.store.close())
        self.path.with_name("store.db.s").write_text("kept")
        self.path.with_name("store.db.s.2-wal").write_text("kept too")
        self.assertEqual(set_aside(str(self.path), "s"), f"{self.path.resolve()}.s.3")
        self.assertEqual(self.path.with_name("store.db.s").read_text(), "kept")
        self.assertEqual(self.path.with_name("store.db.s.2-wal").read_text(), "kept too")

    def test_anything_but_a_directory(self):
        self.path.with_name("MQDATA").write_text("theirs")
        self.assertEqual(Path(set_aside(str(self.path.with_name("MQDATA")), "s")).read_text(), "theirs")
        with self.assertRaisesRegex(StoreRefused, "is a directory"):
            set_aside(str(self.path.parent), "s")

    def test_files_of_others_stay(self):
        beside = self.path.parent
        (beside / "notes.txt").write_text("theirs")
        with apsw.Connection(str(beside / "other.db")) as other:
            other.execute("create table theirs(x)")
        other.close()
        begun = apsw.Connection(str(beside / "begun.db"))
        self.addCleanup(begun.close)
        begun.execute("pragma journal_mode = wal; create table theirs(x)").fetchall()
        (beside / "uv").touch()
        (beside / "uv.lock").write_text("theirs")
        names = self.names()
        for name, pattern in (
            ("notes.txt", "is no KapokMQ store: move it away"),
            ("other.db", "is an SQLite database, but no KapokMQ store"),
            ("begun.db", "is an SQLite database, but no KapokMQ store"),
            ("uv", "uv.lock is in the way"),
        ):
            with self.assertRaisesRegex(StoreRefused, pattern):
                set_aside(str(beside / name), "s")
            self.assertEqual(self.names(), names)

    def test_a_damaged_store(self):
        self.wait(self.store.close())
        good = self.path.read_bytes()
        for stamp, data in enumerate((good[:50], good[:5000], good[:200] + b"\x5a" * 9000, b"")):
            self.path.write_bytes(data)
            aside = set_aside(str(self.path), str(stamp))
            self.assertEqual(Path(aside).read_bytes(), data)

    def test_a_store_whose_making_was_broken_off_takes_its_journal_along(self):
        self.wait(self.store.close())
        self.path.with_name("store.db-journal").write_bytes(b"what to undo")
        set_aside(str(self.path), "s")
        self.assertEqual(self.names(), ["store.db.s", "store.db.s-journal"])

    def test_a_directory_that_does_not_allow_it(self):
        self.wait(self.store.close())

        def sync_directory(path):
            raise PermissionError(13, "Permission denied")

        self.patch(aside, "sync_directory", sync_directory)
        with self.assertRaisesRegex(StoreRefused, r"can't be set aside \(Permission denied\)"):
            set_aside(str(self.path), "s")
        self.assertIsInstance(apsw.Connection(f"{self.path}.s"), apsw.Connection)
        self.assertEqual(self.make(self.path).open(NOW).epoch, 1)


class LockTests(SynchronousTestCase):
    """The lock beside the store."""

    def setUp(self):
        self.path = Path(self.mktemp()) / "store.db"
        self.path.parent.mkdir()
        self.lock = FileLock(self.path)

    def test_a_lock_whose_file_vanishes_is_taken_again(self):
        took = []

        def flock(descriptor, operation):
            if not took:
                (self.path.parent / "store.db.lock").unlink()
            elif len(took) == 1:
                (self.path.parent / "store.db.lock").unlink()
                (self.path.parent / "store.db.lock").touch()
            took.append(descriptor)
            flocked(descriptor, operation)

        flocked = fcntl.flock
        self.patch(fcntl, "flock", flock)
        self.lock.take()
        self.assertEqual(len(took), 3)
        with self.assertRaises(StoreRefused):
            FileLock(self.path).take()
        self.lock.release()
        self.lock.release()
        self.assertEqual(list(self.path.parent.iterdir()), [])

    def test_files_of_others_are_neither_taken_nor_changed(self):
        victim, beside = self.path.parent / "victim", self.path.parent / "store.db.lock"
        for content in ("theirs", "77", "12345678901234567890\n", "77\n\n", " 77\n", "\n", "77\nmore"):
            beside.write_text(content)
            with self.assertRaisesRegex(StoreRefused, r"store.db.lock is in the way: .*; move it away, or name"):
                self.lock.take()
            self.lock.release()
            self.assertEqual(beside.read_text(), content)
        beside.unlink()
        for content in (None, "", "77\n"):
            if content is not None:
                victim.write_text(content)
            beside.symlink_to("victim")
            with self.assertRaisesRegex(StoreRefused, "is in the way"):
                self.lock.take()
            self.assertTrue(beside.is_symlink())
            self.assertEqual(victim.read_text() if victim.exists() else None, content)
            beside.unlink()
        for make in (Path.mkdir, os.mkfifo):
            make(beside)
            with self.assertRaisesRegex(StoreRefused, "is in the way"):
                self.lock.take()
            (beside.rmdir if beside.is_dir() else beside.unlink)()

    def test_what_a_killed_process_left_is_taken(self):
        for content in ("", "1\n", "1234567890123456789\n"):
            (self.path.parent / "store.db.lock").write_text(content)
            self.lock.take()
            self.assertEqual((self.path.parent / "store.db.lock").read_text(), f"{os.getpid()}\n")
            self.lock.release()
            self.assertEqual(list(self.path.parent.iterdir()), [])

    def test_what_somebody_put_in_its_place_stays(self):
        beside = self.path.parent / "store.db.lock"
        for put in (lambda: beside.with_name("new").rename(beside), lambda: beside.write_text("theirs")):
            beside.with_name("new").write_text("theirs")
            self.lock.take()
            put()
            self.lock.release()
            self.assertEqual(beside.read_text(), "theirs")
            beside.unlink()

    def test_a_file_system_without_locks(self):
        def flock(descriptor, operation):
            raise OSError(errno.ENOLCK, "No locks available")

        self.patch(fcntl, "flock", flock)
        with self.assertRaisesRegex(OSError, "No locks available"):
            self.lock.take()
