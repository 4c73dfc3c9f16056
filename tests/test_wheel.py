"""What is in a wheel, and whether it serves what a checkout does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from hatchling.builders.wheel import WheelBuilder
from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]
DIST = ROOT / "view" / "dist"

# Runs where nothing of the checkout is found but the tests.
ASK = """
import json, kapokmq, serena
from tests.protocols.http_fakes import FakeNode
from tests.serena.web.pool import FakeRegistry
node, registry, told = FakeNode(), FakeRegistry(), {}
for path in json.loads(input()):
    told["broker " + path] = node.get(path).body.decode()
    told["registry " + path] = registry.get(path).body.decode()
print(json.dumps([kapokmq.__file__, serena.__file__, told]))
"""


class WheelTests(SynchronousTestCase):
    def setUp(self):
        self.place = Path(self.mktemp()).absolute()
        (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(self.place), versions=["standard"])
        with ZipFile(wheel) as packed:
            self.names = packed.namelist()
            packed.extractall(self.place / "site")

    def test_what_is_built_is_in_it_once(self):
        built = [file.relative_to(DIST).as_posix() for file in DIST.rglob("*") if file.is_file()]
        self.assertGreater(len(built), 20)
        self.assertEqual(
            sorted(name for name in self.names if "/dist/" in name), sorted(f"serena/web/dist/{name}" for name in built)
        )

    def test_the_plugins_and_the_client_are_in_it(self):
        for name in (
            "twisted/plugins/kapokmq_plugin.py",
            "twisted/plugins/serena_plugin.py",
            "kapokmq/protocols/client/kapokmq.js",
            "kapokmq/protocols/client/kapokmq.d.ts",
        ):
            self.assertEqual(self.names.count(name), 1, name)
        self.assertNotIn("twisted/__init__.py", self.names)

    def test_it_serves_both_pages_and_all_that_they_load(self):
        site, tests = self.place / "site", self.place / "more"
        tests.mkdir()
        (tests / "tests").symlink_to(ROOT / "tests")
        assets = [f"/assets/{file.name}" for file in (DIST / "assets").iterdir() if file.suffix != ".gz"]
        done = subprocess.run(
            [sys.executable, "-P", "-c", ASK],
            input=json.dumps(["/", "/client.js", *assets]),
            env=os.environ | {"PYTHONPATH": f"{site}{os.pathsep}{tests}"},
            cwd=tests,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        *places, told = json.loads(done.stdout)
        self.assertEqual(places, [str(site / name / "__init__.py") for name in ("kapokmq", "serena")])
        self.assertEqual(told["broker /"], (DIST / "index.html").read_text("utf-8"))
        self.assertEqual(told["registry /"], (DIST / "registry.html").read_text("utf-8"))
        self.assertEqual(told["broker /client.js"], (ROOT / "view/src/client/kapokmq.js").read_text("utf-8"))
        for path in assets:
            wanted = (DIST / path[1:]).read_bytes().decode()  # ends of lines as they stand
            self.assertEqual((told[f"broker {path}"], told[f"registry {path}"]), (wanted, wanted), path)
