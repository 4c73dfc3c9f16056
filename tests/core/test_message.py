"""Messages, ids and codes."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.group import Codes
from kapokmq.core.message import (
    OFFSET_MASK,
    OVERHEAD,
    TOPICS_MAX,
    CodeParts,
    Message,
    make_id,
    make_prefix,
    parse_code,
    topic_of,
)


def a_message(message_id, epoch=1, data=""):
    return Message(message_id, epoch, 0, 0, None, None, None, None, data)


class IdTests(SynchronousTestCase):
    """An id holds the topic's number and the offset."""

    @given(st.integers(1, TOPICS_MAX), st.integers(0, OFFSET_MASK))
    def test_an_id_gives_back_what_it_was_made_of_and_fits_63_bits(self, topic, offset):
        message_id = make_id(topic, offset)
        self.assertEqual((topic_of(message_id), a_message(message_id).offset), (topic, offset))
        self.assertLess(message_id, 1 << 63)

    def test_size_counts_the_text_and_what_carries_it(self):
        self.assertEqual(a_message(1, data="hello").size, 5 + OVERHEAD)


class CodeTests(SynchronousTestCase):
    """What clients see of an id."""

    @given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 63) - 1))
    def test_a_code_gives_back_what_it_was_made_of(self, store_id, epoch, message_id):
        [code] = Codes(store_id).of([a_message(message_id, epoch)])
        self.assertEqual(code, f"{make_prefix(store_id, epoch)}{message_id:016x}")
        self.assertEqual(len(code), 40)
        self.assertEqual(parse_code(code), CodeParts(store_id, epoch, message_id))

    def test_messages_of_several_epochs_keep_their_own(self):
        codes = Codes(7)
        messages = [a_message(1, 1), a_message(2, 2), a_message(3, 1)]
        self.assertEqual([parse_code(code).epoch for code in codes.of(messages)], [1, 2, 1])
        self.assertEqual(codes.of([a_message(4, 3)]), [make_prefix(7, 3) + f"{4:016x}"])

    def test_what_is_no_code_of_ours_is_none(self):
        digits = "0123456789abcdef0123456789abcdef01234567"
        self.assertIsNotNone(parse_code(digits))
        for junk in (
            "",
            digits[:-1],
            digits + "0",
            digits.upper(),
            "+" + digits[1:],
            "0_" + digits[2:],
            "  " + digits[2:],
            digits[:14] + "  " + digits[16:],
            "g" * 40,
            "é" * 40,
            "٣" * 40,
            digits[:-1] + "\n",
        ):
            self.assertIsNone(parse_code(junk), junk)
