"""What is found out when somebody asks."""

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.services.lately import PATIENCE, Lately


class LatelyTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.asked = []
        self.lately = Lately(self.find, "none", self.clock, 3.0)

    async def find(self):
        self.asked.append(Deferred())
        return await self.asked[-1]

    def get(self):
        return self.lately.get()

    def test_it_is_found_out_once_for_all_who_ask(self):
        first, second = self.get(), self.get()
        self.assertNoResult(first)
        self.asked[0].callback("a")
        self.assertEqual([self.successResultOf(one) for one in (first, second)], ["a", "a"])
        self.clock.advance(2.9)
        self.assertEqual(self.successResultOf(self.get()), "a")
        self.assertEqual(len(self.asked), 1)
        self.clock.advance(0.1)
        again = self.get()
        self.asked[1].callback("b")
        self.assertEqual(self.successResultOf(again), "b")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_known_at_once_is_told_at_once(self):
        async def find():
            return "now"

        self.assertEqual(self.successResultOf(Lately(find, "", self.clock, 1.0).get()), "now")

    def test_nobody_waits_for_long(self):
        first = self.get()
        self.clock.advance(PATIENCE)
        self.assertEqual(self.successResultOf(first), "none")
        self.assertEqual(len(self.lately._waiting), 0, "who has been told is forgotten")
        second = self.get()
        self.asked[0].callback("a")
        self.assertEqual(self.successResultOf(second), "a")
        self.assertEqual(len(self.asked), 1)

    def test_who_leaves_costs_the_others_nothing(self):
        gone, other = self.get(), self.get()
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.asked[0].callback("a")
        self.assertEqual(self.successResultOf(other), "a")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_where_it_can_not_be_found_out_what_was_known_is_told(self):
        lately = Lately(lambda: fail(ZeroDivisionError()), "old", self.clock, 3.0)
        for _ in range(3):
            self.assertEqual(self.successResultOf(lately.get()), "old")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
