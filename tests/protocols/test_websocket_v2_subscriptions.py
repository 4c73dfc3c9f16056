"""Subscriptions of v2 clients: joining, deliveries, leaving; acks, nacks and touches."""

from kapokmq.core.engine import Wish
from kapokmq.core.errors import Deleting, Draining, Gone, StoreUnavailable, TooMany
from tests.protocols.test_websocket_v2 import CODES, V2Case, publish
from tests.protocols.wire import MemoryNode, closing, op


class SubscribeTests(V2Case):
    """Joining and leaving."""

    def test_a_wish_comes_through_and_messages_flow_after_the_ok(self):
        member = self.subscribe(4, "orders.>", group="g", credit=5, start="all")
        self.assertEqual((member.topic, member.wish), ("orders.>", Wish("g", 5, start="all")))
        self.assertEqual(member.stalls, [False])
        self.assertEqual(member.receiver.label, "10.0.0.9")

    def test_deliveries(self):
        self.subscribe(4, "orders.>")
        codes = self.engine.deliver("orders.eu", "a", "b", attempts=[1, 2])
        self.assertEqual(len(self.client.transport.writes), 1)
        told = self.hears()
        self.assertEqual((told["op"], told["sub"]), ("deliver", 4))
        self.assertEqual([one["code"] for one in told["messages"]], codes)
        self.assertEqual([(one["data"], one["attempt"]) for one in told["messages"]], [("a", 1), ("b", 2)])
        self.assertEqual(told["messages"][0]["topic"], "orders.eu")

    def test_two_subscriptions_of_one_connection(self):
        self.subscribe(4)
        self.subscribe(5, "*")
        self.engine.deliver("orders", "a")
        self.assertEqual([told["sub"] for told in self.heard()], [4, 5])

    def test_it_cannot_be_joined(self):
        for fault, code in (
            (TooMany("too many topics"), "tooMany"),
            (Deleting("deleting"), "deleting"),
            (Draining("this node stops"), "draining"),
        ):
            self.engine.join_error = fault
            self.ask("subscribe", id=4, topic="orders")
            told = self.hears()
            self.assertEqual((told["id"], told["sub"], told["code"]), (4, 4, code))
        self.engine.join_error = None
        self.subscribe(4)

    def test_a_bug_in_joining(self):
        self.engine.join_error = KeyError("x")
        self.ask("subscribe", id=4, topic="orders")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertEqual(self.hears()["code"], "internal")

    def test_joining_takes_its_time(self):
        self.engine.slow = True
        self.ask("subscribe", id=4, topic="orders")
        self.send(op("credit", sub=4, n=7, id=5), op("touch", sub=4, codes=CODES, id=6), op("credit", sub=4, n=8))
        told = [{"op": "ok", "id": 5}, {"op": "ok", "id": 6, "unknown": [0, 1]}]
        self.assertEqual(self.heard(), told)
        self.engine.hurry()
        self.assertEqual(self.hears(), {"op": "ok", "id": 4})
        (member,) = self.engine.members
        self.assertEqual((member.credits, member.touched, member.stalls), ([8], [], [False]))

    def test_leaving_before_it_has_joined(self):
        self.engine.slow = True
        self.send(op("subscribe", id=4, topic="orders"), op("unsubscribe", sub=4, id=5))
        self.assertEqual(self.heard(), [])
        self.engine.hurry()
        self.assertEqual([told["id"] for told in self.heard()], [4, 5])
        self.assertEqual([one.gone for one in self.engine.subscriptions], [True])
        self.assertEqual(self.engine.subscriptions[0].stalls, [])

    def test_going_before_it_has_joined(self):
        self.engine.slow = True
        self.ask("subscribe", id=4, topic="orders")
        self.client.transport.lose()
        self.engine.hurry()
        self.assertEqual([one.gone for one in self.engine.subscriptions], [True])

    def test_leaving(self):
        member = self.subscribe(4)
        self.ask("unsubscribe", sub=4, id=5)
        self.assertEqual(self.hears(), {"op": "ok", "id": 5})
        self.assertTrue(member.gone)
        self.subscribe(4)

    def test_going_leaves_all(self):
        members = [self.subscribe(4), self.subscribe(5)]
        self.client.transport.lose()
        self.assertEqual([member.gone for member in members], [True, True])

    def test_a_goodbye_leaves_all_at_once_even_if_something_is_owed(self):
        member = self.subscribe(4)
        self.send(publish(5, "a"), closing())
        self.assertTrue(member.gone)
        self.assertEqual(self.heard(), [])

    def test_a_dismissal_is_told(self):
        member = self.subscribe(4)
        self.subscribe(5)
        member.receiver.dismissed(Gone("the group was deleted"))
        told = {"op": "error", "sub": 4, "code": "gone", "message": "the group was deleted"}
        self.assertEqual(self.hears(), told)
        self.ask("ack", sub=4, codes=CODES)
        self.assertEqual(self.hears()["code"], "unknownSub")
        self.client.transport.lose()
        self.assertEqual([one.gone for one in self.engine.subscriptions], [False, True])

    def test_a_dismissal_before_it_has_joined(self):
        def join(receiver, pattern, wish):
            receiver.dismissed(Gone("deleted"))
            return joined(receiver, pattern, wish)

        joined, self.engine.join = self.engine.join, join
        self.ask("subscribe", id=4, topic="orders")
        told = self.hears()
        self.assertEqual((told["id"], told["code"]), (4, "gone"))
        self.engine.join = joined
        self.subscribe(4)


