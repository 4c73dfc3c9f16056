"""What can be said of an address."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.addresses import is_usable, plain

MAPPED = bytes(10) + b"\xff\xff\x0a\x00\x00\x01"
IPV6 = bytes.fromhex("20010db8000000000000000000000001")


class AddressTests(SynchronousTestCase):
    def test_an_ipv4_address_in_16_bytes_is_one_in_4(self):
        self.assertEqual(plain(MAPPED), b"\x0a\x00\x00\x01")
        self.assertEqual(plain(IPV6), IPV6)
        self.assertEqual(plain(b"\x0a\x00\x00\x01"), b"\x0a\x00\x00\x01")

    def test_where_a_member_may_live(self):
        for host in (b"\x0a\x00\x00\x01", b"\x7f\x00\x00\x01", MAPPED, IPV6):
            self.assertTrue(is_usable(host))
        for host in (b"", b"\x0a", bytes(4), bytes(16), b"\xe0\x00\x00\x01", bytes(17), b"\xff" + bytes(15)):
            self.assertFalse(is_usable(host))
        self.assertFalse(is_usable(bytes(10) + b"\xff\xff" + bytes(4)))
