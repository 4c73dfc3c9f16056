"""What v2 clients send, read."""

from kapokmq.core.codec.rejected import Rejected
from kapokmq.core.codec.v2 import (
    CREDIT,
    MOST_ACKED,
    MOST_NACKED,
    Ack,
    Credit,
    Hello,
    Nack,
    Subscribe,
    Touch,
    Unsubscribe,
    decode,
    longest_frame,
)
from kapokmq.core.codec.v2_drafts import given as told
from kapokmq.core.engine import Wish
from kapokmq.core.errors import BadEncoding
from kapokmq.core.message import Draft, Text
from tests.core.codec.v2_frames import V2Case, frame, publish, read

CODE = "ab" * 20


class OpTests(V2Case):
    """One frame each."""

    def test_each_op(self):
        told = {"key": "k", "token": "t", "session": "s", "name": "n"}
        for data, op in (
            (frame("hello"), Hello()),
            (frame("hello", id=0, **told), Hello(0, "s", "k", "t", "n")),
            (frame("credit", sub=7, n=0), Credit(7, 0)),
            (frame("credit", sub=7, n=100_000, id=2**53 - 1), Credit(7, 100_000, 2**53 - 1)),
            (frame("ack", sub=7, codes=[CODE]), Ack(7, [CODE])),
            (frame("ack", sub=7, codes=[CODE, "junk", ""], id=8), Ack(7, [CODE, "junk", ""], 8)),
            (frame("nack", sub=7, codes=[CODE]), Nack(7, [CODE])),
            (frame("nack", sub=7, codes=[CODE], delay=1.5, reason="r", id=8), Nack(7, [CODE], 8, 1.5, "r")),
            (frame("touch", sub=7, codes=[CODE]), Touch(7, [CODE])),
            (frame("unsubscribe", sub=7, id=8), Unsubscribe(7, 8)),
        ):
            self.assertEqual(read(data), op, data)
            self.assertIs(type(read(data)), type(op))

    def test_what_is_left_out_is_nothing(self):
        hello = read(frame("hello"))
        self.assertEqual([told(value) for value in (hello.id, hello.session)], [None, None])

    def test_subscribing_is_a_wish(self):
        for fields, wish in (
            ({}, Wish(None, CREDIT)),
            ({"group": "g", "credit": 0, "start": "all"}, Wish("g", 0, start="all")),
            ({"start": {"time": 1.5}}, Wish(None, CREDIT, start=1500)),
            ({"ack": "none"}, Wish(None, None, owes=False, renews=False)),
            ({"ack": "none", "credit": 5}, Wish(None, 5, owes=False, renews=False)),
        ):
            op = read(frame("subscribe", id=3, topic="orders.*.>", **fields))
            self.assertIsInstance(op, Subscribe)
            self.assertEqual((op.id, op.topic, op.wish), (3, "orders.*.>", wish))

    def test_what_is_refused(self):
        long = "x" * 256
        for data, text in (
            (b"", "not JSON: input data was truncated"),
            (b"hello", "not JSON: invalid character (byte 0)"),
            (b"[]", "expected `object`, got `array`"),
            (b"null", "expected `object`, got `null`"),
            (b"{}", "object missing required field `op`"),
            (b"[" * 100_000, "expected `object`, got `array`"),
            (b'{"x":' + b"[" * 100_000, "not JSON: nested too deeply"),
            (frame("unheard"), "op: invalid value 'unheard'"),
            (frame("Publish"), "op: invalid value 'Publish'"),
            (b'{"op":7}', "op: expected `str`"),
            (frame("hello", kee="k"), "object contains unknown field `kee`"),
            (frame("hello", key=None), "key: expected `str`, got `null`"),
            (frame("hello", key=7), "key: expected `str`, got `int`"),
            (frame("ack", codes=[CODE]), "object missing required field `sub`"),
            (frame("hello", id=-1), "id: expected `int` >= 0"),
            (frame("hello", id=2**53), "id: expected `int` <= 9007199254740991"),
            (frame("hello", id=1.5), "id: expected `int`, got `float`"),
            (frame("hello", id=True), "id: expected `int`, got `bool`"),
            (b'{"op":"hello","id":' + b"9" * 5000 + b"}", "id: integer value out of range"),
        ):
            self.refused(data, text=text)
        for data, text in (
            (frame("hello", id=5, name=long), "name: is longer than 255 characters"),
            (frame("hello", id=5, session=""), "session: is empty"),
            (frame("subscribe", id=5, topic="a.>.b"), "topic: > may only be the last level"),
            (frame("subscribe", id=5, topic="*..a"), "topic: a pattern has an empty level"),
            (frame("subscribe", id=5, topic=""), "topic: is empty"),
            (frame("subscribe", id=5, topic="a", group="\n"), "group: has a control character at 0"),
            (
                publish({"data": "x"}, id=5, topic="a.*"),
                "topic: * and > are wildcards, and a message goes to one topic",
            ),
        ):
            self.refused(data, "badName", text, request=5)

    def test_credit_has_bounds(self):
        for credit in (-1, 100_001, 1_000_000):
            self.refused(frame("subscribe", id=1, topic="a", credit=credit), request=1)
            self.refused(frame("credit", id=1, sub=2, n=credit), request=1, sub=2)

    def test_starts_and_acks_have_names(self):
        for fields in ({"start": "old"}, {"start": {"time": -1}}, {"start": {"at": 1}}, {"start": 5}, {"ack": "all"}):
            self.refused(frame("subscribe", id=1, topic="a", **fields), request=1)

    def test_codes_have_bounds(self):
        self.refused(frame("ack", sub=7, codes=[]), "badRequest", "codes: is empty", sub=7)
        self.refused(frame("ack", sub=7, codes=[1]), sub=7)
        for op, most in (("ack", MOST_ACKED), ("nack", MOST_NACKED), ("touch", MOST_NACKED)):
            many = [""] * (most + 1)
            self.refused(frame(op, sub=7, codes=many), "tooMany", f"codes: {most + 1}, the limit is {most}", sub=7)
            read(frame(op, sub=7, codes=many[1:]))
        self.assertEqual((MOST_ACKED, MOST_NACKED), (10_000, 1000))

    def test_nacks_have_bounds(self):
        for fields in ({"delay": -1}, {"delay": 1e11}, {"delay": "1"}, {"reason": "x" * 1001}, {"reason": 1}):
            self.refused(frame("nack", sub=7, codes=[CODE], **fields), sub=7)

    def test_a_refusal_answers_the_request_where_that_can_be_read(self):
        self.refused(frame("ack", sub=7, id=8, codes=1), request=8, sub=7)
        self.refused(frame("ack", sub="7", id=-8, codes=1))
        self.refused(frame("ack", sub=True, id=2**53, codes=1))
        self.refused(b'{"op":"x","id":8,"y":nul}')
        self.refused(b'{"op":"x","id":8,"y":' + b"[" * 100_000)

    def test_a_refusal_repeats_little(self):
        fault = self.assertRaises(Rejected, read, frame("x" * 1000))
        self.assertEqual(len(str(fault)), 301)

    def test_bytes_that_are_no_text_are_told_apart(self):
        for data in (b"\xff", b'{"op":"hello","key":"\xc3"}', b'{"op":"publish","messages":[{"data":{"a":"\xc3"}}]}'):
            self.assertRaises(BadEncoding, read, data)
        self.assertEqual(read('{"op":"hello","key":"ä"}'.encode()).key, "ä")

    def test_half_a_surrogate_pair_is_not_json(self):
        for half in (r"\ud800", r"\udc00", r"\ud800\u0041", r"\ud800 and more", r"\udfff and more"):
            for value in (f'"{half}"', f'{{"a":"{half}"}}', f'["{half} …"]'):
                data = f'{{"op":"publish","id":1,"topic":"a","messages":[{{"data":{value}}}]}}'.encode()
                fault = self.assertRaises(Rejected, read, data)
                self.assertEqual((fault.name, str(fault)), ("badRequest", "not JSON: half a surrogate pair"), data)
                self.assertEqual(fault.id, 1)
        whole = rb'{"op":"publish","id":1,"topic":"a","messages":[{"data":"\ud83e\udd80"}]}'
        self.assertEqual(read(whole).drafts, [Text("\U0001f980")])

    def test_values_may_be_nested(self):
        for deep in (b"[" * 500 + b"]" * 500, b'{"a":' * 500 + b"1" + b"}" * 500):
            data = b'{"op":"publish","id":1,"topic":"a","messages":[{"data":%b}]}' % deep
            self.assertEqual(decode(data, 1 << 20).drafts, [Draft(deep.decode())])

    def test_of_two_fields_of_one_name_the_last_counts(self):
        self.assertEqual(read(b'{"op":"credit","sub":1,"n":1,"n":2}'), Credit(1, 2))
        self.refused(b'{"op":"credit","op":"unsubscribe","sub":1}', sub=1)

    def test_a_frame_has_room_for_any_message(self):
        self.assertEqual(longest_frame(1 << 20), 8 << 20)
        self.assertEqual(longest_frame(4 << 20), 24 * (1 << 20) + 512 * 1024)
