"""The dashboard: its page in Node, and in Chromium where that is installed; and what gives the page to browsers."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.examples.chromium import Chromium
from tests.examples.program import EXAMPLES, Program
from tests.integration.broker import PATIENCE, ROOT, start, until
from tests.integration.http import Api

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NODE_MODULES = "KAPOKMQ_NODE_MODULES"  # where npm put `ws`
CLIENT = ROOT / "view" / "src" / "client" / "kapokmq.js"
_PLACE = re.compile(r"look at http://127\.0\.0\.1:(\d+)/\n")
# A page of which there is as much as this one uses.
PAGE = """
import { createRequire } from 'node:module'
globalThis.WebSocket ??= createRequire(import.meta.url)('ws')
class Element {
  children = []
  textContent = ''
  append (...more) { for (const one of more) { one.parent = this; this.children.push(one) } }
  prepend (one) { one.parent = this; this.children.unshift(one) }
  remove () { this.parent.children.splice(this.parent.children.indexOf(this), 1) }
  get lastElementChild () { return this.children.at(-1) }
  addEventListener (type, call) { this[type] = call }
}
const ids = {}
globalThis.document = { createElement: () => new Element(), getElementById: (id) => ids[id] ??= new Element() }
const real = globalThis.fetch
globalThis.fetch = (path) => real(new URL(path, 'http://127.0.0.1:PORT/'))
"""
SEEN = """
const rows = () => at('shops').children.map(({ children }) => children.map(({ textContent }) => textContent))
setInterval(async () => {
  if (shops.size === 3 && at('latest').children.length === 10 && rows().every(([, orders]) => orders > 0)) {
    await at('sale').submit({ preventDefault () {} })
    console.log(JSON.stringify({
      script: script.href,
      state: at('state').textContent,
      shops: rows(),
      latest: at('latest').children.map(({ textContent }) => textContent),
      sold: at('sold').textContent
    }))
    process.exit(0)
  }
}, 50)
"""


class DashboardTests(SynchronousTestCase):
    def dashboard(self, *arguments):
        """A dashboard that is there: its port."""
        self.program = Program(self, "dashboard", "--port", "0", *arguments)
        return int(self.program.says(_PLACE)[1])

    def in_node(self, port):
        """What Node sees of the page."""
        node = shutil.which("node")
        modules = os.environ.get(NODE_MODULES, "")
        if node is None or not (Path(modules) / "ws").is_dir():
            raise SkipTest(f"node is needed, and {NODE_MODULES} with `ws`")
        (script,) = re.findall(r'<script type="module">\n(.*?)</script>', self.page(port), re.DOTALL)
        loads = "await import(script)"
        self.assertIn(loads, script)
        file = Path(self.mktemp() + ".mjs")
        # Node imports files only: this one is what the broker serves.
        script = script.replace(loads, f"await import('{CLIENT.as_uri()}')")
        file.write_text(PAGE.replace("PORT", str(port)) + script + SEEN, "utf-8")
        done = subprocess.run([node, file], env=os.environ | {"NODE_PATH": modules}, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def page(self, port):
        answer = Api(port).get("/")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual(answer.body, (EXAMPLES / "dashboard.html").read_bytes())
        return answer.body.decode()

    def check(self, seen):
        self.assertEqual(seen["state"], "open")
        self.assertEqual(sorted(name for name, *_ in seen["shops"] if name != "here"), ["asia", "eu", "us"])
        for line in seen["latest"]:
            self.assertRegex(line, r"example\.shop\.\w+ #\d+: \d+$")
        self.assertRegex(seen["sold"], "^stored as [0-9a-f]{40}$")

    def test_its_page_in_node(self):
        seen = self.in_node(self.dashboard())
        self.check(seen)
        where = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/client\.js", seen["script"])
        self.assertEqual(Api(int(where[1])).get("/client.js").body, CLIENT.read_bytes())
        self.assertEqual(len(self.program.interrupt()), 1)

    def test_over_another_broker(self):
        broker = start(self)
        port = self.dashboard("--server", f"ws://127.0.0.1:{broker.port}")
        self.assertEqual(Api(port).get("/settings.json").json, {"url": f"ws://127.0.0.1:{broker.port}", "key": "test"})
        until(lambda: broker.api.counts()["all"] >= 3, "orders")
        self.assertEqual(len(self.program.interrupt()), 1)
        self.assertNotIn("Traceback", broker.said())

    def test_what_it_does_not_give(self):
        port = self.dashboard()
        self.assertEqual(Api(port).get("/dashboard.py").status, 404)
        self.assertEqual(Api(port).get("/settings.json", Host="evil.example:80").status, 403)
        self.assertEqual(Api(port).get("/settings.json", Host=f"localhost:{port}").status, 200)
        self.assertEqual(Api(port).ask("POST", "/").status, 501)

    if CHROMIUM is not None:

        def test_its_page_in_a_browser(self):
            port = self.dashboard()
            browser = Chromium(self, CHROMIUM, f"http://127.0.0.1:{port}/")
            rows = (
                "[...document.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText))"
            )

            def full():
                found = browser.value(rows)
                return len(found) >= 3 and all(int(row[1] or 0) for row in found)

            until(full, "three shops")
            browser.value("document.querySelector('button').click()")
            until(lambda: browser.value("document.getElementById('sold').innerText"), "sale")
            until(lambda: browser.value("document.getElementById('latest').children.length") == 10, "ten orders")
            self.check(
                {
                    "state": browser.value("document.getElementById('state').innerText"),
                    "shops": browser.value(rows),
                    "latest": browser.value(
                        "[...document.querySelectorAll('#latest li')].map(({ innerText }) => innerText)"
                    ),
                    "sold": browser.value("document.getElementById('sold').innerText"),
                }
            )
            self.assertEqual(browser.errors, [])
            if where := os.environ.get("KAPOKMQ_TEST_PICTURES"):
                (Path(where) / "dashboard.png").write_bytes(browser.picture())
