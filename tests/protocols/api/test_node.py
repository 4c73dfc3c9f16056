"""The node: what it tells of itself, and how it is stopped."""

from kapokmq.core.admin import MemberInfo
from kapokmq.core.engine import Health
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.settings import Effective
from kapokmq.core.vitals import Backlog, CommitTimes, DiskRoom, Minute, Oldest, Standing
from tests.protocols.api.test_routing import ApiTests
from tests.protocols.http_fakes import NOW, Client


class NodeTests(ApiTests):
    def test_node(self):
        self.engine.state = Health(ready=True, reason="full")
        told = {"name": "mq:127.0.0.1:8011", "version": "0.1.0", "ready": True, "reason": "full"}
        self.assertEqual(self.node.told("GET /node"), told)

    def test_config(self):
        self.node.config = (Effective("mq.secretKey", "***", "***", "file"), Effective("x", [1], None, "default"))
        self.assertEqual(
            self.node.told("GET /config")["settings"][1],
            {"path": "x", "value": [1], "default": None, "source": "default"},
        )

    def test_clients(self):
        self.node.connections.made.append(Client("p", "t", "192.0.2.1", 5, 3, "producer"))
        told = self.node.told("GET /clients")
        self.assertEqual(
            told["clients"],
            [{
                "number": 3, "kind": "producer", "id": "p", "topic": "t", "address": "192.0.2.1", "joinTime": 5,
                "session": None, "published": None, "subscriptions": [],
            }],
        )  # fmt: skip
        c1 = {"label": "c1", "topic": "t", "group": "g", "credit": 99, "inFlight": 1, "number": 4}
        c1 |= {"address": "192.0.2.4", "since": 1_795_222_201.5, "delivered": 12, "acked": 11}
        tail = {"label": "tail", "topic": "t", "group": None, "credit": None, "inFlight": 0, "number": None}
        tail |= {"address": "", "since": 0, "delivered": 0, "acked": 0}
        self.assertEqual(told["members"], [c1, tail])

    def test_clients_page_by_page(self):
        made = [Client(str(at), "t", "192.0.2.1", 5, at) for at in (5, 2, 9, 7)]
        self.node.connections.made += made
        self.admin.consuming = [MemberInfo(str(at), "t", "g", 9, 0) for at in range(3)]
        clients, members, query = [], [], "limit=2"
        for cursor in ("5-2", None):
            told = self.node.told(f"GET /clients?{query}")
            clients += [one["number"] for one in told["clients"]]
            members += [one["label"] for one in told["members"]]
            self.assertEqual(told["cursor"], cursor)
            query = f"limit=2&cursor={cursor}"
        self.assertEqual((clients, members), ([2, 5, 7, 9], ["0", "1", "2"]))
        self.node.connections.made.clear()
        self.assertEqual(self.node.told("GET /clients?limit=1")["cursor"], "0-1")
        self.assertEqual(self.node.told("GET /clients?limit=1&cursor=0-2")["cursor"], None)
        for query in ("limit=0", "limit=1001", "cursor=x", "cursor=1"):
            self.assertEqual(self.node.refused(f"GET /clients?{query}")[:2], (400, "badRequest"), query)

    def test_close(self):
        self.node.connections.made.append(Client("p", "t", "192.0.2.1", 5, 3))
        self.assertEqual(self.node.told("POST /clients/3/close"), {"result": "done"})
        for number in ("4", "x", "-3", "%D9%A3", "9" * 30):
            self.assertEqual(self.node.refused(f"POST /clients/{number}/close")[:2], (404, "notFound"), number)
        self.assertEqual(self.node.connections.closed, [3, 4])

    def test_counts(self):
        told = self.node.told("GET /counts")
        self.assertEqual((told["all"], told["waiting"], told["figures"]["published"]), (6, 3, 1))
        self.assertEqual(told["topics"], [])
        self.admin.policies |= {"t": TopicPolicy(), "a/b": TopicPolicy(), "u": TopicPolicy()}
        topics = self.node.told("GET /counts?topic=t&topic=a%2Fb&topic=none")["topics"]
        self.assertEqual([(one["topic"], one["inFlight"]) for one in topics], [("t", 1), ("a/b", 1)])
        for query in ("topic=", "topic=" + "x" * 256, "&".join(["topic=t"] * 101), "topic=t&x=1"):
            self.assertEqual(self.node.refused(f"GET /counts?{query}")[:2], (400, "badRequest"), query)
        self.assertEqual(len(self.node.told("GET /counts?" + "&".join(["topic=t"] * 100))["topics"]), 100)

    def test_counts_of_a_node_that_rests(self):
        told = self.node.told("GET /counts")
        self.assertEqual((told["dead"], told["bytes"], told["deserted"]), (0, 1440, 0))
        for name in ("oldest", "oldestOf", "commit", "disk"):
            self.assertIsNone(told[name], name)
        self.assertEqual(told["connections"], {"producers": 0, "consumers": 0, "v2": 7})

    def test_counts_tell_how_the_node_is_doing(self):
        self.node.connections.made += [Client("p", "t", "192.0.2.1", 5, 3)] * 2
        self.node.connections.joined.append(Client("c", "t", "192.0.2.1", 5, 4))
        self.node.vitals.now = Standing(
            5, 4321, Backlog(Oldest(1_795_222_201_500, "t", "g"), 2), CommitTimes(0.002, 0.01, 99), DiskRoom(7, 10)
        )
        told = self.node.told("GET /counts")
        self.assertEqual((told["dead"], told["bytes"], told["deserted"]), (5, 4321, 2))
        self.assertEqual((told["oldest"], told["oldestOf"]), (1_795_222_201.5, {"topic": "t", "group": "g"}))
        self.assertEqual(told["connections"], {"producers": 2, "consumers": 1, "v2": 7})
        self.assertEqual(told["commit"], {"half": 0.002, "most": 0.01, "count": 99})
        self.assertEqual(told["disk"], {"free": 7, "total": 10})

    def test_minutes(self):
        self.assertEqual(self.node.told("GET /counts/minutes"), {"minutes": []})
        self.node.vitals.past = [Minute(60_000, 1, 2, 3, 4, 5, 6), Minute(120_000, 0, 0, 0, 0, 0, 7)]
        first, second = self.node.told("GET /counts/minutes")["minutes"]
        counted = {"published": 1, "delivered": 2, "acked": 3, "nacked": 4, "retried": 5, "dead": 6}
        self.assertEqual(first, {"at": 60.0} | counted)
        self.assertEqual((second["at"], second["dead"]), (120.0, 7))

    def test_what_the_key_may_do(self):
        self.assertEqual(self.node.told("GET /key"), {"rights": ["read", "publish", "consume", "steer"]})
        self.assertEqual(self.node.call("GET /key", key="x").status, 401)

    def test_hours(self):
        self.admin.policies["t"] = TopicPolicy()
        (hour,) = self.node.told("GET /counts/hours?topic=t&from=1.5&to=2")["hours"]
        self.assertEqual((hour["at"], hour["published"], hour["cleaned"]), (1795219200.0, 60, 3))
        self.node.told("GET /counts/hours")
        now, week = int(NOW * 1000), 7 * 86_400_000
        self.assertEqual(self.admin.asked, [("t", 1500, 2000), (None, now - week, now)])
        self.node.told("GET /counts/hours?to=5")
        self.assertEqual(self.admin.asked[-1], (None, 0, 5000))
        self.assertEqual(self.node.refused("GET /counts/hours?topic=u")[:2], (404, "notFound"))
        for query in ("from=0&to=40000000", "from=x", "topic=", "from=null"):
            self.assertEqual(self.node.refused(f"GET /counts/hours?{query}")[:2], (400, "badRequest"), query)

    def test_drain(self):
        self.assertEqual(self.node.told("POST /drain", None, 202), {"result": "draining"})
        self.node.told("POST /drain", {"seconds": 2.5}, 202)
        self.assertEqual(self.node.drains, [None, 2.5])
        for body in ({"seconds": -1}, {"seconds": "1"}, {"seconds": 1e9}, {"x": 1}):
            self.assertEqual(self.node.refused("POST /drain", body)[:2], (400, "badRequest"))
        self.assertEqual(len(self.node.drains), 2)
