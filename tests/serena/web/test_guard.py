"""Who may ask."""

import json
from types import SimpleNamespace

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from serena.core.secret import Secret
from serena.web.guard import Guard, shown_key, socket_address
from serena.web.refusals import NO_KEY

HERE = IPv4Address("TCP", "192.0.2.7", 1)


def request(*keys: str, address=HERE, bearer=()):
    """Make as much of a request as a guard looks at."""
    headers = Headers({"secretkey": list(keys)} if keys else {})
    if bearer:
        headers.setRawHeaders("Authorization", list(bearer))
    return SimpleNamespace(requestHeaders=headers, getClientAddress=lambda: address)


class Counting:
    """Half a second for each wrong key, and none for the first."""

    def __init__(self):
        self.wrong = []

    def delay(self, address):
        self.wrong.append(address)
        return (self.wrong.count(address) - 1) * 0.5

    def held(self, address):
        return 30.0004 if self.wrong.count(address) > 1 else 0.0


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

    def test_a_bearer_opens_too(self):
        for bearer in ("Bearer kéy", "bearer kéy", "BEARER   kéy"):
            self.assertTrue(self.guard.holds_key(request(bearer=[bearer])), bearer)
        for bearer in ("kéy", "Basic kéy", "Bearer", "Bearer ", "Bearer key", "Bearerkéy", " Bearer kéy"):
            self.assertFalse(self.guard.holds_key(request(bearer=[bearer])), bearer)
        self.assertFalse(self.guard.holds_key(request(bearer=["Bearer x", "Bearer kéy"])))

    def test_the_header_of_our_own_counts_first(self):
        self.assertFalse(self.guard.holds_key(request("x", bearer=["Bearer kéy"])))
        self.assertTrue(self.guard.holds_key(request("kéy", bearer=["Bearer x"])))

    def test_what_is_shown(self):
        self.assertIsNone(shown_key(request()))
        self.assertIsNone(shown_key(request(bearer=["Basic x"])))
        self.assertEqual(shown_key(request(bearer=["Bearer x y"])), b"x y")

    def test_wrong_keys_slow_their_address_down(self):
        self.successResultOf(self.admit(request("x")))
        second = self.admit(request("x"))
        self.assertNoResult(second)
        self.clock.advance(0.4)
        self.assertNoResult(second)
        self.clock.advance(0.1)
        self.assertFalse(self.successResultOf(second))

    def test_who_is_held_back_is_told_for_how_long(self):
        asked = request("x")
        self.admit(asked)
        self.assertIs(self.guard.no_key(asked), NO_KEY)
        self.admit(asked)
        answer = self.guard.no_key(asked)
        self.assertEqual(answer.status, 401)
        self.assertEqual(
            json.loads(answer.body)["error"],
            {"code": "unauthorized", "message": "secretKey: wrong or missing, too often of late", "retryAfter": 30.0},
        )
        self.assertEqual(dict(answer.headers)["Retry-After"], "30")
        self.assertEqual(dict(answer.headers)["WWW-Authenticate"], "Bearer")
        self.assertIs(Guard(Secret("k"), clock=self.clock).no_key(asked), NO_KEY)

    def test_nothing_need_count(self):
        self.guard = Guard(Secret("k"), clock=self.clock)
        self.assertFalse(self.successResultOf(self.admit(request("x"))))

    def test_no_origin_is_foreign_unless_told(self):
        self.assertFalse(self.guard.foreign(request()))

    def test_addresses(self):
        self.assertEqual(socket_address(request()), "192.0.2.7")
        self.assertEqual(socket_address(request(address=UNIXAddress("/x"))), "")
