"""The classic wire's bytes."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.classic import decode_acks, decode_drafts, encode_delivery, encode_oks, longest_draft
from kapokmq.core.codec.lenient import read_lenient
from kapokmq.core.errors import BadEncoding, BadMessage, PeerError, TooBig
from kapokmq.core.message import LONGEST_DELAY, Draft, Message, Text
from kapokmq.core.peers import Delivery
from tests.core.codec.test_lenient import ACCEPTED, REFUSED

LONGEST = 1000

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)))
JSON_LIKE = st.one_of(
    st.binary(max_size=100),
    st.sampled_from([*ACCEPTED, *REFUSED[:-1]]),
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5).map(
        lambda value: json.dumps({"MessageData": value, "DelayTime": value}).encode()
    ),
)


def a_draft(data, delay):
    """What is made of a message."""
    return Draft(data, delay, max(delay, 0) * 1000) if delay else Text(data)


def decode(frame, longest=LONGEST):
    """One frame's draft, or its fault."""
    drafts, fault = decode_drafts([frame], longest)
    if fault is not None:
        assert not drafts
        raise fault
    (draft,) = drafts
    return draft


class DecodeTests(SynchronousTestCase):
    """Frames to drafts."""

    def test_a_plain_frame(self):
        self.assertEqual(decode(b'{"MessageData":"hello","DelayTime":0}'), Text("hello"))
        self.assertEqual(decode(b'{"MessageData":"hello"}'), Text("hello"))

    def test_a_delay_is_kept_as_given_and_falls_due_in_milliseconds(self):
        self.assertEqual(decode(b'{"MessageData":"x","DelayTime":60}'), Draft("x", 60, 60_000))
        self.assertEqual(decode(b'{"MessageData":"x","DelayTime":"60"}'), Draft("x", 60, 60_000))
        self.assertEqual(decode(b'{"MessageData":"x","DelayTime":-5}'), Draft("x", -5, 0))
        longest = decode(b'{"MessageData":"x","DelayTime":%d}' % LONGEST_DELAY)
        self.assertEqual(longest, Draft("x", LONGEST_DELAY, LONGEST_DELAY * 1000))
        self.assertEqual(decode(b'{"MessageData":"x","DelayTime":%d}' % -(1 << 63)).delay, -(1 << 63))

    def test_what_the_original_accepts_is_accepted(self):
        for frame, (data, delay) in ACCEPTED.items():
            if delay <= LONGEST_DELAY:
                self.assertEqual(decode(frame, 10_000), a_draft(data, delay), frame[:80])

    def test_what_the_original_refuses_is_refused(self):
        for frame in REFUSED:
            self.assertRaises(BadEncoding, decode, frame)

    def test_a_misspelt_name_is_not_taken_for_an_empty_message(self):
        self.assertEqual(decode(b'{"messagedata":"x"}').data, "x")

    def test_delays_out_of_range(self):
        for text, kind in (
            (LONGEST_DELAY + 1, BadMessage),
            ((1 << 63) - 1, BadMessage),
            (1 << 63, BadEncoding),
            (-(1 << 63) - 1, BadEncoding),
        ):
            for frame in (b'{"MessageData":"x","DelayTime":%d}', b'{"DelayTime":"%d"}'):
                error = self.assertRaises(kind, decode, frame % text)
                self.assertIn("DelayTime", str(error))
        self.assertEqual((BadMessage.close_code, BadEncoding.close_code), (1008, 1007))

    def test_size_is_counted_in_bytes_of_text_not_of_json(self):
        self.assertEqual(len(decode(b'{"MessageData":"%b"}' % (b"x" * LONGEST)).data), LONGEST)
        self.assertEqual(len(decode(b'{"MessageData":"%b"}' % (b"\\u0041" * LONGEST)).data), LONGEST)
        error = self.assertRaises(TooBig, decode, b'{"MessageData":"%b"}' % (b"x" * (LONGEST + 1)))
        self.assertEqual((error.close_code, str(error)), (1009, "MessageData: 1001 bytes, the limit is 1000"))
        self.assertRaises(TooBig, decode, '{{"MessageData":"{}"}}'.format("é" * 501).encode())

    def test_a_batch_stops_at_the_first_fault(self):
        frames = [b'{"MessageData":"a"}', b"{}", b"oops", b'{"MessageData":"b"}']
        drafts, fault = decode_drafts(frames, LONGEST)
        self.assertEqual(drafts, [Text("a"), Text("")])
        self.assertIsInstance(fault, BadEncoding)
        self.assertEqual(decode_drafts(frames[:2], LONGEST), ([Text("a"), Text("")], None))
        self.assertEqual(decode_drafts([], LONGEST), ([], None))

    @given(st.lists(JSON_LIKE, max_size=5), st.integers(0, 50))
    def test_anything_is_read_or_refused(self, frames, longest):
        drafts, fault = decode_drafts(frames, longest)
        self.assertEqual(len(drafts) == len(frames), fault is None)
        self.assertTrue(fault is None or isinstance(fault, PeerError))
        for draft in drafts:
            self.assertLessEqual(len(draft.data.encode("utf-8")), longest)
            self.assertLessEqual(draft.delay_ms, LONGEST_DELAY * 1000)

    @given(TEXT, st.integers(-100, LONGEST_DELAY))
    @example("", 0)
    def test_the_strict_and_the_lenient_way_agree(self, data, delay):
        frame = json.dumps({"MessageData": data, "DelayTime": delay}).encode()
        self.assertEqual(decode(frame, 1 << 20), a_draft(data, delay))
        self.assertEqual(read_lenient(frame), (data, delay))


