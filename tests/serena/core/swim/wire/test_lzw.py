"""Compression: back and forth, and what is no such thing."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.lzw import compress, expand
from serena.core.swim.wire.packing import pack, unpack

CLEAR, END = 256, 257


def codes(*each):
    """9-bit codes in a row."""
    bits = sum(code << 9 * i for i, code in enumerate(each))
    return bits.to_bytes((9 * len(each) + 7) // 8, "little")


class LzwTests(SynchronousTestCase):
    """What was compressed comes back."""

    def dropped(self, reason, data, limit=1000):
        self.assertEqual(self.assertRaises(Dropped, expand, data, limit).reason, reason)

    @given(st.binary(max_size=2000) | st.text("ab", max_size=3000).map(str.encode))
    def test_it_comes_back(self, plain):
        packed = compress(plain)
        self.assertEqual(expand(packed, len(plain)), plain)
        self.assertEqual(expand(packed + b"junk", len(plain)), plain)
        if plain:
            self.dropped("bomb", packed, len(plain) - 1)

    def test_it_comes_back_whatever_the_table_does_at_the_end(self):
        plain = bytes(i * i * 7 >> 3 & 0xFF for i in range(9000))
        for length in range(3700, 4000):  # the table fills up somewhere here
            self.assertEqual(expand(compress(plain[:length]), length), plain[:length])

    def test_nothing(self):
        self.assertEqual(compress(b""), codes(CLEAR, END))
        self.assertEqual(expand(compress(b""), 0), b"")
        self.assertRaises(MisuseError, pack, b"")
        self.assertEqual(self.assertRaises(Dropped, unpack, b"\x81\xa3Buf\xa3\0\3\2", 0, 9).reason, "empty")

    def test_what_go_takes_we_take(self):
        self.assertEqual(expand(codes(97, END), 1), b"a")  # nothing cleared
        self.assertEqual(
            expand(codes(CLEAR, 97, 258, 259, CLEAR, 98, 258, END), 99), b"a" + b"aa" + b"aaa" + b"b" + b"bb"
        )

    def test_what_is_cut_off(self):
        packed = compress(b"to be or not to be, that is the question")
        for end in range(len(packed) - 1):
            self.dropped("truncated", packed[:end])

    def test_codes_that_stand_for_nothing(self):
        for bad in ((258, END), (CLEAR, 258), (97, 259), (97, 98, 260), (97, 98, 99, CLEAR, 258), (CLEAR, CLEAR, 259)):
            self.dropped("malformed", codes(*bad))

    def test_a_bomb_takes_no_more_memory_than_its_limit(self):
        bomb = compress(bytes(3 << 20))
        self.assertLess(len(bomb), 4000)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.dropped("bomb", bomb, 1 << 18)
        self.assertLess(tracemalloc.get_traced_memory()[1], 4 << 18)

    @given(st.binary(max_size=300))
    def test_junk(self, junk):
        try:
            self.assertLessEqual(len(expand(junk, 500)), 500)
        except Dropped as fault:
            self.assertIn(fault.reason, ("truncated", "malformed", "bomb"))


class PackingTests(SynchronousTestCase):
    """The message around it."""

    @given(st.binary(min_size=1, max_size=500))
    def test_it_comes_back(self, plain):
        self.assertEqual(unpack(pack(plain), 1, len(plain)), plain)

    def test_other_algorithms_are_unknown(self):
        fault = self.assertRaises(Dropped, unpack, b"\x82\xa4Algo\x01\xa3Buf" + pack(b"hi")[11:], 0, 9)
        self.assertEqual(fault.reason, "algorithm")
