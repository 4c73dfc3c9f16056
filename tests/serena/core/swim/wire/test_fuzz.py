"""Junk, spoiled vectors and cut ones: they are read or dropped, and nothing else."""

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.wire.bodies import decode, encode
from serena.core.swim.wire.compound import split
from serena.core.swim.wire.crypto import unseal
from serena.core.swim.wire.datagrams import DatagramCodec
from serena.core.swim.wire.faults import REASONS, Dropped
from serena.core.swim.wire.keyring import Keyring
from serena.core.swim.wire.packing import pack, unpack
from serena.core.swim.wire.streams import StreamCodec
from tests.serena.core.swim.wire.vectors import KEYS, LIVE, TOLERANCE, VECTORS, numbers

LIMIT = 4096
_ALL = [bytes.fromhex(vector["hex"]) for vector in (*VECTORS.values(), *LIVE.values(), *TOLERANCE.values())]
SAMPLES = sorted({data for data in _ALL if len(data) < 500})
_junk = st.binary(max_size=120)
_types = st.sampled_from(range(14)) | st.sampled_from([99, 244, 255])
_typed = st.builds(lambda kind, body: bytes((kind,)) + body, _types, _junk)
_packed = _typed.map(pack)


@st.composite
def _spoiled(draw):
    """A vector with some bytes exchanged, put in or cut out."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=5))
    return bytes(data)


_anything = _junk | _typed | _packed | _spoiled()


def _rings():
    return [Keyring(), Keyring([KEYS["k16"], KEYS["k32"], KEYS["k24"]])]


class FuzzTests(SynchronousTestCase):
    """Only Dropped comes out, and what comes in can be told on."""

    def tried(self, data):
        for function in (decode, split, lambda it: unpack(it, 0, LIMIT), lambda it: unseal([KEYS["k16"]], it)):
            with contextlib.suppress(Dropped):
                function(data)
        self.tried_as_datagram(data)
        for reply in (False, True):
            self.tried_as_stream(data, reply=reply)

    def tried_as_datagram(self, data):
        for ring in _rings():
            for label in (b"", b"blue"):
                options = {"ring": ring, "label": label, "nonce": numbers(), "unpacked_limit": LIMIT}
                for verify in (True, False):
                    codec = DatagramCodec(verify_incoming=verify, **options)
                    try:
                        opened = codec.open(data)
                    except Dropped as fault:
                        self.assertIn(fault.reason, REASONS)
                        continue
                    self.assertLessEqual(set(opened.dropped), set(REASONS))
                    for message in opened.messages:
                        self.assertEqual(decode(encode(message)), message)

    def tried_as_stream(self, data, *, reply):
        for ring in _rings():
            codec = StreamCodec(
                ring=ring, nonce=numbers(), unpacked_limit=LIMIT, most_entries=100, verify_incoming=False
            )
            outcomes = [self.outcome(codec.reader(reply=reply), data, size) for size in (1, 7, len(data) or 1)]
            self.assertEqual(outcomes[0], outcomes[1])
            self.assertEqual(outcomes[1], outcomes[2])

    def outcome(self, reader, data, size):
        try:
            for at in range(0, len(data), size):
                exchange = reader.feed(data[at : at + size])
                if exchange is not None:
                    return exchange, reader.dropped
        except Dropped as fault:
            return fault.reason, fault.answerable
        return None

    @given(_anything)
    @example(b"")
    @example(b"\x00" + b"\x91" * 2000)
    @example(b"\x06\xdf\xff\xff\xff\xff")
    @example(b"\x00\x82\xdc\x00|")
    def test_junk(self, data):
        self.tried(data)

    def test_one_byte_of_each_kind_and_one_more(self):
        for kind in range(256):
            self.tried(bytes((kind,)))
            self.tried(bytes((kind, 0x80)))

    def test_every_vector_cut_anywhere(self):
        for data in SAMPLES:
            if len(data) < 130:
                for end in range(len(data)):
                    self.tried_as_datagram(data[:end])
                    self.outcome(StreamCodec(ring=Keyring(), nonce=numbers()).reader(reply=False), data[:end], end or 1)

    @given(st.sampled_from(SAMPLES), st.data())
    def test_every_bit_of_a_vector(self, data, draw):
        place = draw.draw(st.integers(0, 8 * max(len(data), 1) - 1))
        spoiled = bytearray(data or b"\0")
        spoiled[place >> 3] ^= 1 << (place & 7)
        self.tried(bytes(spoiled))
