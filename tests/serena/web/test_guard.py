"""Who may ask."""

from types import SimpleNamespace

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from serena.core.secret import Secret
from serena.web.guard import Guard, socket_address

HERE = IPv4Address("TCP", "192.0.2.7", 1)


def request(*keys: str, address=HERE):
    """Make as much of a request as a guard looks at."""
    headers = Headers({"secretkey": list(keys)} if keys else {})
    return SimpleNamespace(requestHeaders=headers, getClientAddress=lambda: address)


class Counting:
    """Half a second for each wrong key, and none for the first."""

    def __init__(self):
        self.wrong = []

    def delay(self, address):
        self.wrong.append(address)
        return (self.wrong.count(address) - 1) * 0.5


class GuardTests(SynchronousTestCase):
    """The key."""

    def setUp(self):
        self.clock = Clock()
        self.counting = Counting()
        self.guard = Guard(Secret("kéy"), clock=self.clock, slowdown=self.counting)

    def admit(self, asked):
        return Deferred.fromCoroutine(self.guard.admit(asked))

    def test_the_key_opens(self):
        self.assertTrue(self.successResultOf(self.admit(request("kéy"))))
        self.assertEqual(self.counting.wrong, [])

    def test_anything_else_does_not(self):
        for keys in ((), ("",), ("kéy ",), ("key",), ("x", "kéy")):
            self.counting.wrong.clear()
            self.assertFalse(self.successResultOf(self.admit(request(*keys))), keys)

    def test_wrong_keys_slow_their_address_down(self):
        self.successResultOf(self.admit(request("x")))
        second = self.admit(request("x"))
        self.assertNoResult(second)
        self.clock.advance(0.4)
        self.assertNoResult(second)
        self.clock.advance(0.1)
        self.assertFalse(self.successResultOf(second))

    def test_nothing_need_count(self):
        self.guard = Guard(Secret("k"), clock=self.clock)
        self.assertFalse(self.successResultOf(self.admit(request("x"))))

    def test_no_origin_is_foreign_unless_told(self):
        self.assertFalse(self.guard.foreign(request()))

    def test_addresses(self):
        self.assertEqual(socket_address(request()), "192.0.2.7")
        self.assertEqual(socket_address(request(address=UNIXAddress("/x"))), "")
