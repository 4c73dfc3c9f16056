"""Setting a store aside, and the lock that keeps it from being set aside in use."""

import errno
import fcntl
from pathlib import Path

import apsw
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import StoreRefused
from kapokmq.storage import aside
from kapokmq.storage.lock import FileLock
from kapokmq.storage.sqlite import set_aside
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

    def test_a_file_system_without_locks(self):
        def flock(descriptor, operation):
            raise OSError(errno.ENOLCK, "No locks available")

        self.patch(fcntl, "flock", flock)
        with self.assertRaisesRegex(OSError, "No locks available"):
            self.lock.take()
