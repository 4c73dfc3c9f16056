"""One log file a day: `kapokmq-2026-11-21.log` in the log directory, local dates.

A line is `2026-11-21T09:30:01+0000 [namespace#level] text`, as Twisted formats it, with a traceback below where there
is one. twistd's own log (`--logfile`, or the terminal with `-n`) goes on beside it.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TextIO

from twisted.logger import ILogObserver, LogEvent, LogLevel, eventAsText
from zope.interface import implementer


@implementer(ILogObserver)
class DailyLog:
    """Appends each event but debugging ones to the file of its day. `today` gives the local time."""

    def __init__(self, directory: Path, today: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
        self._directory = directory
        self._today = today
        self._day = ""
        self._file: TextIO | None = None

    def open(self) -> None:
        """Make the directory and today's file. Raises OSError."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._turn_to(self._today().date().isoformat())

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __call__(self, event: LogEvent) -> None:
        """Write one event. A full disk loses lines, and nothing else."""
        if self._file is None or event.get("log_level") is LogLevel.debug:
            return
        try:
            day = self._today().date().isoformat()
            if day != self._day:
                self._turn_to(day)
            self._file.write(eventAsText(event).rstrip("\n") + "\n")
            self._file.flush()
        except OSError:
            # To log it would come here again. twistd's own log has the event too.
            return

    def _turn_to(self, day: str) -> None:
        opened = (self._directory / f"kapokmq-{day}.log").open("a", encoding="utf-8", errors="backslashreplace")
        if self._file is not None:
            self._file.close()
        self._file, self._day = opened, day
