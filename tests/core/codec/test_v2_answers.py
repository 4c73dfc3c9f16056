"""What v2 clients are sent."""

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.rejected import Rejected
from kapokmq.core.codec.v2_answers import (
    Limits,
    encode_delivery,
    encode_drain,
    encode_error,
    encode_ok,
    encode_receipt,
    encode_welcome,
    messages_json,
)
from kapokmq.core.message import Message
from kapokmq.core.peers import Delivery, Receipt

PREFIX = "0123456789abcdef00000001"
LIMITS = Limits(*range(1, 11))


def unframed(data):
    """The payload of one text frame."""
    assert data[0] == 0x81
    start = {126: 4, 127: 10}.get(data[1], 2)
    size = data[1] if start == 2 else int.from_bytes(data[2:start], "big")
    assert len(data) == start + size
    return json.loads(data[start:])


class AnswerTests(SynchronousTestCase):
    def test_welcome(self):
        limits = {
            "messageBytes": 1,
            "batch": 2,
            "frameBytes": 3,
            "credit": 4,
            "headers": 5,
            "headerBytes": 6,
            "subscriptions": 7,
            "unconfirmed": 8,
            "ackCodes": 9,
            "nackCodes": 10,
        }
        bare = {"op": "welcome", "server": "kapokmq", "version": "1", "node": "n", "limits": limits}
        self.assertEqual(unframed(encode_welcome("1", "n", LIMITS, None, None)), bare)
        self.assertEqual(unframed(encode_welcome("1", "n", LIMITS, 0, "s")), bare | {"id": 0, "session": "s"})

    def test_ok(self):
        self.assertEqual(unframed(encode_ok(0)), {"op": "ok", "id": 0})
        told = unframed(encode_ok(1, durable="fsync", unknown=[2, 5]))
        self.assertEqual(told, {"op": "ok", "id": 1, "durable": "fsync", "unknown": [2, 5]})

    def test_error(self):
        self.assertEqual(unframed(encode_error(Rejected("x"))), {"op": "error", "code": "badRequest", "message": "x"})
        fault = Rejected("x", "full", request=0, sub=0, index=0)
        fault.retry_after = 1.5
        self.assertEqual(
            unframed(encode_error(fault)),
            {"op": "error", "code": "full", "message": "x", "id": 0, "sub": 0, "index": 0, "retryAfter": 1.5},
        )

    def test_drain(self):
        self.assertEqual(unframed(encode_drain('the "end"')), {"op": "drain", "reason": 'the "end"'})


class ReceiptTests(SynchronousTestCase):
    def test_a_receipt(self):
        receipt = Receipt(7, 5, 2, PREFIX, "interval")
        self.assertEqual(
            unframed(encode_receipt(receipt)),
            {"op": "ok", "id": 7, "codes": [f"{PREFIX}{5:016x}", f"{PREFIX}{6:016x}"], "durable": "interval"},
        )

    def test_duplicates_and_what_was_sent_before(self):
        receipt = Receipt(7, 5, 3, PREFIX, "fsync", {2: "b" * 40, 0: "a" * 40}, resent=True)
        told = unframed(encode_receipt(receipt))
        self.assertEqual(told["codes"], ["a" * 40, f"{PREFIX}{6:016x}", "b" * 40])
        self.assertEqual((told["duplicates"], told["resent"]), ([0, 2], True))

    @given(st.integers(0, (1 << 63) - 20_000) | st.integers(4000, 4200), st.integers(1, 10_000))
    def test_codes_are_those_of_the_receipt(self, first, count):
        receipt = Receipt(0, first, count, PREFIX)
        self.assertTrue(unframed(encode_receipt(receipt))["codes"] == receipt.codes)  # without a difference of 10,000


class DeliveryTests(SynchronousTestCase):
    def test_a_batch(self):
        plain = Message(1, 1, 1_700_000_000_123, 0, None, None, None, None, 'a"ä')
        full = Message(2, 1, 1_700_000_001_000, 0, None, None, "k", '{"h":"1"}', "b")
        delivery = Delivery("orders", [plain, full], ["c1", "c2"], [1, 3])
        base = {"topic": "orders", "attempt": 1}
        self.assertEqual(
            unframed(encode_delivery(9, delivery)),
            {
                "op": "deliver",
                "sub": 9,
                "messages": [
                    base | {"code": "c1", "data": 'a"ä', "createTime": 1_700_000_000.123},
                    base
                    | {"code": "c2", "data": "b", "createTime": 1_700_000_001}
                    | {"attempt": 3, "key": "k", "headers": {"h": "1"}},
                ],
            },
        )

    def test_the_first_attempt_goes_without_saying_to_us(self):
        message = Message(1, 1, 0, 0, None, None, None, None, "a")
        (told,) = unframed(encode_delivery(1, Delivery("t", [message], ["c"])))["messages"]
        self.assertEqual(told["attempt"], 1)

    def test_messages_are_encoded_once_for_all(self):
        message = Message(1, 1, 0, 0, None, None, None, None, "a")
        delivery = Delivery("t", [message], ["c"])
        first = encode_delivery(1, delivery)
        message.data = "b"
        self.assertEqual(unframed(encode_delivery(2, delivery))["messages"], unframed(first)["messages"])
        self.assertIs(delivery.rendered(messages_json), delivery.rendered(messages_json))
