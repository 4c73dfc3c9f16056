"""Refusals, as the v2 wire says them."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.rejected import rejected
from kapokmq.core.errors import Full, PeerError, TooBig, WorldError


class RejectedTests(SynchronousTestCase):
    """Other people's refusals, said on this wire."""

    def test_an_error_keeps_its_name_and_when_to_try_again(self):
        fault = rejected(Full("full up"), request=1, sub=2, index=3)
        self.assertEqual((fault.name, str(fault), fault.retry_after), ("full", "full up", 1.0))
        self.assertEqual((fault.id, fault.sub, fault.index), (1, 2, 3))
        self.assertIsNone(rejected(TooBig("x")).retry_after)

    def test_an_error_without_a_name(self):
        self.assertEqual(rejected(PeerError("x")).name, "badRequest")
        self.assertEqual(rejected(WorldError("x")).name, "unavailable")

    def test_a_bug_is_not_told(self):
        fault = rejected(KeyError("secret"), request=1)
        self.assertEqual((fault.name, str(fault), fault.id), ("internal", "internal error", 1))
