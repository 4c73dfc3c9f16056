"""A broker in a process of its own, with a folder of its own, on a free port of the loopback interface."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
KEY = "bench"
START_SECONDS = 300.0
STOP_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SAMPLE = re.compile(r"^(\w+) (\S+)$", re.MULTILINE)
_DELAYS = re.compile(r'^kapokmq_loop_delay_seconds_bucket\{le="(\S+)"\} (\S+)$', re.MULTILINE)
_libc = ctypes.CDLL(None)


def die_with_parent():
    """Ask the kernel to end this process when the one that started it is gone, whatever became of it."""
    _libc.prctl(1, signal.SIGKILL)


class BrokerProcess:
    """Starts on entering, stops on leaving. `settings` are environment overrides without their KAPOKMQ_ prefix."""

    def __init__(self, **settings):
        self.settings = settings
        self.process = None

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="kapokmq-bench-"))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        """Start it in its folder, again perhaps, and wait until it says where it listens. Raises RuntimeError."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("KAPOKMQ_")}
        environ |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        environ |= {"KAPOKMQ_SERVER_PORT": "0", "KAPOKMQ_MQ_SECRETKEY": KEY}
        environ |= {f"KAPOKMQ_{name}": str(value) for name, value in self.settings.items()}
        command = [sys.executable, "-m", "twisted", "--log-level=error", "kapokmq"]
        self.output = self.folder / "output.txt"  # a file: nobody reads a pipe while the load runs
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we stop it then
                preexec_fn=die_with_parent,  # noqa: PLW1509 -- this process has one thread
            )
        deadline = time.monotonic() + START_SECONDS
        while (found := re.search(r"://[^/\s]*:(\d+)/", self.output.read_text(errors="replace"))) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the broker did not start: {self.output.read_text(errors='replace')}")
            time.sleep(0.005)
        self.port = int(found[1])

    def stop(self, with_signal=signal.SIGTERM):
        """End it, kindly at first; tell what it had to say. Gives the seconds that took."""
        if self.process is None:
            return 0.0
        begun = time.perf_counter()
        if (status := self.process.poll()) is not None:
            print(f"the broker had ended by itself, with {status}", file=sys.stderr)
        else:
            self.process.send_signal(with_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process = None
            said = self.output.read_text(errors="replace").split("\n", 1)[1:]
            if said and said[0].strip():
                print(f"the broker said: {said[0].strip()[-2000:]}", file=sys.stderr)
        return time.perf_counter() - begun

    def cpu(self):
        """Seconds of processor time used so far, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss(self):
        """Bytes of memory in use."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE

    def metrics(self):
        """The figures of /metrics that have no labels, by name."""
        return {name: float(value) for name, value in _SAMPLE.findall(self._exposition())}

    def delays(self):
        """How late the event loop was: the most of the last minute or two, and how often up to so many seconds."""
        text = self._exposition()
        longest = dict(_SAMPLE.findall(text)).get("kapokmq_loop_delay_seconds_max")
        counts = {float(edge): float(count) for edge, count in _DELAYS.findall(text)}
        return None if longest is None else float(longest), counts

    def _exposition(self):
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            return answer.read().decode()


class Span:
    """What a broker spent while something was measured: begins when it is made, ends with `end`."""

    def __init__(self, broker):
        self._broker = broker
        self._commits = broker.metrics().get("kapokmq_commit_seconds_count", 0.0)
        self._delays = broker.delays()[1]
        self.cpu_before = broker.cpu()
        self.begun = time.perf_counter()

    def end(self):
        """Note processor time, memory, commits and the longest pause of its event loop."""
        self.seconds = time.perf_counter() - self.begun
        self.cpu = (self._broker.cpu() - self.cpu_before) / self.seconds
        self.rss = self._broker.rss()
        metrics = self._broker.metrics()
        self.syncs = (metrics.get("kapokmq_commit_seconds_count", 0.0) - self._commits) / self.seconds
        self.pause = longest_since(self._delays, *self._broker.delays())
        return self


def longest_since(before, longest, after):
    """The longest delay since the counts of `before`, in seconds: `longest`, as far as these counts allow.

    That is of the last minute or two, which may be more or less than what was measured.
    """
    if longest is None:
        return None
    total = max(after.values()) - max(before.values(), default=0)
    low = 0.0
    for high in sorted(after):
        if after[high] - before.get(high, 0) >= total:
            return max(low, min(longest, high))
        low = high
    return longest


class Stopwatch:
    """Wall and processor time of a span, of a server and of this process. A server has `cpu()`."""

    def __init__(self, server):
        self._server = server
        self._start = time.perf_counter(), server.cpu(), time.process_time()

    def read(self):
        """Seconds, and the two shares of a core."""
        wall, theirs, ours = self._start
        seconds = time.perf_counter() - wall
        return seconds, (self._server.cpu() - theirs) / seconds, (time.process_time() - ours) / seconds
