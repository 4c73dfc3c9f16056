"""What the original accepts, and what it doesn't (spec, 3.2)."""

import contextlib  # whole, because trial takes a module's `suppress` for its own
import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.lenient import read_lenient
from kapokmq.core.errors import BadEncoding, BadMessage
from tests.timing import growth

INT64 = (1 << 63) - 1

ACCEPTED = {
    b"{}": ("", 0),
    b"null": ("", 0),
    b" \t\r\n{} \t\r\n": ("", 0),
    b'{"MessageData":"a"}': ("a", 0),
    b'{"DelayTime":5}': ("", 5),
    b'{"messagedata":"a","DELAYTIME":3}': ("a", 3),
    '{"me\u017f\u017fageData":"a"}'.encode(): ("a", 0),
    b'{"MessageData":"a","messagedata":"b"}': ("b", 0),
    b'{"messagedata":"b","MessageData":"a"}': ("a", 0),
    b'{"MessageData":"a","MessageData":null}': ("a", 0),
    b'{"MessageData":null,"DelayTime":null}': ("", 0),
    b'{"MessageData":"a","DelayTime":1,"DelayTime":2}': ("a", 2),
    b'{"MessageData":"a","DelayTime":-7}': ("a", -7),
    b'{"MessageData":"a","DelayTime":-0}': ("a", 0),
    b'{"MessageData":"a","DelayTime":"12"}': ("a", 12),
    b'{"MessageData":"a","DelayTime":"-12"}': ("a", -12),
    b'{"DelayTime":%d}' % INT64: ("", INT64),
    b'{"DelayTime":%d}' % (-INT64 - 1): ("", -INT64 - 1),
    b'{"MessageData":"a","Topic":"t","x":[1,2.5e999,{"y":null}],"z":true}': ("a", 0),
    b'{"MessageData":"a","big":' + b"9" * 5000 + b"}": ("a", 0),
    b'{"MessageData":"\\ud800"}': ("\ufffd", 0),
    b'{"MessageData":"\\ud800\\u0041"}': ("\ufffdA", 0),
    b'{"MessageData":"\\udc00\\ud800"}': ("\ufffd\ufffd", 0),
    b'{"MessageData":"\\ud83d\\ude00"}': ("\U0001f600", 0),
    b'{"MessageData":"\\u0000\\n\x7f"}': ("\x00\n\x7f", 0),
    '{"MessageData":"\u2028中"}'.encode(): ("\u2028中", 0),
    b'{"MessageData":"12"}': ("12", 0),
}

REFUSED = (
    b"",
    b" ",
    b"x",
    b"[]",
    b'["MessageData"]',
    b'[["MessageData","a"]]',
    b'"text"',
    b"5",
    b"true",
    b"NaN",
    b"{",
    b'{"MessageData":"a"',
    b'{"MessageData":"a",}',
    b"{'MessageData':'a'}",
    b'{"MessageData":"a"}x',
    b'{"MessageData":"a"}{}',
    b'{"MessageData":5}',
    b'{"MessageData":{}}',
    b'{"MessageData":[]}',
    b'{"MessageData":true}',
    b'{"MessageData":"a\x01"}',
    b'{"MessageData":"a\nb"}',
    b'{"MessageData":"\\x41"}',
    b'{"DelayTime":10.0}',
    b'{"DelayTime":1e1}',
    b'{"DelayTime":01}',
    b'{"DelayTime":true}',
    b'{"DelayTime":[]}',
    b'{"DelayTime":""}',
    b'{"DelayTime":"x"}',
    b'{"DelayTime":" 1"}',
    b'{"DelayTime":"1.0"}',
    '{"DelayTime":"٣"}'.encode(),
    b'{"DelayTime":%d}' % (INT64 + 1),
    b'{"DelayTime":"%d"}' % (-INT64 - 2),
    b'{"DelayTime":' + b"9" * 5000 + b"}",
    b'{"x":NaN}',
    b'{"x":-Infinity}',
    b'{"MessageData":"\xff"}',
    b'{"MessageData":"\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}",
    b'{"x":' + b"[" * 5_000,
)


class LenientTests(SynchronousTestCase):
    """The table."""

    def test_what_the_original_accepts_is_accepted(self):
        for frame, meaning in ACCEPTED.items():
            self.assertEqual(read_lenient(frame), meaning, frame[:80])

    def test_what_the_original_refuses_is_refused(self):
        for frame in REFUSED:
            error = self.assertRaises(BadEncoding, read_lenient, frame)
            self.assertEqual(error.close_code, 1007, frame[:80])

    def test_a_refusal_says_what_is_wrong_and_nothing_of_what_was_sent(self):
        for frame, text in (
            (b'{"MessageData":"secret', "not JSON at character 15"),
            (b"[]", "not a JSON object"),
            (b'{"MessageData":5}', "MessageData: not a string"),
            (b'{"DelayTime":1.5}', "DelayTime: not an integer"),
            (b'{"DelayTime":%d}' % (1 << 63), "DelayTime: does not fit in 64 bits"),
            (b'{"MessageData":"ab\xff"}', "not UTF-8 at byte 18"),
            (b"[" * 5_000, "not JSON: nested too deeply"),
            (b"NaN", "not JSON: NaN"),
        ):
            self.assertEqual(str(self.assertRaises(BadEncoding, read_lenient, frame)), text)

    def test_more_values_than_anybody_needs_are_refused_without_reading_them(self):
        mebibyte = 1 << 20
        for make in (
            lambda size: b'{"x":[' + b"{}," * (size // 3) + b"0]}",
            lambda size: b'{"x":[' + b"0," * (size // 2) + b"0]}",
            lambda size: b"{" + b'"":0,' * (size // 5) + b'"":0}',
            lambda size: b'{"x":[' + b'"\\\\",' * (size // 5) + b"0]}",
            lambda size: b"[" * size,
            lambda size: b'{"x":"' + b',\\"' * (size // 3) + b'","y":[' + b"0," * 11_000 + b"0]}",
            lambda size: b'{"x":[' + b"0," * 11_000 + b'"' + b'\\"' * (size // 2),
        ):
            frames = {size: make(size) for size in (mebibyte, mebibyte // 16)}
            error = self.assertRaises(BadMessage, read_lenient, frames[mebibyte])
            self.assertEqual(str(error), "JSON: more than 10000 values")

            def refuse(size, frames=frames):
                with contextlib.suppress(BadMessage):
                    read_lenient(frames[size])

            self.assertLess(growth(refuse, mebibyte), 64, frames[mebibyte][:80])

    def test_what_looks_like_values_within_a_text_is_text(self):
        for text in (",[{" * 100_000, '{"a":0},' * 100_000, '\\",' * 50_000):
            self.assertEqual(read_lenient(json.dumps({"messageData": text}).encode()), (text, 0))

    @given(st.text(), st.integers(-INT64 - 1, INT64))
    def test_what_was_encoded_comes_back(self, data, delay):
        self.assertEqual(read_lenient(json.dumps({"MessageData": data, "DelayTime": delay}).encode()), (data, delay))

    @given(st.binary(max_size=200))
    def test_junk_is_read_or_refused(self, junk):
        try:
            data, delay = read_lenient(junk)
        except BadEncoding:
            return
        data.encode("utf-8")
        self.assertLessEqual(abs(delay), 1 << 63)
