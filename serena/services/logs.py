"""One log file a day: `kapokmq-2026-11-21.log`, or what else the node is called, in the log directory, local dates.

A line is `2026-11-21T09:30:01+0000 [namespace#level] text`, as Twisted formats it, with a traceback below where there
is one. twistd's own log (`--logfile`, or the terminal with `-n`) goes on beside it.
Names and addresses of clients are in it, so that its owner alone may read it.
"""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TextIO

from twisted.logger import ILogObserver, LogEvent, LogLevel, eventAsText
from zope.interface import implementer

_OWNER_ENTERS = 0o700
_OWNER_READS = 0o600


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, _OWNER_READS)


@implementer(ILogObserver)
class DailyLog:
    """Appends each event but debugging ones to the file of its day. `today` gives the local time."""

    def __init__(
        self,
        directory: Path,
        today: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        name: str = "kapokmq",
    ) -> None:
        self._directory = directory
        self._name = name
        self._today = today
        self._day = ""
        self._file: TextIO | None = None

    def open(self) -> None:
        """Make the directory and today's file, for this user alone. Raises OSError."""
        self._directory.mkdir(_OWNER_ENTERS, parents=True, exist_ok=True)
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
        path = self._directory / f"{self._name}-{day}.log"
        opened = open(path, "a", encoding="utf-8", errors="backslashreplace", opener=_for_owner)  # noqa: SIM115
        if self._file is not None:
            self._file.close()
        self._file, self._day = opened, day
