"""Members of a pool as real processes: our registry, and HashiCorp's serf, which is another's memberlist."""

import json
import shutil
import socket
import subprocess
from itertools import count

from tests.integration.broker import PATIENCE, folder, until
from tests.integration.registry import RegistryProcess

SERF = shutil.which("serf")
_NUMBERS = count(1)


def free_port():
    """A port that TCP and UDP both have free on loopback."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        ):
            stream.bind(("127.0.0.1", 0))
            try:
                datagrams.bind(stream.getsockname())
            except OSError:
                continue
            return stream.getsockname()[1]


def registry(case, *, gossip_port=0, config=None, **settings):
    """A registry that serves, its gossip as the settings have it: names without their SERENA_."""
    given = {"REGISTRY_GOSSIPPORT": gossip_port} | settings
    return RegistryProcess(case, config=config, quick=False, **given).started()


class SerfAgent:
    """A serf agent of a test case. It ends with the test. `key` encrypts, in base64."""

    def __init__(self, case, *, key=None, join=None, profile="lan"):
        self.name = f"serf{next(_NUMBERS)}"
        self.port, self.rpc = free_port(), f"127.0.0.1:{free_port()}"
        command = [SERF, "agent", f"-node={self.name}", f"-bind=127.0.0.1:{self.port}", f"-rpc-addr={self.rpc}"]
        command += [f"-profile={profile}", "-log-level=warn"]
        command += [f"-encrypt={key}"] if key else []
        command += [f"-join=127.0.0.1:{join}"] if join else []
        self.out = folder(case) / "serf.txt"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        case.addCleanup(self.kill)
        until(lambda: self.ask("info").returncode == 0, "serf agent")

    def ask(self, *words):
        """Run a command of serf's against the agent."""
        command = [SERF, *words[:1], f"-rpc-addr={self.rpc}", *words[1:]]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def members(self):
        """All members by name: what they are held to be."""
        answer = self.ask("members", "-format=json")
        return {member["name"]: member["status"] for member in json.loads(answer.stdout)["members"]}

    def join(self, port):
        """Have it join somebody."""
        answer = self.ask("join", f"127.0.0.1:{port}")
        if answer.returncode:
            raise AssertionError(f"serf did not join: {answer.stdout}{answer.stderr}{self.out.read_text()}")

    def leave(self):
        """Have it leave."""
        self.ask("leave")

    def kill(self):
        """End it with kill -9."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
