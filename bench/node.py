"""A broker in a process of its own, with a folder of its own, on a free port of the loopback interface."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")


class BrokerProcess:
    """Starts on entering, stops on leaving. `settings` are environment overrides without their KAPOKMQ_ prefix."""

    def __init__(self, **settings):
        self.folder = Path(tempfile.mkdtemp(prefix="kapokmq-bench-"))
        self.settings = settings

    def __enter__(self):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("KAPOKMQ_")}
        environ |= {"PYTHONPATH": str(ROOT), "KAPOKMQ_SERVER_PORT": "0", "PYTHONUNBUFFERED": "1"}
        environ |= {f"KAPOKMQ_{name}": str(value) for name, value in self.settings.items()}
        command = [sys.executable, "-m", "twisted", "--log-level=error", "kapokmq"]
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        line = self.process.stdout.readline()
        found = re.search(r"://[^/]*:(\d+)/", line)
        if found is None:
            rest = self.process.stdout.read()
            raise RuntimeError(f"the broker did not start: {line}{rest}")
        self.port = int(found[1])
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu(self):
        """Seconds of processor time used so far, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss(self):
        """Bytes of memory in use."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Stopwatch:
    """Wall and processor time of a span, of the broker and of this process."""

    def __init__(self, broker):
        self._broker = broker
        self._start = time.perf_counter(), broker.cpu(), time.process_time()

    def read(self):
        """Seconds, and the two shares of a core."""
        wall, theirs, ours = self._start
        seconds = time.perf_counter() - wall
        return seconds, (self._broker.cpu() - theirs) / seconds, (time.process_time() - ours) / seconds
