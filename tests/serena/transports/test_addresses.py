"""Addresses, in their three forms."""

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.messages import Address
from serena.transports.addresses import address_of, packed, unpacked, within, wrapped

MAPPED = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


class AddressTests(SynchronousTestCase):
    def test_text_and_bytes(self):
        for text, host in [("10.0.0.1", bytes((10, 0, 0, 1))), ("::1", bytes(15) + b"\x01")]:
            self.assertEqual((packed(text), unpacked(host)), (host, text))
        self.assertEqual(address_of("10.0.0.1", 5), Address(bytes((10, 0, 0, 1)), 5))
        self.assertRaises(ValueError, packed, "localhost")

    def test_ipv4_has_four_bytes_also_where_it_is_wrapped(self):
        self.assertEqual(packed("::ffff:10.0.0.1"), bytes((10, 0, 0, 1)))
        self.assertEqual(packed("fe80::1%eth0")[:2], b"\xfe\x80")
        self.assertEqual(wrapped(bytes((10, 0, 0, 1))), "::ffff:10.0.0.1")
        self.assertEqual(wrapped(bytes(15) + b"\x01"), "::1")

    def test_ipv4_in_16_bytes_is_spelled_as_ipv4(self):
        self.assertEqual((unpacked(MAPPED), wrapped(MAPPED)), ("10.0.0.1", "::ffff:10.0.0.1"))

    def test_networks(self):
        allowed = within((ip_network("10.0.0.0/8"), ip_network("::1")))
        for host, answer in [("10.1.2.3", True), ("11.0.0.1", False), ("::1", True), ("::2", False)]:
            self.assertEqual(allowed(packed(host)), answer)
        self.assertTrue(allowed(MAPPED))
        self.assertTrue(within(())(packed("8.8.8.8")))
