"""view/src/client against a real broker, and over its death. Alone it is tried by view/tests/client."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.integration.broker import ROOT, folder, start

NODE_MODULES = "KAPOKMQ_NODE_MODULES"  # where npm put `ws`: .ci/run installs it there
TESTS = Path(__file__).with_name("browser")
# Node before 22 has no WebSocket, and no page.
SHIM = "import { createRequire } from 'node:module'\nglobalThis.WebSocket ??= createRequire(import.meta.url)('ws')\n"
PAGE = """
const list = { append: ({ textContent }) => { console.log(textContent); setTimeout(() => process.exit(0), 50) } }
globalThis.document = { createElement: () => ({}), getElementById: (id) => id === 'orders' ? list : null }
"""
PUBLISHED = "\nmq.addEventListener('state', () => mq.publish('orders.eu', 'x'), { once: true })\n"
SECONDS = 120.0  # that a file of tests may take


class BrowserClientTests(SynchronousTestCase):
    def setUp(self):
        self.node = shutil.which("node")
        if self.node is None:
            raise SkipTest("node is needed")

    def has_websocket(self):
        """Skip where Node has no WebSocket, and nobody gave it one."""
        modules = os.environ.get(NODE_MODULES, "")
        if modules and (Path(modules) / "ws").is_dir():
            return
        known = subprocess.run([self.node, "--eval", "process.exit(globalThis.WebSocket ? 0 : 1)"], check=False)
        if known.returncode:
            raise SkipTest(f"node has no WebSocket, and {NODE_MODULES} names no folder with `ws`")

    def run_tests(self, name, *, url="", place=None, every=lambda: None):
        """Run a file of tests with Node's own runner; all must pass. `every` is called again and again meanwhile."""
        out = Path(self.mktemp())
        environ = os.environ | {
            "NODE_PATH": os.environ.get(NODE_MODULES, ""),
            "KAPOKMQ_TEST_URL": url,
            "KAPOKMQ_TEST_FOLDER": str(place or ""),
        }
        with out.open("wb") as told:
            process = subprocess.Popen(
                [self.node, "--test", "--test-reporter=tap", str(TESTS / name)],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        end = time.monotonic() + SECONDS
        while process.poll() is None and time.monotonic() < end:
            every()
            time.sleep(0.01)
        said = out.read_text("utf-8")
        self.assertEqual(process.poll(), 0, said)
        self.assertNotIn("# SKIP", said)
        self.assertRegex(said, r"(?m)^# fail 0$")
        titles = re.findall(r"(?m)^test\('([^']+)'", (TESTS / name).read_text("utf-8"))
        self.assertEqual(set(titles) - set(re.findall(r"(?m)^ *ok \d+ - (.*)$", said)), set())
        self.assertTrue(titles)

    def test_against_a_broker(self):
        self.has_websocket()
        broker = start(self)
        self.run_tests("live.test.mjs", url=f"ws://127.0.0.1:{broker.port}/v2")
        self.assertEqual(broker.stop(), 0)
        self.assertNotIn("Traceback", broker.said())

    def example(self, script, port):
        """Run a script of the document. Gives what it prints."""
        self.assertIn("127.0.0.1:8011", script)
        client = (ROOT / "view" / "src" / "client" / "kapokmq.js").as_uri()
        for name in ("'./view/src/client/kapokmq.js'", "'http://127.0.0.1:8011/client.js'"):
            script = script.replace(f"from {name}", f"from '{client}'")
        modules = os.environ.get(NODE_MODULES, "")
        file = Path(self.mktemp() + ".mjs")
        file.write_text(SHIM + script.replace("127.0.0.1:8011", f"127.0.0.1:{port}"), "utf-8")
        done = subprocess.run(
            [self.node, str(file)],
            env=os.environ | {"NODE_PATH": modules},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_the_examples_of_its_document(self):
        self.has_websocket()
        text = (ROOT / "docs" / "browser.md").read_text("utf-8")
        port = start(self).port
        blocks = re.findall(r"^```javascript\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        told = [self.example(block, port) for block in blocks]
        self.assertEqual(told, ["orders.eu 17\ntrue\n", "done 0\n", "sweep 2\n"])
        (page,) = re.findall(r'<script type="module">\n(.*?)</script>', text, re.DOTALL)
        self.assertEqual(self.example(PAGE + page + PUBLISHED, port), "orders.eu: x\n")

    def test_the_defaults_in_its_document(self):
        text = (ROOT / "docs" / "browser.md").read_text("utf-8")
        script = (ROOT / "view" / "src" / "client" / "kapokmq.js").read_text("utf-8")
        written = {"10,000": "10_000", "32 Mi": "32 << 20"}
        for name in ("connectTimeout", "maxPending", "maxPendingCharacters", "pulse", "touchEvery"):
            (shown,) = re.findall(rf"^\| `{name}` \| ([^|]+) \|", text, re.MULTILINE)
            self.assertIn(f"    {name}: {written.get(shown, shown)},\n", script)
        self.assertIn("backoff: { first: 0.2, most: 15, ...backoff }", script)
        self.assertIn("| `backoff` | `{ first: 0.2, most: 15 }` |", text)

    def test_no_file_of_tests_is_left_out(self):
        told = Path(__file__).read_text("utf-8")
        for file in TESTS.glob("*.test.mjs"):
            self.assertIn(f'"{file.name}"', told)

    def test_a_broker_that_is_killed(self):
        self.has_websocket()
        signs, place = folder(self), folder(self)
        broker = start(self, place)

        def kill():
            if (signs / "kill").exists() and not (signs / "kill.done").exists():
                broker.kill()
                start(self, place, SERVER_PORT=broker.port)
                (signs / "kill.done").touch()

        self.run_tests("kill.test.mjs", url=f"ws://127.0.0.1:{broker.port}/v2", place=signs, every=kill)
        self.assertTrue((signs / "kill.done").exists())
