"""Publish calls that are sent again: nothing is stored twice, over connections, restarts and failing disks."""

from kapokmq.core.errors import MisuseError, Reused, StoreUnavailable, TooOld
from kapokmq.core.message import Draft
from kapokmq.core.rules import Rules
from kapokmq.core.sessions import REMEMBERED
from tests.services.engine import EngineCase, drafts


class SessionCase(EngineCase):
    def open(self, name="s"):
        return self.answer(self.engine.open_session(name))

    def publish(self, session, number, *bodies, publisher=None):
        publisher = publisher or self.publisher(positional=False)
        self.engine.publish(publisher, "t", drafts(*bodies), f"r{number}", session=session, number=number)
        self.turn()
        return publisher

    def bodies(self):
        return sorted(message.data for message in self.store.naive.messages.values())


class SendAgainTests(SessionCase):
    def test_a_call_that_is_committed_is_confirmed_as_it_was(self):
        self.make(prompt=True)
        session = self.open()
        (first,) = self.publish(session, 1, "a", "b").receipts
        (again,) = self.publish(session, 1, "a", "b").receipts
        self.assertEqual((first.resent, again.resent), (False, True))
        self.assertEqual((again.codes, again.reference, again.durable), (first.codes, "r1", "fsync"))
        self.assertEqual(self.bodies(), ["a", "b"])

    def test_a_confirmation_never_comes_from_within_the_publish(self):
        self.make(prompt=True)
        session = self.open()
        self.publish(session, 1, "a")
        again = self.publisher(positional=False)
        self.engine.publish(again, "t", drafts("a"), session=session, number=1)
        self.assertEqual(again.log, [], "who publishes would be called back before its call returns")
        self.turn()
        self.assertEqual(again.log, [("confirmed", 1)])

    def test_a_call_that_is_pending_is_confirmed_with_its_commit(self):
        self.make()
        session = self.open()
        first = self.publish(session, 1, "a")
        again = self.publish(session, 1, "a")
        self.assertEqual((first.log, again.log), ([], []))
        self.store.finish()
        self.turn()
        self.assertEqual((first.log, again.log), ([("confirmed", 1)], [("confirmed", 1)]))
        self.assertEqual(first.receipts[0].codes, again.receipts[0].codes)
        self.assertTrue(again.receipts[0].resent)
        self.assertEqual(self.store.sizes, [1])

    def test_a_call_that_was_refused_is_stored_when_it_is_sent_again(self):
        self.make()
        session = self.open()
        first = self.publish(session, 1, "a")
        waiting = self.publish(session, 1, "a")
        self.store.refuse()
        self.assertEqual((first.log, waiting.log), ([("refused", 1)], [("refused", 1)]))
        self.clock.advance(1)
        self.store.finish()
        again = self.publish(session, 1, "a")
        self.store.finish()
        self.assertEqual((again.log, again.receipts[0].resent), ([("confirmed", 1)], False))
        self.assertEqual(self.bodies(), ["a"])

    def test_after_a_restart_the_store_remembers(self):
        self.make(prompt=True)
        (first,) = self.publish(self.open(), 7, "a").receipts
        self.make(again=True)
        session = self.open()
        (again,) = self.publish(session, 7, "a").receipts
        self.assertEqual((again.codes, again.resent, again.durable), (first.codes, True, "fsync"))
        self.publish(session, 8, "b")
        self.assertEqual(self.bodies(), ["a", "b"])

    def test_so_are_duplicates_by_key(self):
        self.make(prompt=True)
        (original,) = self.answer(self.engine.send("t", [Draft("a", key="k")])).codes
        session = self.open()
        publisher = self.publisher(positional=False)
        batch = [Draft("b"), Draft("c", key="k")]
        self.engine.publish(publisher, "t", batch, session=session, number=1)
        self.turn()
        self.assertEqual(publisher.receipts[0].duplicates, {1: original})
        self.make(again=True)
        again = self.publisher(positional=False)
        self.engine.publish(again, "t", batch, session=self.open(), number=1)
        self.turn()
        self.assertEqual(again.receipts[0].codes, publisher.receipts[0].codes)
        self.assertEqual(again.receipts[0].duplicates, {1: original})

    def test_another_call_of_the_same_number_is_refused(self):
        self.make(prompt=True)
        session = self.open()
        self.publish(session, 1, "a")
        self.assertRaises(Reused, self.publish, session, 1, "a", "b")

    def test_one_that_may_have_been_forgotten_is_refused(self):
        self.make(prompt=True)
        session = self.open()
        for number in range(REMEMBERED + 2):
            self.publish(session, number, "x")
        self.assertRaises(TooOld, self.publish, session, 0, "x")
        self.make(again=True, prompt=True)
        self.assertRaises(TooOld, self.publish, self.open(), 0, "x")
        self.assertEqual(self.publish(self.open(), 2, "x").receipts[0].resent, True)


