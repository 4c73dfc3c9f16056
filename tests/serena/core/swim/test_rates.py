"""How much each host may ask for."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.rates import Rates


class RatesTests(SynchronousTestCase):
    def test_a_burst_and_then_so_many_a_second(self):
        rates = Rates(10.0, 3)
        self.assertEqual([rates.allows(b"a", 0.0) for _ in range(4)], [True, True, True, False])
        self.assertTrue(rates.allows(b"b", 0.0))
        self.assertEqual([rates.allows(b"a", 0.1) for _ in range(2)], [True, False])
        self.assertEqual([rates.allows(b"a", 100.0) for _ in range(4)], [True, True, True, False])

    def test_only_the_last_hosts_are_remembered(self):
        rates = Rates(1.0, 1, most=2)
        for host in (b"a", b"b", b"c"):
            self.assertTrue(rates.allows(host, 0.0))
        self.assertEqual(len(rates._left), 2)
        self.assertFalse(rates.allows(b"c", 0.0))
        self.assertTrue(rates.allows(b"a", 0.0))
