"""A store that can't be used: one line that names file and remedy, exit code 1, and the file as it was."""

import shutil
import sqlite3
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import VECTORS, BrokerProcess, folder, start, until
from tests.integration.daemon import Daemon
from tests.integration.wire import Consumer, Producer


def contents(place):
    """Every file below, with its bytes."""
    return {str(file.relative_to(place)): file.read_bytes() for file in place.rglob("*") if file.is_file()}


class RefusedStoreTests(SynchronousTestCase):
    def store(self):
        """A folder with a good store of three messages."""
        place = folder(self)
        broker = start(self, place)
        Producer(self, broker.port).publish("one", "two", "three")
        broker.kill()
        again = start(self, place)
        self.assertEqual(again.stop(), 0)  # folded into one file
        return place, place / "data" / "kapokmq.db"

    def refused(self, place, file, *remedy, **settings):
        """Both forms refuse it, and leave it alone."""
        before = contents(place / "data")
        broker = BrokerProcess(self, place, **settings)
        self.assertEqual(broker.ended(), 1)
        said = broker.err.read_text()
        self.assertEqual(said.count("\n"), 1, said)
        self.assertNotIn("Traceback", said)
        for word in (str(file), *remedy):
            self.assertIn(word, said)
        self.assertEqual(broker.out.read_text(), "")
        self.assertEqual(contents(place / "data"), before)
        shutil.rmtree(place / "log", ignore_errors=True)
        (place / "config").mkdir(exist_ok=True)
        (place / "config" / "kapokmq.yaml").write_text("server: {port: 0}\n")
        daemon = Daemon(self, place, **settings)
        self.assertEqual(daemon.parent.returncode, 1)
        self.assertIn("An error has occurred", daemon.parent.stderr)
        daily = (place / "log" / f"kapokmq-{time.strftime('%Y-%m-%d')}.log").read_text()
        for log in (daily, daemon.log.read_text()):
            self.assertIn(said.removeprefix("kapokmq: ").strip(), log)
        # The parent ends as soon as the child has told it why; the child takes its pid file away right after that.
        until(lambda: daemon.pid is None, "the end of the pid file")
        self.assertEqual(contents(place / "data"), before)

    def test_a_directory(self):
        place = folder(self)
        (place / "data" / "kapokmq.db").mkdir(parents=True)
        self.refused(place, "data/kapokmq.db", "is a directory", "must name a file")

    def test_no_store_at_all(self):
        place = folder(self)
        file = place / "data" / "kapokmq.db"
        file.parent.mkdir()
        file.write_bytes(b"dear diary\n" * 1000)
        self.refused(place, file, "no KapokMQ store", "move it away")

    def test_a_store_that_is_cut_off(self):
        place, file = self.store()
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        self.refused(place, file, "damaged", "restore it from a backup", "recoveryStrategy")

    def test_a_store_with_a_damaged_first_page(self):
        place, file = self.store()
        good = file.read_bytes()
        file.write_bytes(good[:100] + bytes(range(256)) * 12 + good[100 + 256 * 12 :])
        self.refused(place, file, "damaged", "restore it from a backup", "recoveryStrategy")

    def test_a_store_of_a_newer_version(self):
        place, file = self.store()
        with sqlite3.connect(file) as connection:
            connection.execute("pragma journal_mode = delete")
            connection.execute("pragma user_version = 99")
        connection.close()
        self.refused(place, file, "newer KapokMQ", "format 99", "upgrade KapokMQ")

    def test_an_sqlite_file_of_somebody_else(self):
        place = folder(self)
        file = place / "data" / "kapokmq.db"
        file.parent.mkdir()
        with sqlite3.connect(file) as connection:
            connection.execute("create table recipe (name)")
        connection.close()
        self.refused(place, file, "no KapokMQ store", "name another persistentFile")

    def test_the_originals_snapshots_and_log(self):
        for vector, name in (
            ("original-head-MQDATA", "MQDATA"),
            ("original-v001-MQDATA", "messages.dat"),
            ("original-head-WAL.log", "WAL.log"),
            ("original-head-WAL.log", "kapokmq.db"),
        ):
            place = folder(self)
            file = place / "data" / name
            file.parent.mkdir()
            shutil.copyfile(VECTORS / vector, file)
            self.refused(place, file, "original KapokMQ", f"kapokmq import {file}", MQ_PERSISTENTFILE=f"data/{name}")

    def test_a_store_in_use(self):
        place = folder(self)
        first = start(self, place)
        producer, consumer = Producer(self, first.port), Consumer(self, first.port)
        second = BrokerProcess(self, folder(self), MQ_PERSISTENTFILE=place / "data" / "kapokmq.db")
        self.assertEqual(second.ended(), 1)
        said = second.err.read_text()
        self.assertIn(f"kapokmq.db is in use by another process ({first.process.pid})", said)
        self.assertIn("a persistentFile of its own", said)
        self.assertEqual(said.count("\n"), 1)
        aside = BrokerProcess(
            self, folder(self), MQ_PERSISTENTFILE=place / "data" / "kapokmq.db", MQ_RECOVERYSTRATEGY=0
        )
        self.assertEqual(aside.ended(), 1)
        self.assertIn("in use by another process", aside.err.read_text())
        producer.publish("still here")
        self.assertEqual(consumer.bodies(1), ["still here"])
        first.kill()
        start(self, place)  # a lock that nobody holds is none

    def test_a_log_directory_that_can_not_be_made(self):
        place = folder(self)
        (place / "log").write_text("a file")
        broker = BrokerProcess(self, place)
        self.assertEqual(broker.ended(), 1)
        said = broker.err.read_text()
        self.assertIn("log.directory", said)
        self.assertEqual(said.count("\n"), 1)
        self.assertFalse((place / "data").exists())
