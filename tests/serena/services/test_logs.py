"""A file a day."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twisted.logger import Logger, LogLevel, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from serena.services.logs import DailyLog


def event(text, level=LogLevel.info):
    return {"log_format": "{text}", "text": text, "log_level": level, "log_time": 0.0, "log_namespace": "test"}


class DailyLogTests(SynchronousTestCase):
    def setUp(self):
        self.folder = Path(self.mktemp()) / "log"
        self.now = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
        self.logs = DailyLog(self.folder, lambda: self.now)

    def read(self, day):
        return (self.folder / f"kapokmq-{day}.log").read_text(encoding="utf-8")

    def test_each_day_has_its_file(self):
        self.logs.open()
        self.logs(event("before midnight"))
        self.now += timedelta(minutes=2)
        self.logs(event("after midnight"))
        self.logs.close()
        self.assertIn("before midnight", self.read("2026-11-21"))
        self.assertNotIn("after", self.read("2026-11-21"))
        self.assertRegex(self.read("2026-11-22"), r"\[test#info\] after midnight\n$")

    def test_its_owner_alone_may_read_it(self):
        self.addCleanup(os.umask, os.umask(0))
        self.logs.open()
        self.logs.close()
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)
        self.assertEqual((self.folder / "kapokmq-2026-11-21.log").stat().st_mode & 0o777, 0o600)

    def test_a_restart_appends(self):
        for text in ("one", "two"):
            self.logs.open()
            self.logs(event(text))
            self.logs.close()
        self.assertEqual(self.read("2026-11-21").count("\n"), 2)

    def test_debugging_events_and_those_after_the_end_are_left_out(self):
        self.logs(event("too early"))
        self.logs.open()
        self.logs(event("noise", LogLevel.debug))
        self.logs.close()
        self.logs(event("too late"))
        self.assertEqual(self.read("2026-11-21"), "")

    def test_any_text_can_be_written(self):
        self.logs.open()
        self.logs(event("a lone surrogate: \ud800"))
        self.logs.close()
        self.assertIn("\\ud800", self.read("2026-11-21"))

    def test_a_full_disk_costs_lines_and_nothing_else(self):
        self.logs.open()
        self.logs._file.close()
        self.logs._file = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115, PTH123 -- closed by the log
        self.logs(event("lost"))
        self.now += timedelta(days=1)
        self.logs._file = None
        self.logs.open()
        self.logs(event("written again"))
        self.logs.close()
        self.assertIn("written again", self.read("2026-11-22"))

    def test_loggers_write_to_it(self):
        self.logs.open()
        Logger(namespace="kapokmq", observer=self.logs).info("hello {who}", who="you")
        self.logs.close()
        self.assertIn("hello you", self.read("2026-11-21"))
        self.assertEqual(formatEvent(event("x")), "x")
