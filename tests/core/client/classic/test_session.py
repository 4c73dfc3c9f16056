"""The classic wire as a client speaks it."""

import contextlib  # trial takes a name `suppress` in a module for its own
import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.classic.session import Entrance, Message, draft, is_refusal, read_push
from kapokmq.core.client.errors import WrongKey
from kapokmq.core.codec.classic import decode_drafts
from kapokmq.core.errors import BadMessage

PROMPT, WRONG, RIGHT = (
    b"Please enter the secret key",
    b"Secret key matching error",
    b"Secret key matching succeeded",
)


class EntranceTests(SynchronousTestCase):
    def setUp(self):
        self.entrance = Entrance("kéy")

    def test_the_key_is_shown_when_it_is_asked_for(self):
        self.assertEqual((self.entrance.received(PROMPT), self.entrance.open), ("kéy", False))
        self.assertEqual((self.entrance.received(RIGHT), self.entrance.open), (None, True))

    def test_a_wrong_key_raises(self):
        self.entrance.received(PROMPT)
        error = self.assertRaises(WrongKey, self.entrance.received, WRONG)
        self.assertEqual((error.code, str(error)), ("unauthorized", "unauthorized: Secret key matching error"))

    def test_the_key_is_shown_once(self):
        self.entrance.received(PROMPT)
        self.assertRaises(WrongKey, self.entrance.received, PROMPT)

    def test_the_texts_are_compared_to_the_letter(self):
        for text in (b"please enter the secret key", PROMPT + b"\n", b"", b"\xff", RIGHT[:-1]):
            error = self.assertRaises(BadMessage, self.entrance.received, text)
            self.assertIn("is not what a broker says", str(error))
        self.assertFalse(self.entrance.open)


class PushTests(SynchronousTestCase):
    def test_the_originals_push(self):
        pushed = (
            b'{"MessageCode":"688215c73f3596a4fdebe8251e4bedc5","MessageData":"\\u003cb\\u003e \\u0026 \xc3\xa9",'
            b'"Topic":"t","CreateTime":1795219602,"ConsumedTime":0,"DelayTime":5,"Status":-1}\n'
        )
        message = read_push(pushed)
        self.assertEqual(
            message, Message("688215c73f3596a4fdebe8251e4bedc5", "<b> & é", "t", 1795219602, 0, 5, Status=-1)
        )

    def test_times_as_texts_are_read(self):
        self.assertEqual(read_push(b'{"MessageCode":"c","CreateTime":"1640975470"}').CreateTime, 1640975470)

    def test_what_is_no_push_is_refused(self):
        for frame in (
            b"",
            b"ok",
            b"[]",
            b'{"MessageData":"x"}',
            b'{"MessageCode":""}',
            b'{"MessageCode":"\xff"}',
            b"7",
        ):
            self.assertRaises(BadMessage, read_push, frame)

    def test_the_text_as_json(self):
        self.assertEqual(Message("c", '{"id": 17}').json(), {"id": 17})
        self.assertRaises(ValueError, Message("c", "no").json)

    @given(st.binary(max_size=60))
    def test_junk_is_read_or_refused(self, junk):
        with contextlib.suppress(BadMessage):
            read_push(junk)


class DraftTests(SynchronousTestCase):
    @given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-(10**6), 10**6))
    def test_a_broker_reads_what_was_meant(self, data, delay):
        text = draft(data, delay)
        self.assertEqual(json.loads(text), {"MessageData": data, "DelayTime": delay})
        (read,), fault = decode_drafts([text], 1 << 20)
        self.assertIsNone(fault)
        self.assertEqual(read.data, data)

    def test_what_no_broker_takes_is_refused_here(self):
        for data, delay in ((b"x", 0), (None, 0), ("x", 1.5), ("x", "1"), ("x", True)):
            self.assertRaises(TypeError, draft, data, delay)
        for data, delay in (("\ud800", 0), ("x", 100 * 366 * 86_400 + 1), ("x", -(1 << 70))):
            self.assertRaises(ValueError, draft, data, delay)
        draft("", 100 * 366 * 86_400)


class RefusalTests(SynchronousTestCase):
    def test_which_ends_are_a_messages_fault(self):
        for code, reason, wanted in (
            (1007, "not UTF-8 at byte 0", True),
            (1009, "MessageData: 1048577 bytes, the limit is 1048576", True),
            (1008, "DelayTime: more than 3162240000 seconds", True),
            (1008, "MessageData: x", True),
            (1008, "JSON: more than 10000 values", True),
            (1008, "topic: this node has 100000 already, which is as many as it may have", False),
            (1008, "more than 16 connections with this id", False),
            (1008, "no answer to a ping within 20 s", False),
            (1013, "the disk", False),
            (1001, "this node stops", False),
            (1000, "", False),
            (None, "MessageData: said by nobody", False),
        ):
            self.assertIs(is_refusal(code, reason), wanted, (code, reason))
