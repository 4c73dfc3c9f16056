"""Subscriptions that are left while there is no connection: what was acknowledged is told on the next."""

from kapokmq.core.client.errors import Gone
from kapokmq.core.client.events import Complaint, Draining, Ended
from kapokmq.core.client.inbox import Stage
from tests.core.client.test_inbox import InboxCase


class PartingTests(InboxCase):
    def parted(self, **terms):
        """An inbox that was left while the connection was away, with an ack of `a` to be told."""
        inbox = self.subscribed(**terms)
        self.deliver(inbox, "a", "b")
        self.taken(inbox)
        self.session.lost()
        self.ack(inbox, "a")
        self.assertEqual(self.session.unsubscribe(inbox), [Ended(inbox.sub, None)])
        return inbox

    def asked(self):
        """What is said on the next connection, which must be to ask, to tell the acks, and to leave."""
        self.welcome()
        said = self.said()
        self.assertEqual([each["op"] for each in said], ["subscribe", "ack", "unsubscribe"])
        self.assertEqual((said[0]["credit"], said[1]["codes"]), (0, ["a"]))
        return said

    def test_acks_are_told_on_the_next_connection(self):
        inbox = self.parted()
        self.assertFalse(self.session.settled)
        self.assertEqual(self.session.unsubscribe(inbox), [])
        self.session.set_credit(inbox, 7)
        asked, ack, leave = self.asked()
        self.assertEqual(self.hear("ok", id=asked["id"]), [])
        self.assertEqual(self.deliver(inbox, "c"), [])
        self.session.set_credit(inbox, 8)
        self.assertEqual(self.said(), [])
        self.assertEqual(self.hear("ok", id=ack["id"]), [])
        self.assertEqual(self.hear("ok", id=leave["id"]), [])
        self.assertTrue(self.session.settled)
        self.assertIs(inbox.stage, Stage.OVER)
        self.assertEqual(self.again(), ([], []))

    def test_that_one_ends_as_well(self):
        self.parted()
        self.asked()
        self.assertEqual(self.session.lost(), [])
        _, ack, leave = self.asked()
        self.hear("ok", id=ack["id"])
        self.hear("ok", id=leave["id"])
        self.assertTrue(self.session.settled)

    def test_the_connection_ends_before_the_acks_were_answered(self):
        inbox = self.subscribed()
        self.deliver(inbox, "a")
        self.ack(inbox, inbox.next().code)
        self.session.unsubscribe(inbox)
        self.assertEqual([each["op"] for each in self.said()], ["ack", "unsubscribe"])
        self.assertEqual(self.session.lost(), [Ended(inbox.sub, None)])
        self.asked()

    def test_an_ack_of_what_was_in_hand_comes_in_time(self):
        inbox = self.parted()
        self.ack(inbox, "b")
        self.welcome()
        self.assertEqual([each.get("codes") for each in self.said()], [None, ["a", "b"], None])

    def test_a_private_group_is_not_asked_for(self):
        inbox = self.parted(group=None)
        self.assertTrue(self.session.settled)
        self.assertIs(inbox.stage, Stage.OVER)
        self.assertEqual(self.again(), ([], []))

    def test_its_group_was_deleted(self):
        inbox = self.parted()
        self.welcome()
        self.said()
        (event,) = self.hear("error", sub=inbox.sub, code="gone", message="deleted")
        self.assertIsInstance(event, Complaint)
        self.assertIsInstance(event.error, Gone)
        self.assertIs(inbox.stage, Stage.OVER)

    def test_it_is_refused(self):
        inbox = self.parted()
        self.welcome()
        self.said()
        (event,) = self.hear("error", id=inbox.sub, code="deleting", message="no", retryAfter=2)
        self.assertIsInstance(event, Complaint)
        self.assertEqual(self.again(), ([], []))

    def test_a_node_that_drains_is_left_for_the_next(self):
        inbox = self.parted()
        asked, ack, leave = self.asked()
        self.hear("error", id=asked["id"], sub=inbox.sub, code="draining", message="bye", retryAfter=5)
        for each in (ack, leave):
            self.hear("error", id=each["id"], sub=inbox.sub, code="unknownSub", message="no")
        self.assertFalse(self.session.settled)
        self.assertTrue(self.session.dispensable)
        self.assertEqual(self.session.lost(), [])
        self.asked()

    def test_and_so_is_one_that_drains_already(self):
        self.parted()
        self.session.connected()
        self.assertIn(Draining("bye"), self.hear("error", id=0, code="draining", message="bye", retryAfter=5))
        self.assertTrue(self.session.dispensable)

    def test_acks_that_come_after_the_end_are_counted(self):
        inbox = self.subscribed()
        self.deliver(inbox, "a", "b")
        self.taken(inbox)
        self.session.unsubscribe(inbox)
        (leave,) = self.said()
        self.hear("ok", id=leave["id"])
        self.ack(inbox, "a")
        self.assertEqual(inbox.unknown, 1)
        self.assertTrue(self.session.settled)
