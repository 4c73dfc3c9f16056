"""Bad input over v2: each has its answer, and the connection survives what is not a framing fault."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import Paused, Reused, TooOld
from kapokmq.core.peers import Receipt
from tests.protocols.wire import BINARY, KEY, V2, MemoryNode, frame, op

CODE = "ab" * 20


def publish(*messages, **fields):
    return op("publish", **{"id": 7, "topic": "orders", "messages": messages, **fields})


class SurvivalTests(SynchronousTestCase):
    """An `error`, and the connection goes on."""

    def setUp(self):
        self.node = MemoryNode()
        self.engine = self.node.engine
        self.client = self.node.greet(session="s")
        self.client.ask("subscribe", id=1, topic="t", group="g")
        self.client.take()

    def error(self, data, code, **fields):
        """Sends it, and looks at the error and at what still works."""
        self.client.send(data)
        told = self.client.hears()
        self.assertEqual((told.pop("op"), told.pop("code")), ("error", code))
        said = told.pop("message")
        told.pop("retryAfter", None)
        self.assertEqual(told, fields, said)
        self.client.ask("touch", sub=1, codes=["c"], id=99)
        self.assertEqual(self.client.hears(), {"op": "ok", "id": 99})
        self.assertEqual(self.engine.unconfirmed, [])

    def test_each(self):
        good = {"data": "x"}
        for data, code, fields in (
            (op("unheard", id=7), "badRequest", {"id": 7}),
            (frame('{"id":7}'), "badRequest", {"id": 7}),
            (op("publish", id=7, topic="t"), "badRequest", {"id": 7}),
            (op("publish", topic="t", messages=[good]), "badRequest", {}),
            (publish(good, more=1), "badRequest", {"id": 7}),
            (publish(good, {"data": "x", "delay": "soon"}), "badRequest", {"id": 7, "index": 1}),
            (publish(topic="t"), "badRequest", {"id": 7}),
            (op("ack", sub=5, codes=[CODE]), "unknownSub", {"sub": 5}),
            (op("nack", sub=5, codes=[CODE], id=7), "unknownSub", {"id": 7, "sub": 5}),
            (op("touch", sub=5, codes=[CODE], id=7), "unknownSub", {"id": 7, "sub": 5}),
            (op("credit", sub=5, n=1, id=7), "unknownSub", {"id": 7, "sub": 5}),
            (op("unsubscribe", sub=5, id=7), "unknownSub", {"id": 7, "sub": 5}),
            (op("subscribe", id=1, topic="t"), "subTaken", {"id": 1}),
            (op("subscribe", id=7, topic="t", credit=1_000_000), "badRequest", {"id": 7}),
            (op("credit", sub=1, n=1_000_000, id=7), "badRequest", {"id": 7, "sub": 1}),
            (op("credit", sub=1, n=-1), "badRequest", {"sub": 1}),
            (publish(*[good] * 10_000), "tooMany", {"id": 7}),
            (publish(good, {"data": "x", "headers": {"h": "x" * (1 << 20)}}), "tooBig", {"id": 7, "index": 1}),
            (publish({"data": "x" * ((1 << 20) + 1)}), "tooBig", {"id": 7, "index": 0}),
            (publish({"data": "x", "key": "k" * 256}), "badName", {"id": 7, "index": 0}),
            (publish({"data": "x", "delay": 1, "at": 1}), "badMessage", {"id": 7, "index": 0}),
            (publish(good, topic="orders.*"), "badName", {"id": 7}),
            (publish(good, topic=">"), "badName", {"id": 7}),
            (publish(good, topic=""), "badName", {"id": 7}),
            (op("subscribe", id=7, topic="a.>.b"), "badName", {"id": 7}),
            (op("subscribe", id=7, topic="a..*"), "badName", {"id": 7}),
            (op("subscribe", id=7, topic="a", group="\0"), "badName", {"id": 7}),
            (op("subscribe", id=7, topic="a", start="yesterday"), "badRequest", {"id": 7}),
            (op("hello", id=7, key=KEY), "badRequest", {"id": 7}),
            (frame("hello"), "badRequest", {}),
            (frame(""), "badRequest", {}),
            (frame("[]"), "badRequest", {}),
            (frame("\ufeff{}"), "badRequest", {}),
            (frame(r'{"op":"publish","id":7,"topic":"t","messages":[{"data":"\ud800"}]}'), "badRequest", {"id": 7}),
            (frame("[" * 100_000), "badRequest", {}),
            (frame("hello", BINARY), "badRequest", {}),
        ):
            self.error(data, code, **fields)

    def test_a_credit_of_zero_pauses(self):
        self.client.send(op("credit", sub=1, n=0, id=5), op("subscribe", id=6, topic="t", credit=0))
        self.assertEqual([told["op"] for told in self.client.heard()], ["ok", "ok"])
        self.assertEqual((self.engine.members[0].credits, self.engine.members[1].credit), ([0], 0))

    def test_wildcards_that_are_none_are_names(self):
        for number, topic in enumerate(("a*", "*a.b", "a>", "a.>b"), 10):
            self.client.send(publish({"data": "x"}, topic=topic, id=number))
        self.assertEqual([call.topic for call in self.engine.publishes], ["a*", "*a.b", "a>", "a.>b"])

    def test_a_publish_to_a_paused_topic(self):
        self.engine.publish_error = Paused("topic: is paused")
        self.error(publish({"data": "x"}), "paused", id=7)

    def test_a_number_that_was_used(self):
        for fault, code in ((Reused("number 7 was another call"), "reused"), (TooOld("too old"), "tooOld")):
            self.engine.publish_error = fault
            self.error(publish({"data": "x"}), code, id=7)

    def test_acking_twice_and_after_the_lease_is_lost(self):
        self.client.ask("ack", sub=1, codes=[CODE], id=5)
        self.assertEqual(self.client.hears(), {"op": "ok", "id": 5, "durable": "fsync"})
        self.engine.unknown = {CODE}
        self.client.ask("ack", sub=1, codes=[CODE], id=6)
        self.assertEqual(self.client.hears(), {"op": "ok", "id": 6, "durable": "fsync", "unknown": [0]})
        self.client.ask("ack", sub=1, codes=[CODE])
        self.assertEqual(self.client.heard(), [])

    def test_a_publish_that_is_sent_again_after_a_reconnect(self):
        self.client.send(publish({"data": "x"}))
        self.client.transport.lose()
        client = self.node.greet(session="s")
        client.send(publish({"data": "x"}))
        first, again = self.engine.publishes
        self.assertEqual((again.session, again.number), (first.session, first.number))
        again.publisher.confirmed([Receipt(7, 0, 1, "0" * 24, resent=True)])
        told = {"op": "ok", "id": 7, "codes": ["0" * 40], "durable": "fsync", "resent": True}
        self.assertEqual(client.hears(), told)

    def test_duplicates_are_named_by_index(self):
        self.client.send(publish({"data": "x", "key": "k"}, {"data": "y", "key": "l"}))
        (call,) = self.engine.publishes
        call.publisher.confirmed([Receipt(7, 5, 2, "0" * 24, duplicates={0: CODE})])
        told = self.client.hears()
        self.assertEqual((told["codes"], told["duplicates"]), ([CODE, f"{6:040x}"], [0]))

    def test_too_many_subscriptions(self):
        self.client.send(*[op("subscribe", id=number, topic="t") for number in range(2, 1001)])
        self.client.take()
        self.error(op("subscribe", id=2000, topic="t"), "tooMany", id=2000)


class FramingTests(SynchronousTestCase):
    """What ends the connection."""

    def closed(self, *data, **settings):
        client = MemoryNode(**settings).greet()
        client.send(*data)
        return client.heard()

    def test_bytes_that_are_no_text(self):
        self.assertEqual(self.closed(frame(b"\xff")), [(1007, "not UTF-8 at byte 0")])
        self.assertEqual(self.closed(frame(b'{"op":"\xff"}', BINARY)), [(1007, "not UTF-8 at byte 7")])

    def test_what_came_before_counts(self):
        told = self.closed(op("subscribe", id=1, topic="t"), frame(b"\xff", BINARY), op("subscribe", id=2, topic="t"))
        self.assertEqual(told, [{"op": "ok", "id": 1}, (1007, "not UTF-8 at byte 0")])

    def test_a_frame_that_is_too_long(self):
        told = self.closed(frame(b"x" * (8 << 20))[:-1] + b"x")
        self.assertEqual(told[0]["code"], "badRequest")
        told = self.closed(frame(b"x" * ((8 << 20) + 1))[:20])
        self.assertEqual(told, [(1009, f"frame: longer than {8 << 20} bytes")])

    def test_an_unmasked_frame(self):
        self.assertEqual(self.closed(frame("{}", masked=False))[0][0], 1002)

    def test_a_message_in_pieces_is_one(self):
        whole = b'{"op":"touch","sub":5,"codes":["c"]}'
        told = self.closed(frame(whole[:9], fin=False), frame(whole[9:], 0))
        self.assertEqual(told[0]["code"], "unknownSub")

    def test_frames_behind_the_upgrade_are_read(self):
        client = MemoryNode().connect(V2, early=op("hello", key=KEY) + op("subscribe", id=1, topic="t"))
        self.assertEqual([told["op"] for told in client.heard()], ["welcome", "ok"])
