"""A broker in a process of its own: real twistd, a folder of its own, a free port of the loopback interface."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.integration.http import Api

ROOT = Path(__file__).resolve().parent.parent.parent
VECTORS = ROOT / "tests" / "vectors"
TWISTD = (str(Path(sys.executable).with_name("twistd")),)
PATIENCE = 30.0  # seconds that anything may take on a busy machine
_PORT = re.compile(r"serves https?://[^/]*:(\d+)/")


def until(wanted, what, seconds=PATIENCE, every=0.01):
    """What `wanted` gives, as soon as that is true."""
    deadline = time.monotonic() + seconds
    while True:
        found = wanted()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"within {seconds:g} s there was no {what}")
        time.sleep(every)


def tell(text):
    """Print a figure that a test has measured."""
    sys.stdout.write(f"\n{text}\n")


def folder(case):
    """An empty folder, which is removed when the test has ended, however it ends."""
    made = Path(tempfile.mkdtemp(prefix="kapokmq-test-"))
    case.addCleanup(shutil.rmtree, made, ignore_errors=True)
    return made


def environment(settings):
    """Our environment without its settings of a broker, and with these: names without their KAPOKMQ_."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KAPOKMQ_")}
    environ |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "KAPOKMQ_SERVER_PORT": "0"}
    return environ | {f"KAPOKMQ_{name}": str(value) for name, value in settings.items()}


class BrokerProcess:
    """A broker of a test case. It ends with the test, and so does its folder, unless that was given.

    `command` comes before twistd's own, to trace it; `program` is what is run instead of twistd, with no arguments.
    """

    def __init__(self, case, place=None, *, command=(), program=None, config=None, **settings):
        self.folder = folder(case) if place is None else place
        self.out, self.err = self.folder / "stdout.txt", self.folder / "stderr.txt"
        arguments = ["--config", str(config)] if config is not None else []
        twistd = [*TWISTD, "-n", "--pidfile=", "--logfile=twistd.log", "kapokmq", *arguments]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [*command, *(program or twistd)],
                cwd=self.folder,
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        case.addCleanup(self.kill)

    def started(self, key="test"):
        """Wait until it serves. Gives itself."""
        found = until(lambda: self.process.poll() is not None or _PORT.search(self.out.read_text()), "start")
        if found is True:
            raise AssertionError(f"the broker ended with {self.process.returncode}: {self.said()}")
        self.port = int(found[1])
        self.api = Api(self.port, key)
        # It is announced before the reactor runs: only then signals are handled.
        until(lambda: self.api.get("/healthz").status == 200, "answer")
        return self

    def said(self):
        """All that it wrote to its terminal and its logs."""
        files = (self.out, self.err, *self.folder.glob("*.log"), *self.folder.glob("log/*"))
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def ended(self):
        """Wait for its end. Gives the exit code."""
        return self.process.wait(PATIENCE)

    def stop(self):
        """End it with SIGTERM. Gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self):
        """End it, and whatever it runs under, with kill -9."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def rss(self):
        """Bytes of memory in use."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu(self):
        """Seconds of processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(case, place=None, **settings):
    """A broker that serves."""
    return BrokerProcess(case, place, **settings).started(settings.get("MQ_SECRETKEY", "test"))
