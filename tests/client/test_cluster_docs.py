"""What docs/client.md shows of clusters runs as it stands."""

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.client.test_docs import ALL, BLOCKS
from tests.integration.broker import PATIENCE, environment, folder, start, until
from tests.integration.pool import registry as start_registry


class DocsTests(SynchronousTestCase):
    def test_the_example_publishes_and_consumes(self):
        (block,) = (each for each in ALL if each not in BLOCKS)
        registry = start_registry(self, REGISTRY_GOSSIPPROFILE="local")
        place = f"127.0.0.1:{registry.gossip_port}"
        broker = start(self, CLUSTER_ISCLUSTER=1, CLUSTER_GOSSIPPORT=0, CLUSTER_REGISTRYADDR=place)
        out, script = folder(self) / "out.txt", folder(self) / "example.py"
        script.write_text(block.replace("127.0.0.1:8031", f"127.0.0.1:{registry.port}"))
        with out.open("w") as told:
            process = subprocess.Popen([sys.executable, script], env=environment({}), stdout=told, stderr=told)
        self.addCleanup(process.wait, PATIENCE)
        self.addCleanup(process.kill)
        until(lambda: "{'id': 21}" in out.read_text(), "message")
        until(lambda: broker.api.counts()["consumed"] == 1, "ack")
        self.assertIsNone(process.poll(), out.read_text())
