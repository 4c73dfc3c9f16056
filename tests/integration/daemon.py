"""twistd in its daemon form: it forks, so only its pid file says who it is."""

import os
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.integration.broker import PATIENCE, TWISTD, environment, until
from tests.integration.http import Api

_SERVES = re.compile(r"serves http://[^/]*:(\d+)/")


class Daemon:
    """`twistd --pidfile log/kapokmq.pid --logfile log/kapokmq.log kapokmq --config config/kapokmq.yaml` in a folder."""

    def __init__(self, case, place, **settings):
        self.folder = place
        self.pid_file = place / "log" / "kapokmq.pid"
        self.log = place / "log" / "kapokmq.log"
        case.addCleanup(self._end)
        arguments = ["--pidfile", "log/kapokmq.pid", "--logfile", "log/kapokmq.log"]
        config = ["--config", "config/kapokmq.yaml"]
        self.parent = subprocess.run(
            [*TWISTD, *arguments, "kapokmq", *config],
            cwd=place,
            env=environment(settings),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @property
    def pid(self):
        """What the pid file says, None without one."""
        return int(self.pid_file.read_text()) if self.pid_file.exists() else None

    @property
    def runs(self):
        """Whether it lives."""
        pid = self.pid
        return pid is not None and _folder_of(pid) == self.folder.resolve()

    def started(self):
        """Wait until it serves. Gives itself."""
        if self.parent.returncode != 0:
            raise AssertionError(f"the daemon did not start: {self.parent.stderr}")
        self.port = int(until(lambda: self.log.exists() and _SERVES.search(self.log.read_text()), "start")[1])
        self.api = Api(self.port)
        until(lambda: self.api.get("/healthz").status == 200, "answer")
        return self

    def signal(self):
        """Send it SIGTERM."""
        self._ending = self.pid
        os.kill(self._ending, signal.SIGTERM)

    def gone(self):
        """Wait until it is gone."""
        until(lambda: _folder_of(self._ending) is None, "end")

    def _end(self):
        if self.runs:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _folder_of(pid):
    """Where a process works, None where there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cwd").readlink()
    return None
