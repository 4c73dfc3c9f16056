"""Stores and files of the original, beside a broker in a process of its own."""

import json
import subprocess
import time
from pathlib import Path

from kapokmq.cli.exits import NO, UNUSABLE, USAGE
from tests.cli.live import Live
from tests.cli.servers import nobody
from tests.integration.broker import VECTORS, start, until


class StoreTests(Live):
    def test_backup_and_restore(self):
        db, copy = self.place / "data" / "kapokmq.db", self.place / "copy.db"
        self.run_it("groups", "create", "t", "g", "--start", "all")
        (first,) = self.rows("pub", "t", "before", "--codes")[:1]
        load = self.begin("pub", "t", "load", "--repeat", "1000000", stdout=subprocess.DEVNULL)
        until(lambda: self.group()["lag"] > 1000, "load")
        (told,) = self.rows("store", "backup", copy, "--from", db)
        self.assertIsNone(load.poll())
        load.kill()
        self.assertGreater(told["messages"], 1000)
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.rows("store", "check", copy)[0]["messages"], told["messages"])
        self.run_it("store", "check", db)
        self.assertIn("is there already", self.run_it("store", "backup", copy, "--from", db, ends=UNUSABLE).stderr)
        self.assertIn("in use", self.run_it("store", "restore", copy, "--to", db, "-y", ends=UNUSABLE).stderr)
        self.assertIn("--yes", self.run_it("store", "restore", copy, "--to", db, ends=USAGE).stderr)
        self.run_it("topics", "delete", "t", "-y")
        self.broker.kill()  # which leaves a log, and a lock that nobody holds
        (restored,) = self.rows("store", "restore", copy, "--to", db, "-y")
        self.assertTrue(Path(restored["aside"]).exists())
        self.assertEqual([one.name for one in db.parent.iterdir() if "part" in one.name], [])
        self.broker = start(self, self.place)
        self.assertEqual(self.rows("sub", "t", "-g", "g", "-c", "1")[0]["code"], first["code"])
        (after,) = self.rows("pub", "t", "after", "--codes")[:1]
        self.assertGreater(int(after["code"][16:24], 16), 65_536)

    def test_what_is_no_store_is_left_alone(self):
        other = self.place / "other.db"
        other.write_bytes(b"mine")
        self.run_it("store", "check", other, ends=UNUSABLE)
        self.run_it("store", "restore", other, "--to", self.place / "new.db", ends=UNUSABLE)
        self.run_it("store", "backup", self.place / "x.db", "--from", other, ends=UNUSABLE)
        self.run_it("store", "backup", self.place / "x.db", "--from", self.place / "none.db", ends=UNUSABLE)
        copy = self.place / "copy.db"
        self.run_it("store", "backup", copy, "--from", self.place / "data" / "kapokmq.db")
        self.assertIn(
            "no KapokMQ store", self.run_it("store", "restore", copy, "--to", other, "-y", ends=UNUSABLE).stderr
        )
        self.assertEqual(other.read_bytes(), b"mine")
        self.assertFalse((self.place / "x.db").exists() or (self.place / "new.db").exists())
        self.run_it("store", "restore", copy, "--to", self.place / "new" / "new.db")
        self.run_it("store", "check", self.place / "new" / "new.db")


class ImportTests(Live):
    FILES = (VECTORS / "original-head-MQDATA", VECTORS / "original-head-WAL.log")

    def test_an_original_is_brought_over_once(self):
        files = self.FILES
        (dry,) = self.rows("import", *files, "--dry-run", KAPOK_SERVER=f"127.0.0.1:{nobody()}")
        self.assertEqual((dry["waiting"], dry["delayed"], dry["consumed"], dry["topics"]), self.counts())
        self.run_it("groups", "create", "t", "g", "--start", "all")
        self.assertEqual(self.rows("import", *files)[1], {"stored": 4, "duplicates": 0, "refused": 0})
        self.assertEqual(self.rows("import", *files)[1], {"stored": 0, "duplicates": 4, "refused": 0})
        found = {row["key"]: row for row in self.rows("messages", "search", "-t", "t")}
        row = found["fbaf1a26b920d6f42b4931ecb8c0758d"]
        self.assertEqual(row["data"], '<a&b> é中 "q" \n')
        self.assertEqual(row["headers"], {"originalCode": row["key"], "originalCreateTime": "1795223090"})
        self.assertEqual(found["3bfb7cb8e262f7cf421edc781e7b5578"]["data"], "later")

    def test_a_delayed_message_keeps_its_time(self):
        now = int(time.time())
        row = {
            "MessageCode": "a" * 32,
            "MessageData": "x",
            "Topic": "t",
            "CreateTime": now,
            "DelayTime": 3600,
            "Status": 0,
        }
        (self.place / "WAL.log").write_text(json.dumps(row) + "\n")
        self.run_it("import", self.place / "WAL.log")
        self.assertEqual([row["dueTime"] for row in self.rows("schedule", "ls")], [now + 3600])

    def counts(self):
        """What the files have; the delayed one may be due by now."""
        is_due = time.time() > 1795223090 + 3600
        return 3 + is_due, 1 - is_due, 1, {"t": 4}

    def test_what_can_not_be_taken_over_is_named(self):
        log = self.place / "WAL.log"
        rows = [
            {"MessageCode": name * 32, "MessageData": data, "Topic": topic, "CreateTime": 5, "Status": -1}
            for name, data, topic in (
                ("a", "one", "t"),
                ("b", "x" * (2 << 20), "t"),
                ("c", "three", "t"),
                ("d", "four", "t.*"),
                ("e", "five", "u"),
            )
        ]
        log.write_text("".join(json.dumps(row) + "\n" for row in rows))
        result = self.run_it("import", log, "--topic", "t", "--topic", "t.*", ends=NO)
        self.assertIn(f"{'b' * 32}: tooBig", result.stderr)
        self.assertIn(f"{'d' * 32}: topic", result.stderr)
        self.assertEqual({row["data"] for row in self.rows("messages", "search")}, {"one", "three"})
        (self.place / "MQDATA").write_bytes(b"\xff\xff")
        self.assertIn("--skip-damaged", self.run_it("import", self.place / "MQDATA", log, ends=UNUSABLE).stderr)
        result = self.run_it("import", self.place / "MQDATA", log, "--skip-damaged", "--topic", "u", ends=NO)
        self.assertIn("files are damaged", result.stderr)
        self.assertEqual(len(self.rows("messages", "search", "-t", "u")), 1)
        self.run_it("import", self.place / "none", ends=UNUSABLE)
