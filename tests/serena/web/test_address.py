"""Where a client comes from."""

from ipaddress import ip_network

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from serena.web.address import ClientAddress, client_address

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


class AddressTests(SynchronousTestCase):
    """Sockets and proxies."""

    def test_the_table(self):
        for peer, forwarded, expected in (
            ("9.9.9.9", [], "9.9.9.9"),
            ("9.9.9.9", ["6.6.6.6"], "9.9.9.9"),
            ("10.0.0.1", [], "10.0.0.1"),
            ("10.0.0.1", ["6.6.6.6"], "6.6.6.6"),
            ("10.0.0.1", ["6.6.6.6, 7.7.7.7"], "7.7.7.7"),
            ("10.0.0.1", ["6.6.6.6", "7.7.7.7, 10.0.0.2"], "7.7.7.7"),
            ("10.0.0.1", ["10.0.0.3,10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", ["6.6.6.6, rubbish"], "10.0.0.1"),
            ("10.0.0.1", ["6.6.6.6, "], "10.0.0.1"),
            ("::ffff:10.0.0.1", ["6.6.6.6"], "6.6.6.6"),
            ("::ffff:9.9.9.9", ["6.6.6.6"], "9.9.9.9"),
            ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
            ("", ["6.6.6.6"], ""),
            ("unix", ["6.6.6.6"], "unix"),
        ):
            self.assertEqual(client_address(peer, forwarded, TRUSTED), expected, (peer, forwarded))

    def test_requests(self):
        request = DummyRequest([])
        request.requestHeaders.addRawHeader("X-Forwarded-For", "6.6.6.6")
        request.client = IPv4Address("TCP", "10.0.0.1", 80)
        self.assertEqual(ClientAddress(TRUSTED)(request), "6.6.6.6")
        self.assertEqual(ClientAddress([])(request), "10.0.0.1")
        request.requestHeaders.setRawHeaders("X-Forwarded-For", [b"6.6.6.6", b"\xff"])
        self.assertEqual(ClientAddress(TRUSTED)(request), "10.0.0.1")
        request.client = UNIXAddress("/socket")
        self.assertEqual(ClientAddress(TRUSTED)(request), "")
