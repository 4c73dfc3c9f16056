"""The dialect: read in every form that Go reads, written in one."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.msgpack import (
    UNFIT,
    Scan,
    blob,
    boolean,
    extent,
    number,
    raw,
    struct,
    switch,
    text,
    whole,
    written,
)

NAMES = (b"A", b"B")


def read(data, names=NAMES):
    extent(data, 0)
    return struct(data, 0, names)


def field(value):
    """The field A of a struct that has nothing else."""
    return read(b"\x81\xa1A" + value).get(b"A")


class DropCase(SynchronousTestCase):
    """Faults by their reason."""

    def dropped(self, reason, f, *args):
        self.assertEqual(self.assertRaises(Dropped, f, *args).reason, reason)


class ReadingTests(DropCase):
    """Values in all their forms."""

    def test_numbers_of_any_width_signed_or_not(self):
        for data, value in (
            (b"\x07", 7),
            (b"\xff", -1),
            (b"\xe0", -32),
            (b"\xcc\x07", 7),
            (b"\xcd\x00\x07", 7),
            (b"\xce\x00\x00\x00\x07", 7),
            (b"\xcf" + b"\xff" * 8, (1 << 64) - 1),
            (b"\xd0\x07", 7),
            (b"\xd0\xff", -1),
            (b"\xd1\x00\xc8", 200),
            (b"\xd2\x80\x00\x00\x00", -(1 << 31)),
            (b"\xd3" + b"\xff" * 8, -1),
        ):
            self.assertEqual(field(data), value)

    def test_text_in_any_of_its_forms(self):
        for head in (
            b"\xa2",
            b"\xda\0\x02",
            b"\xdb\0\0\0\x02",
            b"\xd9\x02",
            b"\xc4\x02",
            b"\xc5\0\x02",
            b"\xc6\0\0\0\x02",
        ):
            self.assertEqual(field(head + b"hi"), b"hi")
            self.assertEqual(read(b"\x81" + head + b"hi\x01", (b"hi",)), {b"hi": 1})

    def test_the_rest(self):
        for data, value in (
            (b"\xc0", None),
            (b"\xc2", False),
            (b"\xc3", True),
            (b"\x93\x01\xcc\xff\x00", (1, 255, 0)),
            (b"\xdc\x00\x01\x05", (5,)),
            (b"\xdd\x00\x00\x00\x00", ()),
            (b"\x92\x01\xa0", UNFIT),
            (b"\xca\0\0\0\0", UNFIT),
            (b"\xcb" + bytes(8), UNFIT),
            (b"\x81\x01\x02", UNFIT),
            (b"\xd4\x01\x00", UNFIT),
            (b"\xd8\x01" + bytes(16), UNFIT),
            (b"\xc7\x03\x01abc", UNFIT),
            (b"\xc8\0\x01\x01a", UNFIT),
        ):
            self.assertEqual(field(data), value)

    def test_keys_in_any_order_unknown_ones_and_twins(self):
        self.assertEqual(read(b"\x83\xa1B\x02\xa1Z\x81\x01\x92\x01\xc3\xa1A\x01"), {b"A": 1, b"B": 2})
        self.assertEqual(read(b"\x82\xa1A\x01\xa1A\x02"), {b"A": 2})
        self.assertEqual(read(b"\xde\x00\x01\xa1A\x01junk"), {b"A": 1})
        self.assertEqual(read(b"\xdf\x00\x00\x00\x01\xa1A\x01"), {b"A": 1})
        self.assertEqual(read(b"\x80"), {})

    def test_a_struct_may_be_an_array_short_or_long(self):
        self.assertEqual(read(b"\x91\x01"), {b"A": 1})
        self.assertEqual(read(b"\x93\x01\x02\x03"), {b"A": 1, b"B": 2})

    def test_nothing_else_is_a_struct(self):
        for data in (b"\xc0", b"\x01", b"\xa1A", b"\x81\x01\x01", b"\x81\xc0\x01", b"\x81\x91\x01\x01", b"\xc1"):
            self.dropped("malformed", read, data)


class BoundTests(DropCase):
    """What is announced is checked before anything is built."""

    def test_what_ends_too_soon(self):
        whole_one = b"\x82\xa1A\xcd\x00\x07\xa1B\x92\x01\xa2hi"
        for end in range(len(whole_one)):
            self.dropped("truncated", read, whole_one[:end])

    def test_announced_lengths(self):
        for head in (b"\xdb", b"\xc6", b"\xc9", b"\xdd", b"\xdf"):
            self.dropped("truncated", read, b"\x81\xa1A" + head + b"\xff" * 4 + bytes(50))
            scan = Scan(100)
            self.dropped("oversized", scan.reached, head + b"\xff" * 4, 0)

    def test_nesting_and_the_number_of_values(self):
        extent(b"\x91" * 31 + b"\x90", 0)
        self.dropped("nested", extent, b"\x91" * 32 + b"\x90", 0)
        extent(b"\xdc\x00\x7f" + bytes(127), 0)
        self.dropped("oversized", extent, b"\xdc\x00\x80" + bytes(128), 0)

    def test_the_same_wherever_the_bytes_are_cut(self):
        data = b"\x82\xa1A\xcd\x00\x07\xa1B\x92\x81\xa1x\xd1\x00\x01\xa2hi"
        scan, looked = Scan(100), 0
        for end in range(len(data)):
            if end >= scan.least:
                looked += 1
                self.assertFalse(scan.reached(b"??" + data[:end], 2))
                self.assertLessEqual(scan.least, len(data))
        self.assertTrue(scan.reached(b"??" + data, 2))
        self.assertEqual(scan.at, len(data))
        self.assertTrue(looked)

    @given(st.binary(max_size=60))
    def test_junk(self, junk):
        try:
            found = read(junk)
        except Dropped:
            return
        self.assertLessEqual(set(found), set(NAMES))


class FieldTests(DropCase):
    """Values as what a field takes."""

    def test_numbers(self):
        self.assertEqual([whole(value, 255) for value in (None, 0, 255)], [0, 0, 255])
        for value in (-1, 256, True, b"1", (1,), UNFIT):
            self.dropped("malformed", whole, value, 255)

    def test_switches(self):
        self.assertEqual([switch(value) for value in (None, 0, 1, True, False)], [False, False, True, True, False])
        for value in (2, -1, b"", UNFIT):
            self.dropped("malformed", switch, value)

    def test_text(self):
        self.assertEqual([text(value) for value in (None, b"", b"\xff")], [b"", b"", b"\xff"])
        for value in (1, True, (1,), UNFIT):
            self.dropped("malformed", text, value)

    def test_bytes(self):
        self.assertEqual(
            [blob(value) for value in (None, b"", b"\xff", (), (1, 2))], [None, b"", b"\xff", b"", b"\1\2"]
        )
        for value in (1, True, (1, 256), (-1,), UNFIT):
            self.dropped("malformed", blob, value)


class WritingTests(DropCase):
    """The old dialect, as short as can be."""

    def test_numbers(self):
        for value, data in (
            (0, "00"),
            (127, "7f"),
            (128, "cc80"),
            (255, "ccff"),
            (256, "cd0100"),
            (65535, "cdffff"),
            (65536, "ce00010000"),
            ((1 << 32) - 1, "ceffffffff"),
            (1 << 32, "cf0000000100000000"),
        ):
            self.assertEqual(number(value).hex(), data)
            self.assertEqual(field(number(value)), value)

    def test_bytes(self):
        self.assertEqual(raw(None), b"\xc0")
        for length, head in ((0, "a0"), (31, "bf"), (32, "da0020"), (65535, "daffff"), (65536, "db00010000")):
            self.assertEqual(raw(bytes(length)), bytes.fromhex(head) + bytes(length))
            self.assertEqual(field(raw(bytes(length))), bytes(length))

    def test_structs(self):
        data = written([(b"A", boolean(True)), (b"B", boolean(False))])
        self.assertEqual(data, b"\x82\xa1A\xc3\xa1B\xc2")
        self.assertEqual(read(data), {b"A": True, b"B": False})
