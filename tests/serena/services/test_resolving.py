"""Names to addresses."""

from ipaddress import ip_address

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from serena.core.errors import WorldError
from serena.services.resolving import announced, resolver

HERE = bytes((127, 0, 0, 1))


class ResolverTests(TestCase):
    timeout = 20

    async def test_localhost(self):
        self.assertIn(HERE, await resolver(reactor, "127.0.0.1")("localhost"))
        for host in await resolver(reactor, "127.0.0.1")("localhost"):
            self.assertEqual(len(host), 4)

    async def test_what_has_no_address(self):
        with self.assertRaises(WorldError) as caught:
            await resolver(reactor, "127.0.0.1")("no-such-name.invalid")
        self.assertIn("no-such-name.invalid", str(caught.exception))


class LiteralTests(SynchronousTestCase):
    def test_an_address_needs_no_resolver(self):
        for text, host in [("127.0.0.1", HERE), ("::1", bytes(15) + b"\x01"), ("::ffff:127.0.0.1", HERE)]:
            for bind in ("127.0.0.1", "::", "::1"):
                found = self.successResultOf(Deferred.fromCoroutine(resolver(None, bind)(text)))
                self.assertEqual(found, [host])


class AnnouncedTests(SynchronousTestCase):
    def test_what_is_given_counts(self):
        for addr, bind, host in [
            ("10.0.0.1", "0.0.0.0", "10.0.0.1"),
            ("h", "0.0.0.0", "h"),
            ("0.0.0.0", "10.0.0.2", "10.0.0.2"),
            ("::", "127.0.0.1", "127.0.0.1"),
        ]:
            self.assertEqual(announced(addr, bind), host)

    def test_else_one_of_this_machine_s(self):
        self.assertFalse(ip_address(announced("0.0.0.0", "0.0.0.0")).is_unspecified)
