"""The HTTP API of a running node: leases by poll over real sockets, over disconnects, restarts and the node's end."""

import json
import socket
from http.client import HTTPResponse

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import PATIENCE, folder, start, until
from tests.integration.http import CONSUMED

GROUP = "/topics/t/groups/g"


class LeaseTests(SynchronousTestCase):
    def setUp(self):
        self.place = folder(self)
        self.broker = start(self, self.place)

    def ask(self, method, path, body=None):
        content = None if body is None else json.dumps(body)
        answer = self.broker.api.ask(method, f"/api/v1{path}", content, **{"Content-Type": "application/json"})
        self.assertLess(answer.status, 300, answer.body)
        return answer.json

    def publish(self, *texts):
        messages = [{"data": text} for text in texts]
        return self.ask("POST", "/topics/t/messages", {"messages": messages})["codes"]

    def poll(self, **wanted):
        """Ask for leases, and give the connection on which the answer comes."""
        connection = socket.create_connection(("127.0.0.1", self.broker.port), PATIENCE)
        self.addCleanup(connection.close)
        body = json.dumps(wanted)
        head = f"POST /api/v1{GROUP}/lease HTTP/1.1\r\nHost: 127.0.0.1\r\nsecretKey: test\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body.encode())
        return connection

    def leased(self, connection):
        response = HTTPResponse(connection)
        response.begin()
        return [one["data"] for one in json.loads(response.read())["messages"]]

    def waiting(self, count):
        """Wait until that many messages are granted to polls."""
        until(lambda: [one["credit"] for one in self.ask("GET", "/clients")["members"]] == [count], "credit")

    def test_a_poll_waits_for_a_message(self):
        first, second = self.poll(max=2, wait=60), self.poll(max=5, wait=60)
        self.waiting(7)
        self.publish("a", "b", "c")
        self.assertEqual(sorted(self.leased(first) + self.leased(second)), ["a", "b", "c"])
        self.waiting(0)

    def test_who_leaves_is_not_waited_for(self):
        gone = self.poll(max=5, wait=60)
        self.waiting(5)
        gone.close()
        self.waiting(0)
        self.publish("a")
        (one,) = self.ask("POST", f"{GROUP}/lease", {"wait": 20})["messages"]
        self.assertEqual((one["data"], one["attempt"]), ("a", 1))

    def test_nothing_is_dealt_twice_while_it_is_held(self):
        self.publish(*map(str, range(1_500)))
        seen = []
        while len(seen) < 1_500:
            codes = [one["code"] for one in self.ask("POST", f"{GROUP}/lease", {"max": 700, "wait": 20})["messages"]]
            self.assertTrue(codes)
            seen += codes
        self.assertEqual(len(set(seen)), 1_500)
        self.assertEqual(self.ask("POST", f"{GROUP}/lease")["messages"], [])
        self.assertEqual(self.ask("POST", f"{GROUP}/ack", {"codes": seen}), {"unknown": []})
        self.assertEqual(self.broker.api.counts()["consumed"], 1_500)

    def test_nack_brings_it_again(self):
        codes = self.publish("a")
        for attempt in (1, 2, 3):
            (one,) = self.ask("POST", f"{GROUP}/lease", {"wait": 20})["messages"]
            self.assertEqual(one["attempt"], attempt)
            self.assertEqual(self.ask("POST", f"{GROUP}/nack", {"codes": codes, "delay": 0}), {"unknown": []})

    def test_many_are_deleted_at_once(self):
        kept, *codes = [code for _ in range(3) for code in self.publish(*["x" * 3_000] * 1_000)]
        told = [self.ask("POST", "/messages/delete", {"codes": [*codes[:5], "junk", *codes]}) for _ in range(2)]
        self.assertEqual([one["count"] for one in told], [2_999, 0])
        (left,) = self.ask("GET", "/messages?topic=t")["messages"]
        self.assertEqual(left["code"], kept)

    def test_an_ack_is_kept_over_a_kill(self):
        one, other = self.publish("a", "b")
        self.ask("POST", f"{GROUP}/lease", {"wait": 20})
        self.assertEqual(self.ask("POST", f"{GROUP}/ack", {"codes": [one, one]}), {"unknown": [1]})
        self.broker.kill()
        self.broker = start(self, self.place)
        self.assertEqual([row["MessageData"] for row in self.broker.api.messages(CONSUMED)], ["a"])
        # Leases are not stored: what was held is simply not done, and comes again.
        self.assertEqual(self.ask("POST", f"{GROUP}/ack", {"codes": [other]}), {"unknown": [0]})
        (again,) = self.ask("POST", f"{GROUP}/lease", {"wait": 20})["messages"]
        self.assertEqual(again["code"], other)
        self.assertEqual(self.ask("POST", f"{GROUP}/ack", {"codes": [other]}), {"unknown": []})
        self.assertEqual(self.broker.api.counts()["consumed"], 2)

    def test_a_drain_answers_those_who_wait(self):
        codes = self.publish("a")
        self.ask("POST", f"{GROUP}/lease", {"wait": 20})
        connection = self.poll(wait=60)
        self.waiting(10)
        self.assertEqual(self.ask("POST", "/drain", {"seconds": 60}), {"result": "draining"})
        self.assertEqual(self.leased(connection), [])
        for path in (f"{GROUP}/lease", "/topics/t/groups/h/lease"):
            answer = self.broker.api.ask("POST", f"/api/v1{path}")
            self.assertEqual((answer.status, answer.json["error"]["code"]), (503, "draining"))
        answer = self.broker.api.ask("GET", "/api/v1/events/topics/t")
        self.assertEqual((answer.status, answer.json["error"]["code"]), (503, "draining"))
        self.assertEqual(self.ask("POST", f"{GROUP}/ack", {"codes": codes}), {"unknown": []})
        self.assertEqual(self.broker.ended(), 0)

    def test_an_idle_group_takes_no_place(self):
        self.assertEqual(self.ask("POST", f"{GROUP}/lease")["messages"], [])
        until(lambda: self.ask("GET", "/clients")["members"] == [], "departure")
        self.assertEqual(self.ask("POST", f"{GROUP}/ack", {"codes": ["x", "y"]}), {"unknown": [0, 1]})
        self.assertEqual(self.ask("GET", "/clients")["members"], [])

    def test_the_end_of_the_node_answers_those_who_wait(self):
        connection = self.poll(wait=60)
        self.waiting(10)
        self.broker.process.terminate()
        self.assertEqual(self.leased(connection), [])
        self.assertEqual(self.broker.ended(), 0)
        self.assertNotIn("Traceback", self.broker.said())
