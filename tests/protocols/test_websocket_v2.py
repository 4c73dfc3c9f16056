"""The v2 wire over a WebSocket, in memory: publishes, sessions, and who is listed."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import Full, Paused, StoreUnavailable
from kapokmq.core.message import Draft, Text
from kapokmq.protocols.connections import Interest
from tests.protocols.wire import BINARY, KEY, V2, MemoryNode, closing, frame, op

CODES = ["a" * 40, "b" * 40]


def publish(number, *texts, topic="orders", **fields):
    return op("publish", id=number, topic=topic, messages=[{"data": text} for text in texts], **fields)


class V2Case(SynchronousTestCase):
    """A client that was welcomed."""

    def setUp(self):
        self.node = MemoryNode()
        self.engine = self.node.engine
        self.client = self.node.greet()
        self.ask, self.send = self.client.ask, self.client.send
        self.heard, self.hears = self.client.heard, self.client.hears

    def subscribe(self, sub=1, topic="orders", **fields):
        self.ask("subscribe", id=sub, topic=topic, **fields)
        self.assertEqual(self.hears(), {"op": "ok", "id": sub})
        return self.engine.subscriptions[-1]


class PublishTests(V2Case):
    """Messages in, receipts out."""

    def test_a_publish_is_confirmed_with_its_codes(self):
        self.send(publish(7, "a", "b"))
        self.assertEqual(self.heard(), [])
        (call,) = self.engine.publishes
        self.assertEqual((call.topic, call.drafts), ("orders", [Text("a"), Text("b")]))
        self.assertEqual((call.session, call.number, call.durable), (None, 7, False))
        self.engine.confirm()
        told = {"op": "ok", "id": 7, "codes": ["0" * 40, "0" * 39 + "1"], "durable": "fsync"}
        self.assertEqual(self.hears(), told)

    def test_several_of_a_read_are_confirmed_in_one_write(self):
        self.send(publish(1, "a"), publish(2, "b", topic="u"), publish(3, "c"))
        self.assertEqual(len(self.engine.publishes), 3)
        self.engine.confirm()
        self.assertEqual(len(self.client.transport.writes), 1)
        self.assertEqual([told["id"] for told in self.heard()], [1, 2, 3])

    def test_answers_of_a_read_are_one_write(self):
        self.send(op("x", id=1), op("y", id=2), op("subscribe", id=3, topic="t"), op("unsubscribe", sub=3, id=4))
        self.assertEqual(len(self.client.transport.writes), 1)
        self.assertEqual([told["id"] for told in self.heard()], [1, 2, 3, 4])

    def test_durable_and_binary(self):
        self.send(frame(b'{"op":"publish","id":1,"topic":"t","durable":true,"messages":[{"data":1}]}', BINARY))
        (call,) = self.engine.publishes
        self.assertEqual((call.durable, call.drafts), (True, [Draft("1")]))

    def test_what_the_engine_refuses_is_told_and_the_connection_lives(self):
        for fault, told in (
            (Full("full up"), {"code": "full", "message": "full up", "retryAfter": 1.0}),
            (Paused("paused"), {"code": "paused", "message": "paused", "retryAfter": 5.0}),
        ):
            self.engine.publish_error = fault
            self.send(publish(1, "a"))
            self.assertEqual(self.hears(), {"op": "error", "id": 1, **told})
        self.engine.publish_error = None
        self.send(publish(2, "a"))
        self.engine.refuse(StoreUnavailable("no disk"))
        told = {"op": "error", "id": 2, "code": "unavailable", "message": "no disk", "retryAfter": 1.0}
        self.assertEqual(self.hears(), told)
        self.send(publish(3, "a"))
        self.engine.confirm()
        self.assertEqual(self.hears()["id"], 3)

    def test_a_bug_is_told_and_logged_and_the_connection_lives(self):
        self.engine.publish_error = KeyError("a secret")
        self.send(publish(1, "a"))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        told = {"op": "error", "id": 1, "code": "internal", "message": "internal error"}
        self.assertEqual(self.hears(), told)
        self.engine.publish_error = None
        self.send(publish(2, "a"))
        self.assertEqual(len(self.engine.unconfirmed), 1)

    def test_a_full_broker_does_not_stop_the_reading(self):
        self.engine.full = True
        client = self.node.greet()
        self.assertEqual(client.transport.producerState, "producing")
        self.engine.publishers[-1].resume()
        self.assertEqual(client.transport.producerState, "producing")

    def test_more_than_a_thousand_unconfirmed_do(self):
        self.send(*[publish(number, "a") for number in range(999)])
        self.assertEqual(self.client.transport.producerState, "producing")
        self.send(publish(999, "a"))
        self.assertEqual(self.client.transport.producerState, "paused")
        self.engine.confirm(1)
        self.assertEqual(self.client.transport.producerState, "producing")

    def test_who_does_not_read_answers_is_not_read_either(self):
        self.client.wire.pauseProducing()
        for number in range(1001):
            self.send(publish(number, "a"))
            self.engine.confirm()
        self.assertEqual(self.client.transport.writes, [])
        self.assertEqual(self.client.transport.producerState, "paused")
        self.client.wire.resumeProducing()
        self.assertEqual([told["id"] for told in self.heard()], list(range(1001)))
        self.assertEqual(self.client.transport.producerState, "producing")

    def test_what_is_owed_comes_before_the_goodbye(self):
        self.send(publish(1, "a"), closing(1000))
        self.assertEqual(self.heard(), [])
        self.engine.confirm()
        told = self.heard()
        self.assertEqual((told[0]["id"], told[1]), (1, (1000, "")))
        self.assertEqual(len(self.engine.detached), 1)

    def test_who_is_gone_is_told_nothing(self):
        self.send(publish(1, "a"))
        self.client.transport.lose()
        self.engine.confirm()
        self.assertEqual(len(self.engine.detached), 1)
        self.assertEqual(self.node.clock.getDelayedCalls(), [])


class SessionTests(V2Case):
    """Numbered publish calls."""

    def test_a_session_goes_with_each_publish(self):
        client = self.node.greet(session="s1")
        client.send(publish(5, "a"))
        call = self.engine.publishes[-1]
        self.assertEqual((call.session, call.number), ("session s1", 5))
        client.transport.lose()
        self.assertEqual(self.engine.closed, ["session s1"])

    def test_frames_wait_for_the_session(self):
        self.engine.slow = True
        client = self.node.connect(V2)
        client.send(op("hello", key=KEY, session="s1"), publish(1, "a"))
        client.send(publish(2, "b"))
        self.assertEqual((client.heard(), self.engine.publishes), ([], []))
        self.assertEqual(client.transport.producerState, "paused")
        self.engine.hurry()
        self.assertEqual(client.hears()["session"], "s1")
        self.assertEqual(client.transport.producerState, "producing")
        self.assertEqual([call.number for call in self.engine.publishes], [1, 2])

    def test_a_session_that_cannot_be_opened(self):
        self.engine.session_error = StoreUnavailable("no disk")
        client = self.node.connect(V2)
        client.send(op("hello", id=1, key=KEY, session="s1"), op("hello", id=2, key=KEY))
        told = client.heard()
        self.assertEqual([(one["op"], one["id"]) for one in told], [("error", 1), ("welcome", 2)])
        self.assertEqual((told[0]["code"], told[0]["retryAfter"]), ("unavailable", 1.0))

    def test_a_bug_in_opening_one(self):
        self.engine.session_error = KeyError("x")
        client = self.node.connect(V2)
        client.send(op("hello", key=KEY, session="s1"))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertEqual(client.hears()["code"], "internal")

    def test_who_goes_while_it_is_opened(self):
        self.engine.slow = True
        client = self.node.connect(V2)
        client.send(op("hello", key=KEY, session="s1"))
        client.transport.lose()
        self.client.transport.lose()
        self.engine.hurry()
        self.assertEqual(self.engine.closed, ["session s1"])
        self.assertEqual(self.node.clock.getDelayedCalls(), [])


class RegistryTests(V2Case):
    """What others learn of v2 clients."""

    def test_they_are_listed_apart(self):
        client = self.node.greet(name="worker", session="s1", ip="10.1.1.1")
        client.send(
            op("subscribe", id=1, topic="a.>", group="g"), op("subscribe", id=2, topic="b"), publish(3, "x", "y")
        )
        self.engine.confirm()
        subscriptions = (Interest(1, "a.>", "g"), Interest(2, "b", None))
        joined = 1795219602
        self.assertEqual(
            self.node.connections.listed(),
            [
                (1, "v2", "", "", "10.0.0.9", joined, None, 0, ()),
                (2, "v2", "", "worker", "10.1.1.1", joined, "s1", 2, subscriptions),
            ],
        )
        receiver = self.engine.members[0].receiver
        self.assertEqual((receiver.label, receiver.address, receiver.number), ("worker 10.1.1.1", "10.1.1.1", 2))
        self.assertEqual((self.node.connections.producers(), self.node.connections.consumers()), ([], []))
        client.transport.lose()
        self.assertEqual(len(self.node.connections.listed()), 1)

    def test_the_same_name_may_come_often(self):
        node = MemoryNode(same_id_limit=1)
        clients = [node.greet(name="worker") for _ in range(3)]
        self.assertEqual([client.take() for client in clients], [[], [], []])

    def test_draining_is_told_to_those_there_and_those_who_come(self):
        self.node.connections.drain("this node stops")
        told = {"op": "drain", "reason": "this node stops"}
        self.assertEqual(self.hears(), told)
        client = self.node.connect(V2, early=op("hello", key=KEY))
        self.assertEqual(client.heard()[1], told)
        self.ask("subscribe", id=1, topic="t")
        self.assertEqual(self.hears()["op"], "ok")

    def test_a_node_that_stops_closes_them(self):
        member = self.subscribe(4)
        self.node.connections.close_all(self.node.clock)
        self.assertEqual(self.hears(), (1001, "this node stops"))
        self.assertTrue(member.gone)
        self.client.transport.lose()
        self.assertEqual(self.node.clock.getDelayedCalls(), [])

    def test_a_peer_that_is_silent_is_closed(self):
        self.node.clock.advance(30)
        self.client.take()
        self.node.clock.advance(20)
        self.assertEqual(self.hears(), (1008, "no answer to a ping within 20 s"))
