"""The fast lane takes plain frames only, and whatever comes in is read as without it."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.protocols import fastlane
from kapokmq.protocols.factory import WebSocketFactory
from kapokmq.protocols.fastlane import cut
from kapokmq.protocols.websocket import Limit, WebSocketConnection
from tests.protocols.wire import BINARY, CLOSE, PING, PONG, TEXT, WEBSOCKET_KEY, MemoryTransport, frame

LONGEST = 300  # bytes of a message
STREAMS = max(500, settings().max_examples)


def masked(text):
    """A plain frame, each with a mask of its own."""
    mask = hashlib.sha256(text).digest()[:4]
    whole = frame(text)
    header = len(whole) - len(text) - 4
    return whole[:header] + mask + bytes(byte ^ mask[place & 3] for place, byte in enumerate(text))


class CutTests(SynchronousTestCase):
    """What is taken, and what is left."""

    def all_of(self, data, longest=1 << 20):
        """Cut what is nothing but frames."""
        found = cut(data, longest)
        self.assertEqual(found[1:], (b"", True))
        return found.frames

    def test_every_length_in_its_form(self):
        for length in (0, 1, 3, 4, 5, 125, 126, 127, 128, 65535, 65536, 70001):
            text = bytes(33 + n % 90 for n in range(length))
            self.assertEqual(self.all_of(frame(text) * 2 + frame(b"")), [text, text, b""], length)

    def test_a_frame_that_is_not_whole_waits(self):
        for text in (b"abc", b"x" * 200, b"y" * 70_000):
            whole = frame(text)
            for end in {*range(min(len(whole), 20)), len(whole) - 1}:
                self.assertEqual(cut(frame(b"1") + whole[:end], 1 << 20), ([b"1"], whole[:end], True), end)

    def left(self, data, longest=1 << 20):
        """Cut what begins with a plain frame and goes on with something else."""
        self.assertEqual(cut(frame(b"1") + data + frame(b"2"), longest), ([b"1"], data + frame(b"2"), False))

    def test_everything_else_is_left_from_its_first_byte_on(self):
        for opcode in (0, BINARY, 3, CLOSE, PING, PONG):
            self.left(frame(b"a", opcode))
        for rsv in (1, 2, 4):
            self.left(frame(b"a", rsv=rsv))
        self.left(frame(b"a", fin=False))
        self.left(frame(b"a", masked=False))
        self.left(frame(b"\xff"))
        self.left(frame(b"caf\xc3"))

    def test_a_length_in_a_longer_form_than_it_needs_is_left(self):
        self.left(b"\x81\xfe\x00\x7d" + bytes(4 + 125))
        self.left(b"\x81\xff" + (65535).to_bytes(8, "big") + bytes(4 + 65535))
        self.left(b"\x81\xff" + (1 << 63).to_bytes(8, "big") + bytes(4))

    def test_a_text_beyond_the_limit_is_left_at_its_header(self):
        self.left(frame(b"x" * 11), 10)
        self.assertEqual(cut(frame(b"x" * 200)[:4], 199), ([], frame(b"x" * 200)[:4], False))
        self.assertEqual(self.all_of(frame(b"x" * 200), 200), [b"x" * 200])

    def test_a_long_frame_is_not_waited_for(self):
        header = b"\x81\xff" + (fastlane.LONGEST + 1).to_bytes(8, "big")
        self.assertEqual(cut(header, 1 << 30), ([], header, False))
        header = b"\x81\xff" + fastlane.LONGEST.to_bytes(8, "big")
        self.assertEqual(cut(header, 1 << 30), ([], header, True))

    def test_many_of_one_length_are_read_together(self):
        for length in (0, 1, 40, 64, 65):
            texts = [bytes(33 + (n + m) % 90 for m in range(length)) for n in range(100)]
            data = b"".join(map(masked, texts))
            self.assertEqual(self.all_of(data), texts)
            self.assertEqual(cut(data[:-1], 100)[1:], (masked(texts[-1])[:-1], True))
            self.assertEqual(self.all_of(data + masked(b"other") + data), [*texts, b"other", *texts])

    def test_runs_that_end_too_soon_are_not_looked_for_at_each_frame(self):
        looked = []
        run = fastlane._run

        def counted(*given):
            looked.append(given[1])
            return run(*given)

        self.patch(fastlane, "_run", counted)
        texts = ([b""] * 60 + [b"abcdef"]) * 100
        self.assertEqual(self.all_of(b"".join(map(frame, texts))), texts)
        self.assertLess(len(looked), len(texts) / 50)

    def test_of_many_those_before_one_that_is_no_text_are_taken(self):
        good, other, bad = masked("grün".encode()), masked(b"x\xc3\xa4yz"), masked(b"gr\xffxx")
        for before in (0, 1, 80):
            found = cut(good * before + bad + good * 200, 100)
            self.assertEqual(found, (["grün".encode()] * before, bad + good * 200, False))
        self.assertEqual(self.all_of((good + other) * 70), ["grün".encode(), b"x\xc3\xa4yz"] * 70)

    def test_text_beyond_ascii(self):
        text = "naïve 🦀 \ufffd".encode()
        self.assertEqual(self.all_of(frame(text)), [text])


class Notes:
    """A conversation that keeps what it hears."""

    bears_silence = True
    settled = True

    def __init__(self):
        self.heard = []

    def received(self, frames):
        self.heard += frames

    def begin(self):
        """Nothing is said first."""

    stalled = drained = closing = ended = begin


def heard(chunks, *, lane):
    """What comes of a stream: messages, and what is answered."""
    clock = Clock()
    wire = WebSocketConnection(WebSocketFactory(clock), clock, lambda _: None)
    transport = MemoryTransport(IPv4Address("TCP", "10.0.0.9", 4711))
    transport.protocol = wire
    wire.lane = lane
    wire.makeConnection(transport)
    notes = Notes()
    wire.allow(Limit(LONGEST, "too long"))
    wire.begin(notes, WEBSOCKET_KEY.encode(), b"")
    wire.eager = False
    transport.clear()
    for chunk in chunks:
        wire.dataReceived(chunk)
    return notes.heard, transport.value(), wire


def _is_text(text):
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


TEXTS = st.one_of(
    st.text(max_size=140).map(str.encode),
    st.binary(max_size=140),
    st.sampled_from([125, 126, 127, LONGEST - 1, LONGEST, LONGEST + 1]).map(lambda size: b"x" * size),
    st.sampled_from([b"", "é".encode() * 100, b"\xed\xa0\x80", b"\xf4\x90\x80\x80", "é".encode()[:1]]),
)
PLAIN = TEXTS.filter(_is_text).map(frame)
FRAMES = st.one_of(
    PLAIN,
    PLAIN,
    PLAIN,
    st.builds(
        frame,
        TEXTS,
        st.sampled_from([TEXT, TEXT, 0, BINARY, PING, PONG, CLOSE, 3, 11]),
        fin=st.booleans(),
        masked=st.sampled_from([True, True, True, False]),
        rsv=st.sampled_from([0, 0, 0, 1, 4]),
    ),
    st.tuples(st.text(max_size=60).map(str.encode), st.integers(0, 59)).map(
        lambda cut: frame(cut[0][: cut[1]], fin=False) + frame(b"", PING) + frame(cut[0][cut[1] :], 0)
    ),
    st.lists(st.sampled_from(["code1", "code2", "größ"]).map(str.encode).map(masked), max_size=9).map(b"".join),
    st.sampled_from([frame(b"\x03\xe8", CLOSE), b"\x81\xfe\x00\x05" + bytes(9), b"\x81\xff" + bytes(12), b"\x00"]),
    st.binary(max_size=20),
    st.sampled_from([frame(b"", PONG), b"\x8a\x00" + bytes(4)]),
)


@st.composite
def streams(draw):
    """A stream's bytes in chunks."""
    frames = draw(st.lists(FRAMES, max_size=12))
    if draw(st.booleans()):
        return frames
    data = b"".join(frames)
    cuts = sorted(draw(st.lists(st.integers(0, max(0, len(data))), max_size=8)))
    return [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]


