"""Which nodes there are, as a registry, a broker of a cluster, and a broker alone tell it."""

import json

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.exits import Refused
from kapokmq.cli.http import Client
from kapokmq.cli.nodes import found_nodes
from tests.cli.servers import Scripted, target

NODE = {"name": "mq:10.0.0.1:8011", "version": "1", "ready": False, "reason": "the disk refuses"}
OTHERS = [{"Name": "mq:10.0.0.2:8011", "Addr": "10.0.0.2", "Port": "8011"}]


class NodesTests(SynchronousTestCase):
    def found(self, **answers):
        routes = {"members": "GET /api/v1/members", "node": "GET /api/v1/node", "nodes": "POST /Console/GetNodes"}
        self.server = Scripted(self, {routes[name]: answer for name, answer in answers.items()})
        with Client(target(self.server.port)) as client:
            return found_nodes(client)

    def broker(self, nodes):
        return self.found(node=(200, json.dumps(NODE).encode()), nodes=(200, nodes))

    def test_a_registry_tells_all_it_knows(self):
        rows = [{"name": "mq:10.0.0.2:8011", "state": "suspect"}]
        said = json.dumps({"node": "r", "members": rows}).encode()
        self.assertEqual(self.found(members=(200, said)), rows)

    def test_a_broker_of_a_cluster_tells_the_others_and_itself(self):
        rows = self.broker(json.dumps([*OTHERS, {"Name": NODE["name"], "Addr": "10.0.0.1", "Port": "8011"}]).encode())
        states = {row["name"]: (row["state"], row.get("version")) for row in rows}
        self.assertEqual(
            states,
            {"mq:10.0.0.1:8011": ("not ready: the disk refuses", "1"), "mq:10.0.0.2:8011": ("alive", None)},
        )
        self.assertEqual(self.server.asked[-1][2]["secretKey"], "k")

    def test_a_broker_alone_tells_itself(self):
        for said in (b"", b"null"):
            (row,) = self.broker(said)
            self.assertEqual((row["name"], row["address"]), ("mq:10.0.0.1:8011", "127.0.0.1"))

    def test_a_wrong_key_is_no_reason_to_ask_on(self):
        refusal = b'{"error":{"code":"unauthorized","message":"m"}}'
        with self.assertRaises(Refused):
            self.found(members=(401, refusal))
        self.assertEqual(len(self.server.asked), 1)