def parse(stream):
    """The payloads of unfragmented server text frames."""
    payloads = []
    while stream:
        assert stream[0] == 0x81
        length, start = stream[1], 2
        if length == 126:
            length, start = int.from_bytes(stream[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(stream[2:10], "big"), 10
        payloads.append(stream[start : start + length])
        stream = stream[start + length :]
    return payloads


class LengthTests(SynchronousTestCase):
    def test_any_text_fits_however_it_is_escaped(self):
        frame = json.dumps({"MessageData": "\x01" * 1000, "DelayTime": LONGEST_DELAY}).encode()
        self.assertGreater(len(frame), 6000)
        self.assertLessEqual(len(frame), longest_draft(1000))


class EncodeTests(SynchronousTestCase):
    """Deliveries to frames."""

    def test_one_message(self):
        message = Message(1, 1, 1_795_219_602_999, 0, None, None, None, None, "hello")
        stream = encode_delivery(Delivery("t", [message], ["688215c73f3596a4fdebe8251e4bedc5aaaaaaaa"]))
        expected = (
            b'{"MessageCode":"688215c73f3596a4fdebe8251e4bedc5aaaaaaaa","MessageData":"hello","Topic":"t",'
            b'"CreateTime":1795219602,"ConsumedTime":0,"DelayTime":0,"Status":-1}'
        )
        self.assertEqual(parse(stream), [expected])

    def test_the_delay_is_the_producers(self):
        message = Message(1, 1, 5_000, -3, 9_000, None, "k", "{}", "")
        (payload,) = parse(encode_delivery(Delivery("t", [message], ["c"])))
        self.assertEqual(json.loads(payload)["DelayTime"], -3)

    @given(TEXT, st.lists(TEXT | st.integers(100, 70_000).map(lambda n: "x" * n), max_size=4))
    def test_every_message_is_one_frame_in_order(self, topic, texts):
        messages = [Message(n, 1, 1000 * n, 0, None, None, None, None, text) for n, text in enumerate(texts)]
        delivery = Delivery(topic, messages, [str(n) for n in range(len(texts))])
        pushed = [json.loads(payload) for payload in parse(encode_delivery(delivery))]
        self.assertEqual([one["MessageData"] for one in pushed], texts)
        self.assertEqual([one["CreateTime"] for one in pushed], list(range(len(texts))))
        self.assertEqual({one["Topic"] for one in pushed} | {topic}, {topic})
        names = ["MessageCode", "MessageData", "Topic", "CreateTime", "ConsumedTime", "DelayTime", "Status"]
        self.assertTrue(all(list(one) == names for one in pushed))

    def test_a_fan_out_encodes_once(self):
        delivery = Delivery("t", [Message(1, 1, 0, 0, None, None, None, None, "x")], ["c"])
        self.assertIs(delivery.rendered(encode_delivery), delivery.rendered(encode_delivery))

    def test_oks(self):
        self.assertEqual(encode_oks(0), b"")
        self.assertEqual(encode_oks(2), b"\x81\x02ok\x81\x02ok")


class AckTests(SynchronousTestCase):
    """Frames to codes."""

    def test_codes_are_read_as_they_stand(self):
        self.assertEqual(decode_acks([b"a" * 40, b"b" * 40]), ["a" * 40, "b" * 40])

    def test_junk_is_bounded_and_never_a_code(self):
        self.assertEqual(decode_acks([b"a" * 40 + b"x" * 1_000_000])[0], "a" * 40 + "x" * 24)
        self.assertEqual(decode_acks([b"", b"\xff", b'"x"']), ["", "ÿ", '"x"'])

    @given(st.lists(st.binary(max_size=100)))
    def test_anything_is_read(self, frames):
        self.assertEqual(len(decode_acks(frames)), len(frames))