class SettlingTests(V2Case):
    """Acks, nacks, touches, credit."""

    def setUp(self):
        super().setUp()
        self.member = self.subscribe(4)

    def test_without_ids_nothing_is_said(self):
        self.send(op("ack", sub=4, codes=CODES), op("nack", sub=4, codes=CODES, delay=1.5, reason="r"))
        self.send(op("nack", sub=4, codes=CODES), op("touch", sub=4, codes=CODES), op("credit", sub=4, n=0))
        self.assertEqual(self.heard(), [])
        member = self.member
        self.assertEqual((member.acked, member.touched, member.credits), ([CODES], [CODES], [0]))
        self.assertEqual(member.nacked, [(CODES, 1500, "r"), (CODES, None, "")])

    def test_acks_and_nacks_are_told_when_they_are_durable(self):
        self.engine.slow = True
        self.engine.unknown = {CODES[1]}
        self.send(op("ack", sub=4, codes=CODES, id=5), op("nack", sub=4, codes=CODES[:1], id=6, delay=0))
        self.assertEqual((self.heard(), self.member.acked), ([], [CODES]))
        self.engine.hurry()
        self.assertEqual(len(self.client.transport.writes), 1)
        self.assertEqual(
            self.heard(),
            [{"op": "ok", "id": 5, "durable": "fsync", "unknown": [1]}, {"op": "ok", "id": 6, "durable": "fsync"}],
        )
        self.assertEqual(self.member.nacked, [(CODES[:1], 0, "")])

    def test_touches_are_told_at_once(self):
        self.engine.slow = True
        self.engine.unknown = {CODES[0]}
        self.ask("touch", sub=4, codes=CODES, id=5)
        self.assertEqual(self.hears(), {"op": "ok", "id": 5, "unknown": [0]})

    def test_a_disk_that_fails(self):
        self.engine.commit_error = StoreUnavailable("no disk")
        self.send(op("ack", sub=4, codes=CODES, id=5), op("ack", sub=4, codes=CODES, id=6))
        self.assertEqual(
            [(told["id"], told["code"]) for told in self.heard()], [(5, "unavailable"), (6, "unavailable")]
        )

    def test_a_bug(self):
        self.engine.settle_error = KeyError("x")
        self.send(op("ack", sub=4, codes=CODES, id=5), op("touch", sub=4, codes=CODES))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 2)
        self.assertEqual(
            [(told.get("id"), told["code"]) for told in self.heard()], [(5, "internal"), (None, "internal")]
        )

    def test_the_node_s_promise_is_told(self):
        node = MemoryNode(durable="interval")
        client = node.greet()
        client.send(op("subscribe", id=1, topic="t"), op("ack", sub=1, codes=CODES, id=2))
        self.assertEqual(client.heard()[1]["durable"], "interval")

    def test_what_is_being_made_durable_comes_before_the_goodbye(self):
        self.engine.slow = True
        self.send(op("ack", sub=4, codes=CODES, id=5), closing())
        self.assertEqual(self.heard(), [])
        self.engine.hurry()
        self.assertEqual(self.heard()[1], (1000, ""))
