"""A server of somebody else: a process and a folder of its own, a free port of the loopback interface."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


def free_port():
    """A port of the loopback interface that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def find_program(name):
    """Path of an installed program, or None: Debian puts some where an ordinary user's PATH does not look."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


class PeerProcess:
    """Starts on entering, and listens then; stops on leaving, and its folder is gone then.

    `command(port, folder)` gives the command line and may write what it needs into the folder. `environ` is put over
    this process's environment; `stop` is the signal that ends it. Raises RuntimeError with the end of what it printed
    if it does not listen in time.
    """

    def __init__(self, command, environ=None, stop=signal.SIGTERM):
        self._command, self._environ, self._stop = command, environ or {}, stop

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="kapokmq-peer-"))
        self.port = free_port()
        self._log = self.folder / "printed.log"
        try:
            with self._log.open("wb") as log:
                self.process = subprocess.Popen(
                    self._command(self.port, self.folder),
                    cwd=self.folder,
                    env=os.environ | self._environ,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # what it starts itself is found by that
                )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        printed = self._log.read_text(errors="replace")[-1000:]
        raise RuntimeError(f"{self.process.args[0]} did not start: {printed}")

    def __exit__(self, *_):
        try:
            self._send(self._stop)
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._send(signal.SIGKILL)  # whatever is left of its group
            self.process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _send(self, number):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def cpu(self):
        """Seconds of processor time used so far, all threads, and all processes that it has now."""
        return sum(int(fields[11]) + int(fields[12]) for fields in self._stats()) / _TICKS

    def rss(self):
        """Bytes of memory in use, all its processes."""
        return sum(int(fields[21]) for fields in self._stats()) * os.sysconf("SC_PAGE_SIZE")

    def _stats(self):
        """What /proc tells of each process of its session, from the state on."""
        session = str(self.process.pid)
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has just ended
                fields = path.read_text().rpartition(")")[2].split()
                if fields[3] == session:
                    yield fields


class Stopwatch:
    """Wall and processor time of a span, of a server and of this process."""

    def __init__(self, server):
        self._server = server
        self._start = time.perf_counter(), server.cpu(), time.process_time()

    def read(self):
        """Seconds, and the two shares of a core."""
        wall, theirs, ours = self._start
        seconds = time.perf_counter() - wall
        return seconds, (self._server.cpu() - theirs) / seconds, (time.process_time() - ours) / seconds
