"""Registries as real processes: they find each other, notice who dies or leaves, and stand what is thrown at them."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import time
from base64 import b64encode
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import PATIENCE, TWISTD, folder, until
from tests.integration.broker import environment as broker_environment
from tests.integration.http import Api
from tests.integration.registry import RegistryProcess, Watch, environment, registry

K1, K2 = (b64encode(bytes((number,)) * 32).decode() for number in (1, 2))


class PoolTests(SynchronousTestCase):
    def test_one_is_killed_and_one_leaves(self):
        first = registry(self)
        second, third = registry(self, first), registry(self, first)
        names = {first.name, second.name, third.name}
        watch = Watch(self, first)
        for one in (first, second, third):
            until(lambda one=one: one.live() == names, "pool of three")
        self.assertEqual(first.api.post("/Registry/GetNodes").body, b"null")
        second.kill()
        for one in (first, third):
            until(lambda one=one: one.states()[second.name] == "dead", "death")
        watch.until("fail", lambda member: member["name"] == second.name)
        begun = time.monotonic()
        self.assertEqual(third.stop(), 0)
        watch.until("leave", lambda member: member["name"] == third.name)
        self.assertLess(time.monotonic() - begun, 3)  # with the end of a process on a busy machine
        self.assertEqual(first.states()[third.name], "left")

    def test_a_registry_that_comes_back_is_found_again(self):
        first = registry(self)
        second = registry(self, first)
        until(lambda: second.live() == {first.name, second.name}, "pool of two")
        first.kill()
        until(lambda: second.live() == {second.name}, "death")
        again = RegistryProcess(self, SERVER_PORT=first.port, REGISTRY_GOSSIPPORT=first.gossip_port).started()
        for one in (again, second):
            until(lambda one=one: one.live() == {first.name, second.name}, "pool of two")

    def test_keys_change_without_a_pause(self):
        place = folder(self)
        config = place / "serena.yaml"

        def write(*keys):
            config.write_text(f"registry:\n  gossipKey: [{', '.join(keys)}]\n")

        write(K1)
        first = registry(self, config=config)
        second = registry(self, first, config=config)
        plain = registry(self, first)
        until(lambda: second.live() == {first.name, second.name}, "pool of two")
        for keys in ((K1, K2), (K2, K1), (K2,)):
            write(*keys)
            for one in (first, second):
                before = one.said().count("gossip has")
                one.process.send_signal(signal.SIGHUP)
                until(lambda one=one, before=before: one.said().count("gossip has") > before, "new keys")
        time.sleep(1)  # five probes
        for one in (first, second):
            self.assertEqual(one.states(), {first.name: "alive", second.name: "alive"})
        self.assertEqual(plain.live(), {plain.name})
        self.assertGreater(first.api.figure('serena_gossip_dropped_total{reason="plaintext"}'), 0)
        self.assertNotIn(K1, first.said())


class RundirTests(SynchronousTestCase):
    """Programs that work in another folder than the one that they were started in."""

    def read_again(self, program, section, environ, named):
        place = folder(self)
        (place / "config").mkdir()
        (place / "run").mkdir()
        config = place / "config" / f"{program}.yaml"
        out = place / "out.txt"
        config.write_text(f"{section}:\n  gossipKey: [{K1}]\n")
        arguments = ["--config", f"config/{program}.yaml"] if named else []
        with out.open("wb") as terminal:
            process = subprocess.Popen(
                [*TWISTD, "-n", "--pidfile=", "--rundir=run", program, *arguments],
                cwd=place,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=subprocess.STDOUT,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until(lambda: process.poll() is not None or "serves http" in out.read_text(), "start")
        config.write_text(f"{section}:\n  gossipKey: [{K2}, {K1}]\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: re.search("gossip has|the settings stay|has changed", out.read_text()), "settings")
        self.assertIn("gossip has 2 keys now", out.read_text())

    def test_a_registry_finds_its_settings_again(self):
        for named in (True, False):
            self.read_again("serena", "registry", environment({}), named)

    def test_so_does_a_broker(self):
        environ = broker_environment({"CLUSTER_ISCLUSTER": 1, "CLUSTER_GOSSIPPORT": 0})
        for named in (True, False):
            self.read_again("kapokmq", "cluster", environ, named)


class StrangerTests(SynchronousTestCase):
    def test_a_port_that_is_scanned_with_garbage(self):
        first = registry(self)
        second = registry(self, first)
        until(lambda: first.live() == {first.name, second.name}, "pool of two")
        chance = random.Random(7)  # noqa: S311 -- to be the same each time
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thrower:
            for number in range(3000):
                data = bytes((number % 256,)) + chance.randbytes(chance.randrange(1400))
                thrower.sendto(data, ("127.0.0.1", first.gossip_port))
        for number in range(60):
            with socket.create_connection(("127.0.0.1", first.gossip_port)) as stream, contextlib.suppress(OSError):
                stream.sendall(bytes((number % 16,)) + chance.randbytes(2000))
        dribbler = socket.create_connection(("127.0.0.1", first.gossip_port))
        self.addCleanup(dribbler.close)
        dribbler.sendall(b"\x06")
        dribbler.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(dribbler.recv(1), b"")  # cut, in its own time
        self.assertEqual(first.states(), {first.name: "alive", second.name: "alive"})
        figures = first.api.get("/metrics").body.decode()
        dropped = sum(map(float, re.findall(r'serena_gossip_dropped_total\{reason="\w+"\} ([0-9.e+]+)', figures)))
        self.assertGreater(dropped, 1000)
        self.assertNotIn('reason="bug"', figures)
        self.assertNotIn("Traceback", first.said())
        self.assertEqual(first.stop(), 0)


class StartTests(SynchronousTestCase):
    def test_all_mistakes_are_told_at_once(self):
        one = RegistryProcess(self, SERVER_PORT="x", REGISTRY_GOSSIPPROFILE="moon", REGISTRY_NOTHING="1")
        self.assertEqual(one.ended(), 2)
        self.assertEqual(len(one.err.read_text().splitlines()), 3)
        self.assertNotIn("Traceback", one.said())

    def test_a_port_that_is_taken_is_told_in_one_line(self):
        taken = registry(self)
        for given, wanted in [
            ({"SERVER_PORT": taken.port}, "server.port"),
            ({"REGISTRY_GOSSIPPORT": taken.gossip_port}, "registry.gossipPort: cannot listen on"),
        ]:
            one = RegistryProcess(self, **given)
            self.assertEqual(one.ended(), 1)
            (line,) = one.err.read_text().splitlines()
            self.assertTrue(line.startswith("serena: ") and wanted in line, line)

    def test_an_original_file_is_found(self):
        place = folder(self)
        (place / "config").mkdir()
        original = "server:\n  addr: 127.0.0.1\nregistry:\n  secretKey: k\n"
        (place / "config" / "application.yaml").write_text(original)
        one = RegistryProcess(self, place=place, key="k").started()
        self.assertIn("settings: config/application.yaml", one.out.read_text())
        self.assertEqual(Api(one.port, "k").post("/Registry/GetNodes").body, b"null")
        self.assertNotIn("The key is still", one.out.read_text())


class DaemonTests(SynchronousTestCase):
    def test_it_runs_as_a_daemon_and_ends_in_good_order(self):
        place = folder(self)
        pid_file, log = place / "log" / "serena.pid", place / "log" / "serena.log"
        parent = subprocess.run(
            [*TWISTD, "--pidfile", "log/serena.pid", "--logfile", "log/serena.log", "serena"],
            cwd=place,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(parent.returncode, 0, parent.stderr)
        pid = int(until(lambda: pid_file.exists() and pid_file.read_text(), "pid file"))
        self.addCleanup(_end, pid, place)
        port = int(until(lambda: re.search(r"serves http://[^/]*:(\d+)/", log.read_text()), "start")[1])
        until(lambda: Api(port).get("/readyz").status == 200, "readiness")
        os.kill(pid, signal.SIGTERM)
        until(lambda: _folder_of(pid) != place.resolve(), "end")
        self.assertFalse(pid_file.exists())
        daily = [path for path in (place / "log").iterdir() if path.suffix == ".log" and path != log]
        self.assertEqual(len(daily), 1)
        self.assertIn("the registry has stopped", daily[0].read_text())
        for path in (log, *daily):
            self.assertNotIn("Traceback", path.read_text())


def _folder_of(pid):
    """Where a process works, None where there is none."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cwd").readlink()
    return None


def _end(pid, place):
    if _folder_of(pid) == place.resolve():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
