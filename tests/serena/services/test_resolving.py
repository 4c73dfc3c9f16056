"""Names to addresses."""

import socket
from ipaddress import ip_address

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from serena.core.errors import WorldError
from serena.services.resolving import announced, own_host, resolver

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

    def test_else_one_of_this_machine_s_of_a_family_that_the_socket_has(self):
        both = {socket.AF_INET: "10.0.0.3", socket.AF_INET6: "2001:db8::3"}
        for addr, bind, there, host in [
            ("0.0.0.0", "0.0.0.0", both, "10.0.0.3"),
            ("::", "0.0.0.0", both, "10.0.0.3"),
            ("::", "::", both, "2001:db8::3"),
            ("0.0.0.0", "::", both, "10.0.0.3"),
            ("::", "::", {socket.AF_INET: "10.0.0.3"}, "10.0.0.3"),
            ("0.0.0.0", "::", {socket.AF_INET6: "2001:db8::3"}, "2001:db8::3"),
        ]:
            self.assertEqual(announced(addr, bind, there.get), host)

    def test_without_any_it_is_not_the_loopback_interface_s(self):
        for bind, there in [("::", {}), ("0.0.0.0", {socket.AF_INET6: "2001:db8::3"})]:
            error = self.assertRaises(WorldError, announced, bind, bind, there.get)
            self.assertIn("name the address", str(error))

    def test_what_this_machine_has(self):
        for family, version in [(socket.AF_INET, 4), (socket.AF_INET6, 6)]:
            found = own_host(family)
            if found is not None:
                self.assertEqual(ip_address(found).version, version)
                self.assertFalse(ip_address(found).is_unspecified)
