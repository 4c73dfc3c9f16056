"""What docs/client.md shows runs as it stands."""

import re
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import PATIENCE, ROOT, environment, folder, start, until

ALL = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "client.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
BLOCKS = [block for block in ALL if "127.0.0.1:8031" not in block]
HANDLER = """
from kapokmq.client import connect

mq = connect("ws://127.0.0.1:8011", key="test")
mq.publish("orders", {"id": 20})
"""


class DocsTests(SynchronousTestCase):
    def test_each_example_publishes_and_consumes(self):
        broker = start(self)
        place = folder(self)
        self.assertEqual(len(BLOCKS), 4)
        for number, block in enumerate((*BLOCKS[:3], HANDLER + BLOCKS[3])):
            self.assertIn("127.0.0.1:8011", block)
            script = place / "example.py"
            script.write_text(block.replace("127.0.0.1:8011", f"127.0.0.1:{broker.port}"))
            with (place / "out.txt").open("w+") as out:
                process = subprocess.Popen([sys.executable, script], env=environment({}), stdout=out, stderr=out)
                self.addCleanup(process.wait, PATIENCE)
                self.addCleanup(process.kill)
                wanted = f"{{'id': {17 + number}}}"
                until(lambda wanted=wanted: wanted in (place / "out.txt").read_text(), wanted)
                until(lambda number=number: broker.api.counts()["consumed"] == number + 1, "ack")
                self.assertIsNone(process.poll(), (place / "out.txt").read_text())
                process.kill()
                process.wait(PATIENCE)
