"""What was pushed, and what was acknowledged."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.classic.inbox import ClassicInbox
from kapokmq.core.client.classic.session import Message

OURS, ORIGINAL = "{:040x}".format, "{:032x}".format


class ClassicInboxTests(SynchronousTestCase):
    def setUp(self):
        self.inbox = ClassicInbox(most=3, most_characters=10, remembered=2)

    def taken(self):
        found = []
        while (message := self.inbox.take(17)) is not None:
            found.append(message.MessageCode)
        return found

    def acks(self):
        found = []
        while (code := self.inbox.next_ack()) is not None:
            found.append(code)
        return found

    def test_messages_are_handed_out_as_the_original_does(self):
        self.assertTrue(self.inbox.pushed(Message("a", "text")))
        message = self.inbox.take(17)
        self.assertEqual((message.MessageData, message.ConsumedTime, message.Status), ("text", 17, 1))
        self.assertIsNone(self.inbox.take(18))

    def test_it_is_full_of_messages_or_of_text(self):
        for code in "abc":
            self.assertFalse(self.inbox.full)
            self.inbox.pushed(Message(code))
        self.assertTrue(self.inbox.full)
        self.inbox.take(0)
        self.assertFalse(self.inbox.full)
        self.inbox.pushed(Message("d", "0123456789"))
        self.assertTrue(self.inbox.full)
        self.assertEqual(self.taken(), ["b", "c", "d"])
        self.assertFalse(self.inbox.full)

    def test_a_copy_of_what_waits_is_dropped(self):
        self.inbox.pushed(Message("a"))
        self.assertFalse(self.inbox.pushed(Message("a")))
        self.assertEqual((self.taken(), self.acks()), (["a"], []))

    def test_what_was_handed_out_and_comes_again_is_handed_out_again(self):
        self.inbox.pushed(Message("a"))
        self.taken()
        self.assertTrue(self.inbox.pushed(Message("a")))
        self.assertEqual(self.taken(), ["a"])

    def test_what_was_acknowledged_and_comes_again_is_acknowledged_again(self):
        self.inbox.ack("a")
        self.assertEqual(self.acks(), ["a"])
        self.assertFalse(self.inbox.pushed(Message("a")))
        self.assertEqual((self.taken(), self.acks()), ([], ["a"]))

    def test_only_the_newest_acks_are_remembered(self):
        for code in ("a", "b", "a", "c"):
            self.inbox.ack(code)
        self.assertFalse(self.inbox.pushed(Message("a")))
        self.assertFalse(self.inbox.pushed(Message("c")))
        self.assertTrue(self.inbox.pushed(Message("b")))

    def test_acks_that_could_not_be_told_come_first_next_time(self):
        self.inbox.ack("a")
        self.inbox.ack("b")
        self.inbox.untold(self.inbox.next_ack())
        self.assertEqual(self.acks(), ["a", "b"])

    def test_acks_that_cannot_be_told_do_not_grow(self):
        for code in "abc":
            self.inbox.ack(code)
        self.assertEqual(self.inbox.next_ack(), "b")
        self.inbox.ack("d")
        self.inbox.untold("b")
        self.assertEqual(self.acks(), ["c", "d"])

    def test_what_comes_again_at_once_does_not_wait_here_when_the_connection_has_ended(self):
        self.inbox.pushed(Message(OURS(1), "ours"))
        self.inbox.pushed(Message(ORIGINAL(2), "theirs"))
        self.inbox.lose()
        self.assertFalse(self.inbox.full)
        self.assertFalse(self.inbox.pushed(Message(ORIGINAL(2), "a copy")))
        self.assertEqual(self.taken(), [ORIGINAL(2)])
        self.assertTrue(self.inbox.pushed(Message(OURS(1), "12345")))
        self.assertFalse(self.inbox.full)
