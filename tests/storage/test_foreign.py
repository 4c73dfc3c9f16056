"""Files that are not ours, places that can't be written to, and stores that somebody else has."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import apsw.ext
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import MisuseError, StoreRefused, StoreUnavailable
from kapokmq.storage import opening
from kapokmq.storage.aside import set_aside
from kapokmq.storage.foreign import APPLICATION_ID
from tests.storage.contract import NOW, Harness, messages
from tests.storage.test_sqlite import SQLiteHarness

VECTORS = Path(__file__).parent.parent / "vectors"
HOLDER = """
import os, sys
from tests.storage.contract import entropy
from kapokmq.storage.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1], entropy=entropy, callback=print)
store.open(0)
print(os.getpid(), flush=True)
sys.stdin.read()
"""


class RefusalTests(SQLiteHarness, Harness, SynchronousTestCase):
    """What is never opened as ours."""

    def refused(self, path, pattern, **options):
        """Open a path; it must be refused for this reason, and its directory stay as it is."""
        there = self.contents(path.parent)
        store = self.make(path, **options)
        with self.assertRaisesRegex(StoreRefused, pattern) as caught:
            store.open(NOW)
        self.assertIn(path.name, str(caught.exception))
        self.assertEqual(self.contents(path.parent), there)

    def contents(self, directory):
        """The files of a directory, byte for byte."""
        if not directory.is_dir() or not str(directory.resolve()).startswith(str(Path.cwd())):
            return None
        return {file.name: file.read_bytes() if file.is_file() else None for file in directory.iterdir()}

    def write(self, name, data):
        """A file in a directory of its own."""
        path = Path(self.mktemp()) / name
        path.parent.mkdir()
        path.write_bytes(data)
        return path

    def test_files_of_the_original(self):
        for vector in ("original-head-MQDATA", "original-v001-MQDATA", "original-head-WAL.log"):
            data = (VECTORS / vector).read_bytes()
            for name in ("store.db", "MQDATA", "WAL.log"):
                path = self.write(name, data)
                self.refused(path, rf"original KapokMQ .* `kapokmq import {path.resolve()}`")

    def test_empty_files_of_the_original(self):
        self.refused(self.write("anything", bytes.fromhex("050a00027b7d")), "original KapokMQ")
        self.refused(self.write("WAL.log", b""), "original KapokMQ")
        self.refused(self.write("MQDATA", b""), "original KapokMQ")

    def test_things_that_are_no_database(self):
        for data in (b"hello", b"\x00" * 4096, b'{"other": 1}', os.urandom(1) * 7):
            self.refused(self.write("store.db", data), "is no KapokMQ store: move it away")

    def test_databases_of_others(self):
        path = self.write("store.db", b"")
        with apsw.Connection(str(path)) as other:
            other.execute("create table theirs(x)")
        other.close()
        self.refused(path, "is an SQLite database, but no KapokMQ store")

    def test_a_database_of_others_whose_making_is_in_its_log(self):
        path = self.write("store.db", b"")
        other = apsw.Connection(str(path))
        self.addCleanup(other.close)
        other.execute("pragma journal_mode = wal")
        other.execute("create table theirs(x)")
        store = self.make(path)
        with self.assertRaisesRegex(StoreRefused, "no KapokMQ store"):
            store.open(NOW)
        self.assertEqual(other.execute("select count(*) from theirs").fetchall(), [(0,)])

    def test_a_database_of_others_in_the_middle_of_a_change(self):
        # What SQLite would roll back as soon as it opens it.
        living = self.write("living.db", b"")
        other = apsw.Connection(str(living))
        self.addCleanup(other.close)
        other.execute("create table theirs(x)")
        other.execute("insert into theirs select zeroblob(3000) from json_each(?)", (str([*range(99)]),))
        other.execute("pragma cache_size = 1; begin; update theirs set x = zeroblob(2999)")
        for name in ("store.db", "MQDATA"):
            path = self.write(name, living.read_bytes())
            journal = living.with_name("living.db-journal").read_bytes()
            self.assertEqual(journal[:8].hex(), "d9d505f920a163d7")
            path.with_name(f"{name}-journal").write_bytes(journal)
            self.refused(path, "is an SQLite database, but no KapokMQ store")

    def test_what_lies_beside_a_file_of_others_stays(self):
        for lock in (b"", b"77\n", b"theirs"):
            path = self.write("uv", b"hello")
            path.with_name("uv.lock").write_bytes(lock)
            self.refused(path, "is no KapokMQ store")

    def test_a_lock_of_others(self):
        for data in (b"", self.path.read_bytes()):
            path = self.write("uv", data)
            path.with_name("uv.lock").write_bytes(b"version = 1\n")
            self.refused(path, "uv.lock is in the way: .* move it away, or name another persistentFile")
            path.with_name("uv.lock").unlink()
            path.with_name("uv.lock").symlink_to(self.write("victim", b"77\n").resolve())
            self.refused(path, "uv.lock is in the way")

    def test_a_pipe(self):
        path = self.write("other", b"").with_name("pipe.db")
        os.mkfifo(path)
        self.refused(path, "is a device or a pipe")

    def test_an_empty_file_becomes_a_store(self):
        path = self.write("store.db", b"")
        self.assertEqual(self.make(path).open(NOW).epoch, 1)

    def test_an_empty_database_becomes_a_store(self):
        path = self.write("store.db", b"")
        connection = apsw.Connection(str(path))
        connection.execute("pragma journal_mode = wal; vacuum")
        connection.close()
        self.assertEqual(self.make(path).open(NOW).epoch, 1)

    def test_a_newer_store(self):
        self.wait(self.store.close())
        connection = apsw.Connection(str(self.path))
        connection.execute("pragma journal_mode = delete; pragma user_version = 3").fetchall()
        connection.close()
        self.refused(self.path, r"newer KapokMQ \(format 3, this one knows up to 2\): upgrade")

    def test_a_newer_store_whose_version_is_in_its_log(self):
        self.wait(self.store.close())
        connection = apsw.Connection(str(self.path))
        self.addCleanup(connection.close)
        connection.execute("pragma user_version = 3")
        file, log = (self.path.with_name(self.path.name + part) for part in ("", "-wal"))
        before = file.read_bytes(), log.read_bytes()
        with self.assertRaisesRegex(StoreRefused, "newer KapokMQ"):
            self.make(self.path).open(NOW)
        self.assertEqual((file.read_bytes(), log.read_bytes()), before)

    def test_places_that_hold_no_file(self):
        directory = Path(self.mktemp())
        directory.mkdir()
        self.refused(directory, "is a directory")
        self.refused(self.path / "below" / "store.db", r"can't be opened \(Not a directory\)")
        self.refused(Path("/proc/none/store.db"), "can't be opened .*make it and its directory writable")
        with self.assertRaisesRegex(StoreRefused, "persistentFile can't be"):
            self.make("nul\0byte").open(NOW)

    def test_a_file_system_without_shared_memory(self):
        def connect(path, flags):
            return apsw.Connection(path, flags=flags, vfs="unix-none")

        self.refused(self.path.with_name("other.db"), "use a local disk", connect=connect)

    def test_an_old_sqlite(self):
        def connect(path, flags):
            connection = apsw.Connection(path, flags=flags)

            def jsonb_each(text):
                yield {"value": '["cut off", 9007199254740993]'}

            jsonb_each.columns = ("value",)
            jsonb_each.column_access = apsw.ext.VTColumnAccess.By_Name
            apsw.ext.make_virtual_module(connection, "jsonb_each", jsonb_each)
            return connection

        self.refused(self.path.with_name("other"), "is too old .*upgrade apsw", connect=connect)

    def test_an_ancient_sqlite(self):
        def connect(path, flags):
            connection = apsw.Connection(path, flags=flags)
            connection.drop_modules(())
            connection.execute("create table jsonb_each(x)")
            return connection

        self.refused(self.path.with_name("other"), "is too old", connect=connect)

    # ---- who else has it

    def test_a_store_is_opened_once(self):
        with self.assertRaises(MisuseError):
            self.store.open(NOW)
        self.refused(self.path, rf"in use by another process \({os.getpid()}\): stop that one")
        linked = self.path.with_name("link.db")
        linked.symlink_to(self.path.resolve())
        with self.assertRaisesRegex(StoreRefused, "in use"):
            self.make(linked).open(NOW)
        self.commit(publishes=messages(1, [0]))

    def test_another_process_has_it(self):
        self.wait(self.store.close())
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(VECTORS.parent.parent)},
        )
        self.addCleanup(holder.wait)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.stdin.close)
        pid = holder.stdout.readline().decode().strip()
        self.refused(self.path, rf"in use by another process \({pid}\)")
        with self.assertRaisesRegex(StoreRefused, "in use"):
            set_aside(str(self.path), "x")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        # Its lock ended with it, although the lock's file is still there.
        self.assertTrue(self.path.with_name("store.db.lock").exists())
        self.assertEqual(self.again().epoch, 3)

    def test_somebody_writes_with_a_shell(self):
        self.wait(self.store.close())
        shell = apsw.Connection(str(self.path))
        self.addCleanup(shell.close)
        shell.execute("begin immediate")
        self.patch(opening, "PATIENCE", 10)
        self.refused_busy()
        shell.execute("rollback")
        self.again()
        shell.execute("begin immediate")
        with self.assertRaisesRegex(StoreUnavailable, "BusyError"):
            self.commit(publishes=messages(1, [0]))
        shell.execute("rollback")
        self.commit(publishes=messages(1, [0]))
        shell.execute("begin")
        self.assertEqual(shell.execute("select count(*) from messages_readable").fetchall(), [(1,)])
        self.assertIsNone(self.wait(self.store.close()))

    def refused_busy(self):
        """Open a store that a shell has a transaction on."""
        with self.assertRaisesRegex(StoreRefused, "in use by another process: end whatever has it open"):
            self.make(self.path).open(NOW)

    def test_calls_before_it_is_open_and_after_it_is_closed(self):
        store = self.make(self.path)
        with self.assertRaises(MisuseError):
            self.wait(store.find(1, NOW))
        self.assertIsNone(self.wait(store.close()))
        with self.assertRaisesRegex(StoreUnavailable, "closed"):
            self.wait(store.find(1, NOW))
        with self.assertRaises(MisuseError):
            store.open(NOW)

    def test_the_application_id_is_the_one_of_the_header(self):
        self.wait(self.store.close())
        head = self.path.read_bytes()[:100]
        self.assertEqual(int.from_bytes(head[68:72], "big"), APPLICATION_ID)
        self.assertEqual(APPLICATION_ID.to_bytes(4, "big"), b"KAPQ")

    def test_only_this_user_may_read(self):
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.path.parent.stat().st_mode & 0o777, 0o700)
        self.commit(publishes=messages(1, [0]))
        log = self.path.with_name("store.db-wal")
        self.assertEqual(log.stat().st_mode & 0o777, 0o600)
        self.wait(self.store.close())
        self.assertEqual([file.name for file in self.path.parent.iterdir()], ["store.db"])