class OpeningTests(SessionCase):
    def test_all_who_have_it_open_have_the_same(self):
        self.make(prompt=True)
        one, other, stranger = self.open(), self.open(), self.open("another")
        self.assertIs(one, other)
        self.assertIsNot(one, stranger)
        self.publish(one, 1, "a")
        self.assertTrue(self.publish(other, 1, "a").receipts[0].resent)
        self.assertFalse(self.publish(stranger, 1, "a").receipts[0].resent)

    def test_two_who_open_it_at_once_have_the_same(self):
        self.make(prompt=True)
        self.store.asked = []
        first = self.coroutine(self.engine.open_session("s"))
        second = self.coroutine(self.engine.open_session("s"))
        self.assertNoResult(first)
        self.store.tell()
        self.store.tell()
        self.assertIs(self.successResultOf(first), self.successResultOf(second))

    def test_closed_by_all_it_is_left_to_the_store(self):
        self.make(prompt=True)
        session = self.open()
        self.open()
        self.publish(session, 1, "a")
        self.engine.close_session(session)
        self.assertIs(self.open(), session)
        for _ in range(2):
            self.engine.close_session(session)
        later = self.open()
        self.assertIsNot(later, session)
        self.assertTrue(self.publish(later, 1, "a").receipts[0].resent)

    def test_closed_while_a_call_is_pending_it_is_kept_until_that_is_committed(self):
        self.make()
        session = self.open()
        self.publish(session, 1, "a")
        self.engine.close_session(session)
        again = self.open()
        self.assertIs(again, session)
        self.engine.close_session(again)
        self.store.finish()
        self.turn()
        later = self.open()
        self.assertIsNot(later, session)
        self.assertTrue(self.publish(later, 1, "a").receipts[0].resent)

    def test_a_store_that_can_not_be_read_opens_none(self):
        self.make(prompt=True)
        self.store.reads_fail = True
        self.fails(self.engine.open_session("s"))
        self.store.reads_fail = False
        self.publish(self.open(), 1, "a")

    def test_sessions_of_others_are_a_misuse(self):
        self.make(prompt=True)
        self.assertRaises(MisuseError, self.engine.close_session, object())
        self.assertRaises(MisuseError, self.publish, object(), 1, "a")


class EagerTests(SessionCase):
    rules = Rules(eager=True, durable="interval")

    def test_opening_waits_until_what_was_confirmed_is_in_the_store(self):
        self.make()
        session = self.answer(self.engine.open_session("s"))
        publisher = self.publish(session, 1, "a")
        self.assertEqual((publisher.receipts[0].durable, self.store.sizes), ("interval", []))
        self.engine.close_session(session)
        opening = self.coroutine(self.engine.open_session("s"))
        self.assertNoResult(opening)
        self.store.finish()
        self.turn()
        later = self.successResultOf(opening)
        self.assertIsNot(later, session)
        again = self.publish(later, 1, "a").receipts[0]
        self.assertEqual((again.resent, again.durable), (True, "fsync"))
        self.assertEqual(self.bodies(), ["a"])

    def test_while_the_disk_fails_none_is_opened_that_might_be_forgetful(self):
        self.make(prompt=True)
        session = self.open()
        self.store.commits_fail = True
        self.publish(session, 1, "a")
        self.engine.close_session(session)
        self.fails(self.engine.open_session("s"), StoreUnavailable)
        self.fails(self.engine.open_session("s"), StoreUnavailable)
        self.store.commits_fail = False
        self.wait(1)
        self.assertTrue(self.publish(self.open(), 1, "a").receipts[0].resent)
        self.assertEqual(self.bodies(), ["a"])

    def test_what_is_to_be_synced_is_committed_at_once(self):
        self.make()
        publisher = self.publisher(positional=False)
        self.engine.publish(publisher, "t", drafts("a"), durable=True)
        self.turn()
        self.assertEqual((publisher.log, self.store.sizes), ([], [1]))
        self.store.finish()
        self.turn()
        self.assertEqual((publisher.log, publisher.receipts[0].durable), ([("confirmed", 1)], "fsync"))

    def test_so_is_what_has_a_key(self):
        self.make(prompt=True)
        codes = [self.answer(self.engine.send("t", [Draft(body, key="k")])).codes for body in "ab"]
        self.assertEqual(codes[0], codes[1])
        self.assertEqual(self.bodies(), ["a"])
        self.assertEqual(self.engine.figures().duplicates, 1)
