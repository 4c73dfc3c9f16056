"""A registry in a process of its own: real twistd, a folder of its own, free ports of the loopback interface."""

import json
import os
import re
import signal
import subprocess
import threading
from contextlib import suppress
from http.client import HTTPConnection
from queue import Empty, Queue

from tests.integration.broker import PATIENCE, ROOT, TWISTD, folder, until
from tests.integration.http import Api

_SERVES = re.compile(r"serves https?://[^/]*:(\d+)/, gossips on port (\d+)")

QUICK = {
    "REGISTRY_GOSSIPPROFILE": "local",
    "REGISTRY_GOSSIPPROBEINTERVAL": "0.2",
    "REGISTRY_GOSSIPPROBETIMEOUT": "0.1",
    "REGISTRY_GOSSIPGOSSIPINTERVAL": "0.05",
}
"""Gossip so quick that a test need not wait."""


def environment(given, *, quick=True):
    """Our environment without its settings of a registry, and with these: names without their SERENA_."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SERENA_")}
    environ |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    given = {"SERVER_PORT": 0, "REGISTRY_GOSSIPPORT": 0} | (QUICK if quick else {}) | given
    return environ | {f"SERENA_{name}": str(value) for name, value in given.items()}


class RegistryProcess:
    """A registry of a test case. It ends with the test, and so does its folder. Its gossip is `quick`, or as set."""

    def __init__(self, case, *, config=None, place=None, key="test", quick=True, **given):
        self.folder = folder(case) if place is None else place
        self.out, self.err = self.folder / "stdout.txt", self.folder / "stderr.txt"
        self.key = key
        self.environ = environment(given, quick=quick)
        arguments = ["--config", str(config)] if config is not None else []
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [*TWISTD, "-n", "--pidfile=", "--logfile=twistd.log", "serena", *arguments],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        case.addCleanup(self.kill)

    def started(self):
        """Wait until it serves. Gives itself."""
        found = until(lambda: self.process.poll() is not None or _SERVES.search(self.out.read_text()), "start")
        if found is True:
            raise AssertionError(f"the registry ended with {self.process.returncode}: {self.said()}")
        self.port, self.gossip_port = int(found[1]), int(found[2])
        self.name = f"r:127.0.0.1:{self.port}"
        self.api = Api(self.port, self.key)
        until(lambda: self.api.get("/readyz").status == 200, "readiness")
        return self

    def said(self):
        """All that it wrote to its terminal and its logs."""
        files = (self.out, self.err, *self.folder.glob("*.log"), *self.folder.glob("log/*"))
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def states(self):
        """Whom it knows, and what it holds them to be."""
        return {row["name"]: row["state"] for row in self.api.get("/api/v1/members").json["members"]}

    def nodes(self):
        """The names of the brokers that it tells clients of."""
        return [node["Name"] for node in self.api.post("/Registry/GetNodes").json or ()]

    def live(self):
        """Who is there, for it."""
        return {name for name, state in self.states().items() if state in ("alive", "suspect")}

    def ended(self):
        """Wait for its end. Gives the exit code."""
        return self.process.wait(PATIENCE)

    def stop(self):
        """End it with SIGTERM. Gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self):
        """End it with kill -9."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def registry(case, *seeds, **given):
    """A registry that serves, and joins these."""
    if seeds:
        given["REGISTRY_REGISTRYADDR"] = ",".join(f"127.0.0.1:{each.gossip_port}" for each in seeds)
    return RegistryProcess(case, **given).started()


class Watch:
    """Somebody who reads `/api/v1/watch`: what came, one after the other."""

    def __init__(self, case, one):
        self._connection = HTTPConnection("127.0.0.1", one.port, timeout=PATIENCE)
        self._connection.request("GET", "/api/v1/watch", headers={"secretKey": one.key})
        self._answer = self._connection.getresponse()
        self._events = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        case.addCleanup(self._connection.close)

    def _read(self):
        name = ""
        with suppress(OSError, ValueError, AttributeError):
            for line in self._answer:
                kind, _, rest = line.decode().rstrip("\n").partition(": ")
                if kind == "event":
                    name = rest
                elif kind == "data":
                    self._events.put((name, json.loads(rest)))

    def until(self, kind, wanted):
        """Wait for an event of that kind that is as wanted."""
        while True:
            try:
                name, data = self._events.get(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"there was no {kind}") from None
            if name == kind and wanted(data):
                return data
