"""Wrong keys, by address."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from serena.web.wrong_keys import WrongKeys


class WrongKeyTests(SynchronousTestCase):
    """What guessing costs."""

    def setUp(self):
        self.clock = Clock()
        self.wrong_keys = WrongKeys(self.clock.seconds, most_addresses=3)

    def guess(self, times, address="10.0.0.1"):
        """The delays of so many wrong keys, a millisecond apart."""
        delays = []
        for _ in range(times):
            delays.append(self.wrong_keys.delay(address))
            self.clock.advance(0.001)
        return delays

    def test_twenty_a_minute_are_free(self):
        self.assertEqual(self.guess(23), [0.0] * 20 + [1.0] * 3)

    def test_the_window_slides(self):
        self.guess(10)
        self.clock.advance(30)
        self.guess(10)
        self.assertEqual(self.guess(1), [1.0])
        self.clock.advance(30)
        self.assertEqual(self.guess(10), [0.0] * 9 + [1.0])

    def test_it_says_for_how_long_they_are_held_back(self):
        self.guess(19)
        self.assertEqual(self.wrong_keys.held("10.0.0.1"), 0.0)
        self.guess(1)
        self.assertAlmostEqual(self.wrong_keys.held("10.0.0.1"), 59.98)
        self.assertEqual(self.wrong_keys.held("10.0.0.2"), 0.0)
        self.clock.advance(59.97)
        self.assertAlmostEqual(self.wrong_keys.held("10.0.0.1"), 0.01)
        self.clock.advance(0.02)
        self.assertEqual((self.wrong_keys.held("10.0.0.1"), self.guess(1)), (0.0, [0.0]))

    def test_addresses_are_counted_apart(self):
        self.guess(25)
        self.assertEqual(self.guess(1, "10.0.0.2"), [0.0])

    def test_an_ipv6_network_is_counted_as_one(self):
        for n in range(20):
            self.guess(1, f"2001:db8::{n:x}")
        self.assertEqual(self.guess(1, "2001:db8::ffff:1"), [1.0])
        self.assertEqual(self.guess(1, "2001:db8:0:1::1"), [0.0])

    def test_what_is_no_address_is_counted_too(self):
        self.assertEqual(self.guess(21, "unix")[-1], 1.0)

    def test_only_the_latest_addresses_are_remembered(self):
        for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
            self.guess(20, address)
        self.assertEqual(self.guess(1, "10.0.0.1"), [1.0])
        self.guess(1, "10.0.0.4")
        self.assertEqual(self.guess(1, "10.0.0.1"), [1.0])
        self.assertEqual(self.guess(1, "10.0.0.2"), [0.0])