class DifferentialTests(SynchronousTestCase):
    """Any stream in any chunks, with the fast lane and without."""

    def setUp(self):
        self.patch(fastlane, "_MANY", 3)
        self.patch(fastlane, "_LONG", min(fastlane._LONG, 100))

    @settings(max_examples=STREAMS)
    @given(streams())
    def test_a_stream_is_read_as_autobahn_reads_it(self, chunks):
        messages, answers, quick = heard(chunks, lane=True)
        theirs, said, stock = heard(chunks, lane=False)
        self.assertEqual(messages, theirs)
        if answers != said:
            # Autobahn looks at a text before its frame has ended; the fast lane afterwards, and says the same then.
            self.assertEqual(said[len(answers) :][2:4], (1007).to_bytes(2, "big"))
            self.assertEqual(said[: len(answers)], answers)
            rest = b"\x00" * (LONGEST + 14)
            _, answers, quick = heard([*chunks, rest], lane=True)
            self.assertEqual(answers, said)
        self.assertEqual((quick.state, quick._answers), (stock.state, stock._answers))

    def test_what_looks_like_a_pong_within_a_message_is_none(self):
        mask = bytes([0x8A ^ ord("a"), 0x80 ^ ord("b"), 0, 0])
        text = b"\x8a\x80cd" + bytes([mask[0] ^ ord("e"), mask[1] ^ ord("f")])
        for lane in (True, False):
            self.assertEqual(heard([b"\x81\x86" + mask, text, frame("next")], lane=lane)[0], [b"abcdef", b"next"])

    def test_the_lane_is_taken(self):
        found = []
        self.patch(fastlane, "_is_utf8", lambda text: found.append(text) or True)
        messages, _, _ = heard([frame("é") + frame("à")], lane=True)
        self.assertEqual((messages, found), (["é".encode(), "à".encode()], ["é".encode(), "à".encode()]))
        self.assertEqual(heard([frame("é")], lane=False)[0], ["é".encode()])
        self.assertEqual(len(found), 2)
