"""What README says can be done is done: its clients and its curl run against a broker, its commands and links exist."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.integration.broker import PATIENCE, start, until
from tests.integration.http import CONSUMED

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MODULES = "KAPOKMQ_NODE_MODULES"
SHIM = "globalThis.WebSocket ??= require('ws');\n"
LINES = 10


def blocks(language):
    """The blocks of README in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def aimed(text, port):
    """The same for a broker on another port."""
    if "127.0.0.1:8011" not in text:
        raise AssertionError("there is no address to replace")
    return text.replace("127.0.0.1:8011", f"127.0.0.1:{port}")


class CommandTests(SynchronousTestCase):
    def test_both_commands_are_shown_and_exist(self):
        text, makefile = README.read_text("utf-8"), (ROOT / "Makefile").read_text("utf-8")
        for target in ("run", "test"):
            self.assertRegex(text, rf"(?m)^    make {target}$")
            self.assertRegex(makefile, rf"(?m)^{target}:")

    def test_other_make_targets_that_are_named_exist(self):
        makefile = (ROOT / "Makefile").read_text("utf-8")
        named = set()
        for document in (README, ROOT / "CONTRIBUTING.md"):
            named |= set(re.findall(r"`make (\w+)", document.read_text("utf-8")))
        self.assertGreaterEqual(named, {"run", "test", "bench", "unit"})
        for target in named:
            self.assertRegex(makefile, rf"(?m)^{target}:")

    def test_the_settings_that_are_named_have_these_defaults(self):
        rows = re.findall(r"^\| `((?:mq|server)\.[\w.]+)` \| `(\S+)` \|", README.read_text("utf-8"), re.MULTILINE)
        self.assertGreater(len(rows), 10)
        table = (ROOT / "docs" / "configuration.md").read_text("utf-8")
        for key, default in rows:
            self.assertRegex(
                table, rf"(?m)^\| `{re.escape(key)}` \|[^|]*\|[^|]*\|[^|]*\| `{re.escape(default)}` \|", key
            )


class PythonTests(SynchronousTestCase):
    def setUp(self):
        self.client, self.bare = blocks("python")

    def test_it_has_ten_lines(self):
        self.assertEqual(len([line for line in self.bare.splitlines() if line.strip()]), LINES)

    def test_our_client_publishes_consumes_and_acknowledges(self):
        broker = start(self)
        command = [sys.executable, "-u", "-c", aimed(self.client, broker.port)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            self.addCleanup(running.kill)
            self.assertEqual(running.stdout.readline(), "17\n")
            until(lambda: broker.api.counts()["consumed"] == 1, "ack")
            running.kill()

    def test_the_command_line_publishes_and_consumes(self):
        shown = re.findall(r"^    \$ \.venv/bin/kapokmq (pub|sub)(.*)$", README.read_text("utf-8"), re.MULTILINE)
        self.assertEqual([name for name, _ in shown], ["pub", "sub"])
        broker = start(self)
        told = [
            subprocess.run(
                [sys.executable, "-c", "from kapokmq.cli.main import main; main()", name, *shlex.split(rest)],
                cwd=ROOT,
                env=os.environ | {"KAPOK_SERVER": f"http://127.0.0.1:{broker.port}", "KAPOK_KEY": "test"},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=True,
            ).stdout
            for name, rest in shown
        ]
        self.assertEqual(json.loads(told[1])["data"], '{"id": 18}')

    def test_the_python_client_publishes_consumes_and_acknowledges(self):
        broker = start(self)
        done = subprocess.run(
            [sys.executable, "-c", aimed(self.bare, broker.port)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "orders.eu ship order 17\n")
        until(lambda: broker.api.counts()["consumed"] == 1, "ack")
        (shown,) = broker.api.messages(CONSUMED, topic="orders.eu")
        self.assertEqual(shown["MessageData"], "ship order 17")

    def test_the_curl_example_publishes(self):
        curl = shutil.which("curl")
        if curl is None:
            raise SkipTest("curl is needed")
        found = re.search(r"^    \$ (curl .*?[^\\])$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        broker = start(self)
        done = subprocess.run(
            ["sh", "-c", aimed(found[1], broker.port)], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        self.assertRegex(done.stdout, r'^\{"code":0,"msg":"[0-9a-f]{40}"\}$')
        self.assertEqual(broker.api.messages()[0]["MessageData"], "ship order 18")


class JavaScriptTests(SynchronousTestCase):
    """Node stands for the browser. Where it has no WebSocket of its own, `ws` stands for that."""

    def setUp(self):
        self.node = shutil.which("node")
        if self.node is None:
            raise SkipTest("node is needed")

    def _call(self, *arguments):
        environ = os.environ | {"NODE_PATH": os.environ.get(MODULES, "")}
        return subprocess.run(
            [self.node, *arguments], capture_output=True, text=True, timeout=PATIENCE, env=environ, check=False
        )

    def _with_websocket(self):
        """How node is called so that there is a WebSocket."""
        shim = self.mktemp()
        Path(shim).write_text(SHIM, "utf-8")
        shim = str(Path(shim).resolve())
        for arguments in ([], ["--experimental-websocket"], ["--require", shim]):
            done = self._call(*arguments, "--eval", "console.log(typeof WebSocket)")
            if done.returncode == 0 and done.stdout == "function\n":
                return arguments
        raise SkipTest(f"node has no WebSocket, and {MODULES} names no folder with `ws`")

    def test_it_has_ten_lines(self):
        self.assertEqual(len([line for line in blocks("javascript")[0].splitlines() if line.strip()]), LINES)

    def test_it_can_be_parsed(self):
        script = Path(self.mktemp() + ".js")
        script.write_text(blocks("javascript")[0], "utf-8")
        done = self._call("--check", str(script))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_javascript_client_publishes_consumes_and_acknowledges(self):
        arguments = self._with_websocket()
        broker = start(self)
        script, out = Path(self.mktemp() + ".js"), Path(self.mktemp())
        script.write_text(aimed(blocks("javascript")[0], broker.port), "utf-8")
        with out.open("wb") as told:
            process = subprocess.Popen(
                [self.node, *arguments, str(script)],
                stdout=told,
                stderr=subprocess.STDOUT,
                env=os.environ | {"NODE_PATH": os.environ.get(MODULES, "")},
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until(lambda: broker.api.counts()["consumed"] == 1 or process.poll() is not None, "ack")
        self.assertEqual(out.read_text("utf-8"), "orders hello\n")
        self.assertEqual(broker.api.counts()["consumed"], 1)
