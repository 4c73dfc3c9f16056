"""Files of the original: samples that its two versions wrote, and whatever else a file may have."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.storage.original_files import (
    Damaged,
    Original,
    looks_like_snapshot,
    read_log,
    read_snapshot,
    unwrapped,
)
from tests.integration.broker import VECTORS

SNAPSHOT = (VECTORS / "original-head-MQDATA").read_bytes()
OLD_SNAPSHOT = (VECTORS / "original-v001-MQDATA").read_bytes()
LOG = (VECTORS / "original-head-WAL.log").read_bytes()


def gob_uint(number):
    """A gob uint, written as Go does."""
    if number < 128:
        return bytes([number])
    digits = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([256 - len(digits)]) + digits


def gob(text):
    """An MQDATA with this JSON."""
    size = gob_uint(len(text))
    return gob_uint(2 + len(size) + len(text)) + b"\x0a\x00" + size + text


def line(code="c" * 32, **more):
    """A line of a WAL.log."""
    whole = {"MessageCode": code, "MessageData": "x", "Topic": "t", "CreateTime": 5, "ConsumedTime": 0, "DelayTime": 0}
    return json.dumps(whole | {"Status": -1} | more).encode() + b"\n"


class SampleTests(SynchronousTestCase):
    def read(self, *contents):
        original = Original()
        for content in contents:
            (read_snapshot if looks_like_snapshot(content) else read_log)(content, original)
        return original

    def test_a_snapshot_of_the_last_version(self):
        left = {one.message_data: one for one in self.read(SNAPSHOT).left()}
        self.assertEqual(set(left), {"later", "", '<a&b> é中 "q" \n'})
        self.assertEqual((left["later"].due, left["later"].topic), (1795223090 + 3600, "t"))
        self.assertIsNone(left[""].due)

    def test_a_snapshot_of_the_first_version(self):
        original = self.read(OLD_SNAPSHOT)
        self.assertEqual([one.message_data for one in original.left()], ["later"])
        self.assertEqual(original.consumed, 2)

    def test_a_log_says_what_became_of_messages(self):
        original = self.read(SNAPSHOT, LOG)
        self.assertEqual([one.message_data for one in original.left()][-1], "after snapshot 1")
        self.assertEqual((len(original.messages), original.consumed), (5, 1))

    def test_oldest_first_and_in_their_order_within_a_second(self):
        original = self.read(line("a", CreateTime=7) + line("b", CreateTime=6) + line("c", CreateTime=6))
        self.assertEqual([one.message_code for one in original.left()], ["b", "c", "a"])

    def test_an_empty_snapshot(self):
        self.assertEqual(self.read(b"\x05\x0a\x00\x02{}").messages, {})

    def test_phantoms_are_counted_and_left_out(self):
        original = self.read(line("") + line())
        self.assertEqual((len(original.messages), original.phantoms), (1, 1))


class DamageTests(SynchronousTestCase):
    def test_a_torn_last_line_is_left_out(self):
        original = Original()
        read_log(line("a") + line("b")[:-20], original)
        self.assertEqual((set(original.messages), original.torn), ({"a"}, 1))

    def test_a_damaged_line_before_the_last_is_told(self):
        for content in (line("a")[:-20] + b"\n" + line("b"), line("a") + line("b")[:-20] + b"\n"):
            with self.assertRaises(Damaged) as damaged:
                read_log(content, Original())
            self.assertRegex(str(damaged.exception), "^line [12]: ")

    def test_a_snapshot_that_is_cut_off_anywhere(self):
        for end in range(len(SNAPSHOT)):
            with self.assertRaises(Damaged):
                read_snapshot(SNAPSHOT[:end], Original())

    def test_a_snapshot_with_other_json(self):
        original = Original()
        for text in (b"[]", b'{"a":1}', b'{"a":{"MessageCode":1}}', b"\xff", b'{"a":{}}'):
            with self.assertRaises(Damaged):
                read_snapshot(gob(text), original)
        self.assertEqual(original.messages, {})

    @given(st.binary(max_size=60))
    def test_junk_is_read_or_refused(self, junk):
        for read in (read_snapshot, read_log):
            with contextlib.suppress(Damaged):
                read(junk, Original())

    @given(st.binary(max_size=70_000))
    def test_what_was_wrapped_is_unwrapped(self, text):
        self.assertEqual(unwrapped(gob(text)), text)
