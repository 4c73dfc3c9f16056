"""Several messages in one."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.wire.compound import joined, split
from serena.core.swim.wire.faults import Dropped


class CompoundTests(SynchronousTestCase):
    """What is joined is split again; what is wrong with one part is none of the others' business."""

    @given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=127))
    def test_parts_come_back(self, parts):
        data = joined(parts)
        self.assertEqual(len(data), 2 + sum(2 + len(part) for part in parts))
        self.assertEqual(split(data), (parts, []))

    @given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=9))
    def test_cut_anywhere_the_parts_before_are_there(self, parts):
        data = joined(parts)
        table = 2 + 2 * len(parts)
        for end in range(1, len(data)):
            if end < table:
                self.assertEqual(self.assertRaises(Dropped, split, data[:end]).reason, "truncated")
            else:
                found, left_out = split(data[:end])
                self.assertEqual(found, parts[: len(found)])
                self.assertEqual(left_out, ["truncated"] * (len(parts) - len(found)))

    def test_no_parts_and_empty_ones(self):
        self.assertEqual(split(b"\x07\x00"), ([], []))
        self.assertEqual(split(b"\x07\x03\0\x01\0\0\0\x01ab"), ([b"a", b"b"], ["empty"]))

    def test_what_kills_others_is_not_written(self):
        for parts in ([], [b""], [b"a", b""], [b"a"] * 128, [bytes(65536)]):
            self.assertRaises(MisuseError, joined, parts)
        self.assertEqual(split(joined([bytes(65535)])), ([bytes(65535)], []))
