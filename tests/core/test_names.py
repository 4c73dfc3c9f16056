"""Names of topics and clients."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import BadName
from kapokmq.core.names import LONGEST_NAME, check_name


class NameTests(SynchronousTestCase):
    """What may be a name."""

    def test_whatever_can_be_read_is_a_name(self):
        for name in ("orders", "中", "a b", "x" * LONGEST_NAME, "😀" * LONGEST_NAME, "a/b", "*", "\u2028"):
            self.assertEqual(check_name(name, "topic"), name)

    def test_refusals_name_what_is_wrong(self):
        for name, text in (
            ("", "topic: is empty"),
            ("x" * (LONGEST_NAME + 1), "topic: is longer than 255 characters"),
            ("a\x00", "topic: has a control character at 1"),
            ("\n", "topic: has a control character at 0"),
            ("ab\x7f", "topic: has a control character at 2"),
            ("\x85", "topic: has a control character at 0"),
            ("\ud800", "topic: has a control character at 0"),
        ):
            error = self.assertRaises(BadName, check_name, name, "topic")
            self.assertEqual((str(error), error.close_code), (text, 1008))
