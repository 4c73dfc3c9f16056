"""Publish calls that are sent again."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import sessions
from kapokmq.core.broker import Broker
from kapokmq.core.errors import (
    Draining,
    Full,
    Reused,
    TooOld,
)
from kapokmq.core.message import Draft
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steps import bodies, keyed, other


class SessionTests(SynchronousTestCase):
    """A publish call that is sent again is stored once."""

    def setUp(self):
        self.rig = Rig(Rules())
        self.session = self.rig.session("s")

    def send(self, number, *texts, producer=None):
        return self.rig.send(
            "a", [Draft(text) for text in texts], producer or other(), session=self.session, number=number
        )

    def test_one_that_is_stored_is_confirmed_at_once_as_it_was(self):
        first = self.send(1, "x", "y")
        self.rig.commit()
        again = self.send(1, "x", "y")
        self.assertEqual(again.receipts[0].codes, first.receipts[0].codes)
        self.assertEqual((first.receipts[0].resent, again.receipts[0].resent), (False, True))
        self.assertFalse(self.rig.broker.ledger)
        self.assertEqual(bodies(self.rig), ["x", "y"])

    def test_one_that_is_pending_is_confirmed_with_the_first(self):
        first, again = self.send(1, "x"), self.send(1, "x")
        self.assertEqual((first.receipts, again.receipts), ([], []))
        self.rig.commit()
        self.assertEqual(first.receipts[0].codes, again.receipts[0].codes)
        self.assertTrue(again.receipts[0].resent)
        self.assertEqual(bodies(self.rig), ["x"])

    def test_a_node_that_takes_nothing_new_confirms_what_it_took_before(self):
        for stored in (False, True):
            for stops in (False, True):
                self.rig = Rig(Rules())
                self.session = self.rig.session("s")
                self.send(1, "x")
                if stored:
                    self.rig.commit()
                with patch.object(Broker, "full", not stops):
                    self.rig.broker.draining = stops
                    again = self.send(1, "x")
                    self.assertRaises(Draining if stops else Full, self.send, 2, "y")
                self.rig.commit()
                self.assertTrue(again.receipts[0].resent)

    def test_those_that_wait_are_refused_with_the_first_and_may_try_again(self):
        first, again = self.send(1, "x"), self.send(1, "x")
        self.rig.begin_commit()
        self.rig.fail_commit()
        self.assertEqual((first.refused_count, again.refused_count), (1, 1))
        self.rig.commit()
        third = self.send(1, "x", "more")
        self.rig.commit()
        self.assertEqual((third.confirmed_count, bodies(self.rig)), (2, ["x", "more"]))

    def test_it_is_known_after_a_restart_and_on_another_connection(self):
        first = self.send(1, "x")
        self.rig.commit()
        self.rig.crash()
        self.session = self.rig.session("s")
        self.assertIs(self.rig.session("s"), self.session)
        again = self.send(1, "x")
        self.assertEqual(again.receipts[0].codes, first.receipts[0].codes)
        self.assertEqual(bodies(self.rig), ["x"])

    def test_one_that_was_lost_with_a_crash_is_stored(self):
        self.send(1, "x")
        self.rig.crash()
        self.session = self.rig.session("s")
        self.send(1, "x")
        self.rig.commit()
        self.assertEqual(bodies(self.rig), ["x"])

    def test_the_same_number_for_another_call_is_refused(self):
        self.send(1, "x")
        self.assertRaises(Reused, self.send, 1, "x", "y")
        self.rig.commit()
        self.assertRaises(Reused, self.send, 1, "x", "y")

    def test_what_is_too_old_to_be_remembered_is_refused(self):
        with patch.object(sessions, "REMEMBERED", 2):
            for number in (1, 2, 3, 4):
                self.send(number, str(number))
                self.rig.commit()
            self.assertRaises(TooOld, self.send, 1, "1")
            self.assertEqual([number for _, number in self.rig.store.sent], [2, 3, 4])
            self.send(5, "5")
            self.rig.commit()
            self.rig.crash()
            self.session = self.rig.session("s")
            self.assertRaises(TooOld, self.send, 1, "1")
            self.assertEqual(self.send(5, "5").receipts[0].resent, True)

    def test_so_it_is_after_a_restart_where_the_last_ones_were_refused(self):
        with patch.object(sessions, "REMEMBERED", 2):
            for number in (1, 2, 3):
                self.send(number, str(number))
                self.rig.commit()
            self.send(4, "4")
            self.send(5, "5")
            self.rig.begin_commit()
            self.rig.fail_commit()
            self.rig.publish("a", ["a classic one"])
            self.rig.commit()
            self.rig.crash()
            self.session = self.rig.session("s")
            self.assertRaises(TooOld, self.send, 1, "1")
            self.assertEqual(self.send(2, "2").receipts[0].resent, True)

    def test_sessions_are_apart(self):
        self.send(1, "x")
        self.session = self.rig.session("t")
        self.send(1, "y")
        self.rig.commit()
        self.assertEqual(bodies(self.rig), ["x", "y"])

    def test_one_that_nobody_has_open_is_left_to_the_store_when_its_calls_are_stored(self):
        self.send(1, "x")
        open_ones = self.rig.broker.publishing.sessions
        open_ones.close(self.session)
        self.assertIsNotNone(open_ones.named("s"))
        self.rig.commit()
        self.assertRaises(KeyError, open_ones.named, "s")

    def test_an_eager_node_confirms_a_call_and_its_repetition_at_once(self):
        self.rig = Rig(Rules(eager=True, durable="interval"))
        self.session = self.rig.session("s")
        first, again = self.send(1, "x"), self.send(1, "x")
        self.assertEqual([one.receipts[0].resent for one in (first, again)], [False, True])
        self.assertEqual(again.receipts[0].durable, "interval")
        self.rig.commit()
        self.assertEqual(bodies(self.rig), ["x"])

    def test_a_repetition_names_what_stands_for_duplicates(self):
        drafts = keyed(("k", "x"), ("k", "y"))
        first = self.rig.send("a", drafts, other(), session=self.session, number=1)
        waiting = self.rig.send("a", drafts, other(), session=self.session, number=1)
        self.rig.commit()
        self.rig.crash()
        later = self.rig.send("a", drafts, other(), session=self.rig.session("s"), number=1)
        [code, same] = first.receipts[0].codes
        self.assertEqual(code, same)
        for again in (waiting, later):
            self.assertEqual((again.receipts[0].codes, list(again.receipts[0].duplicates)), ([code, code], [1]))
