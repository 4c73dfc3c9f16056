"""Publish calls that are told apart, and sent once more."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import sessions
from kapokmq.core.commit import ForgottenRow, SentRow
from kapokmq.core.errors import Reused, TooOld
from kapokmq.core.message import Draft
from kapokmq.core.peers import Receipt
from kapokmq.core.sessions import PublishSession, Sessions, crc_of


def receipt(first=0, count=2):
    return Receipt(None, first, count, "p")


class PublishSessionTests(SynchronousTestCase):
    """One session's calls."""

    def made(self, session, number):
        """Make a call that is stored at once. Gives what is forgotten by that."""
        _, forgotten = session.begin(number, receipt(), 7, 1, 0)
        session.stored(number)
        return forgotten

    def test_a_call_is_known_by_its_number_and_must_be_the_same(self):
        session = PublishSession("s", [(3, receipt(), 7)])
        self.assertEqual(session.find(3, 7).again("ref"), Receipt("ref", 0, 2, "p", resent=True))
        self.assertIn("another publish", str(self.assertRaises(Reused, session.find, 3, 8)))
        self.assertIsNone(session.find(4, 8))
        self.assertIsNone(session.find(1, 8), "nothing was forgotten, so it was never made")

    def test_a_call_that_is_made_is_pending_until_it_is_stored(self):
        session = PublishSession("s")
        row, forgotten = session.begin(5, receipt(7), 7, 9, 1234)
        self.assertEqual((row, forgotten), (SentRow("s", 5, 7, 9, 2, 1234, 7), []))
        call = session.find(5, 7)
        call.waiting.append(("publisher", "again"))
        self.assertTrue(call.pending)
        self.assertFalse(session.idle)
        [(publisher, told)] = session.stored(5)
        self.assertEqual((publisher, told.reference, told.resent, told.first), ("publisher", "again", True, 7))
        self.assertEqual(session.stored(5), [])
        self.assertTrue(session.idle)

    def test_a_refused_call_may_be_made_again(self):
        session = PublishSession("s")
        session.begin(5, receipt(), 7, 9, 0)
        session.find(5, 7).waiting.append(("publisher", "again"))
        self.assertEqual([told.reference for _, told in session.refused(5)], ["again"])
        self.assertIsNone(session.find(5, 8))

    def test_only_the_last_calls_are_remembered(self):
        with patch.object(sessions, "REMEMBERED", 2):
            session = PublishSession("s", [(1, receipt(), 7), (4, receipt(), 7)])
            self.assertEqual(self.made(session, 5), [])
            self.assertEqual(self.made(session, 6), [ForgottenRow("s", 1)])
            self.assertRaises(TooOld, session.find, 1, 7)
            self.assertIsNone(session.find(2, 7))
            self.assertEqual(self.made(session, 7), [ForgottenRow("s", 4)])
            self.assertRaises(TooOld, session.find, 4, 7)
            self.assertIsNotNone(session.find(5, 7))

    def test_those_that_are_pending_do_not_count_for_they_may_be_refused(self):
        with patch.object(sessions, "REMEMBERED", 2):
            session = PublishSession("s", [(1, receipt(), 7), (2, receipt(), 7)])
            for number in (3, 4):
                self.assertEqual(session.begin(number, receipt(), 7, 1, 0)[1], [])
            session.stored(4)
            self.assertEqual(session.begin(5, receipt(), 7, 1, 0)[1], [ForgottenRow("s", 1)])
            session.refused(3)
            session.stored(5)
            self.assertEqual(list(session.calls), [2, 4, 5])

    def test_one_that_is_pending_is_not_forgotten_however_old(self):
        with patch.object(sessions, "REMEMBERED", 2):
            session = PublishSession("s")
            session.begin(1, receipt(), 7, 1, 0)
            self.assertEqual([self.made(session, number) for number in (2, 3, 4, 5)], [[], [], [], []])
            session.stored(1)
            self.assertEqual(self.made(session, 6), [ForgottenRow("s", number) for number in (1, 2, 3)])

    def test_one_that_was_lost_and_is_made_again_is_forgotten_before_later_ones(self):
        with patch.object(sessions, "REMEMBERED", 2):
            session = PublishSession("s", [(2, receipt(), 7)])
            for number in (1, 3):
                self.made(session, number)
            self.assertEqual(self.made(session, 4), [ForgottenRow("s", 1)])
            self.assertIsNotNone(session.find(2, 7))
            self.assertRaises(TooOld, session.find, 1, 7)

    def test_where_as_many_are_found_as_are_remembered_there_may_have_been_more(self):
        with patch.object(sessions, "REMEMBERED", 2):
            session = PublishSession("s", [(5, receipt(), 7), (9, receipt(), 7)])
            self.assertRaises(TooOld, session.find, 4, 7)
            self.assertIsNone(session.find(7, 7))


class CrcTests(SynchronousTestCase):
    """What makes a call another one."""

    def test_each_part_of_it_counts(self):
        calls = [
            ("t", [Draft("a"), Draft("b")]),
            ("u", [Draft("a"), Draft("b")]),
            ("t", [Draft("a")]),
            ("t", [Draft("b"), Draft("a")]),
            ("t", [Draft("a", key="b"), Draft("b")]),
            ("t", [Draft("a\0b")]),
            ("t", [Draft("ab"), Draft("")]),
        ]
        self.assertEqual(len({crc_of(*call) for call in calls}), len(calls))
        self.assertEqual(crc_of(*calls[0]), crc_of("t", [Draft("a", 9, 9000), Draft("b")]))


class SessionsTests(SynchronousTestCase):
    """Those that are open."""

    def setUp(self):
        self.sessions = Sessions()

    def test_one_that_is_open_is_the_same_for_all_its_users(self):
        self.assertIsNone(self.sessions.open("s"))
        one = self.sessions.loaded("s", [(1, receipt(), 7)])
        self.assertIs(self.sessions.open("s"), one)
        self.assertIs(self.sessions.loaded("s", []), one, "somebody was quicker")
        self.assertIs(self.sessions.named("s"), one)
        for _ in range(3):
            self.assertIs(self.sessions.named("s"), one)
            self.sessions.close(one)
        self.assertIsNone(self.sessions.open("s"))

    def test_one_with_something_pending_outlives_its_users(self):
        session = self.sessions.loaded("s", [])
        session.begin(1, receipt(), 7, 1, 0)
        self.sessions.close(session)
        self.assertIs(self.sessions.named("s"), session)
        session.stored(1)
        self.sessions.tidy(session)
        self.assertIsNone(self.sessions.open("s"))
