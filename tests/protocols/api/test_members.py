"""Who is in the cluster, as a broker tells it."""

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.protocols.api.fakes import ApiNode
from tests.protocols.http_fakes import NOW
from tests.serena.web.pool import FakeMember, FakePool


class MembersTests(SynchronousTestCase):
    def setUp(self):
        self.pool = FakePool([FakeMember(b"r:h:2"), FakeMember(b"mq:h:1", since=-2.0, rtt=0.5)])
        self.node = ApiNode(membership=self.pool)

    def test_everybody_by_name(self):
        reply = self.node.call("GET /members")
        told = json.loads(reply.body)
        self.assertEqual((reply.status, told["node"]), (200, "mq:127.0.0.1:8011"))
        self.assertEqual([one["name"] for one in told["members"]], ["mq:h:1", "r:h:2"])
        self.assertEqual((told["members"][0]["since"], told["members"][0]["rtt"]), (NOW - 2, 0.5))

    def test_all_and_then_each_change(self):
        wire = self.node.begin("GET /watch")
        self.node.clock.pump([0, 0, 0])
        self.assertIn(b"event: snapshot\n", wire.received())
        self.pool.tell("join", FakeMember(b"mq:h:3"))
        self.assertIn(b'event: join\ndata: {"name":"mq:h:3"', wire.received())

    def test_they_want_the_key(self):
        for path in ("/members", "/watch"):
            self.assertEqual(self.node.call(f"GET {path}", key=None).status, 401)

    def test_a_node_in_no_cluster(self):
        node = ApiNode()
        for path in ("/members", "/watch"):
            reply = node.call(f"GET {path}")
            self.assertEqual((reply.status, json.loads(reply.body)["error"]["code"]), (404, "notFound"))
