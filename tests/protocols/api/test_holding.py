"""What polls were given: until when it may be held, and that nothing of it is kept for ever."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.protocols.api.holding import Holding


class HoldingTests(SynchronousTestCase):
    def setUp(self):
        self.holding = Holding()

    def test_the_last_counts(self):
        self.assertIsNone(self.holding.last)
        self.holding.add(["a", "b"], 5.0)
        self.holding.add(["c"], 3.0)
        self.assertEqual(self.holding.last, 5.0)
        self.holding.discard(["a", "b", "x"])
        self.assertEqual(self.holding.last, 5.0)  # rather too late than too early
        self.holding.discard(["c"])
        self.assertIsNone(self.holding.last)
        self.holding.add(["d"], 2.0)
        self.assertEqual(self.holding.last, 2.0)

    def test_what_ran_out_is_forgotten(self):
        for at in range(10):
            self.holding.add([f"a{at}", f"b{at}"], float(at))
        self.holding.add(["a0"], 10.0)
        self.holding.discard_before(8.0)
        self.assertEqual(self.holding.last, 10.0)
        self.holding.discard(["a9", "b9"])
        self.assertEqual(self.holding.last, 10.0)
        self.holding.discard(["a0"])
        self.assertIsNone(self.holding.last)
        self.holding.discard_before(99.0)

    def test_all_of_it(self):
        self.holding.add(["a"], 1.0)
        self.holding.discard_before(1.0)
        self.assertIsNone(self.holding.last)
