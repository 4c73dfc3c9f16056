"""What one address may ask, and all together."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from serena.transports.admission import Admission, Bounds, Budgets
from tests.serena.transports.fakes import anybody

A, B = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))


class AdmissionTests(SynchronousTestCase):
    def make(self, allowed=anybody, **bounds):
        self.clock = Clock()
        return Admission(allowed, self.clock.seconds, Bounds(**bounds))

    def test_a_flood_of_datagrams_is_bounded_by_address(self):
        admission = self.make(datagram_rate=10, datagram_burst=20)
        self.assertEqual(sum(admission.takes_datagram(A, 100) for _ in range(1000)), 20)
        self.assertTrue(admission.takes_datagram(B, 100))
        self.clock.advance(1)
        self.assertEqual(sum(admission.takes_datagram(A, 100) for _ in range(1000)), 10)
        self.assertEqual(admission.dropped, {"rate": 980 + 990})

    def test_bytes_are_bounded_too_and_so_is_what_they_unpack_to(self):
        admission = self.make(datagram_byte_rate=1000, datagram_byte_burst=5000)
        self.assertEqual(sum(admission.takes_datagram(A, 1000) for _ in range(10)), 5)
        self.clock.advance(4)
        self.assertTrue(admission.takes_datagram(A, 1000))
        self.assertTrue(admission.takes_unpacked(A, 4000))  # for the last time: now it owes some
        self.assertFalse(admission.takes_unpacked(A, 1))
        self.assertFalse(admission.takes_datagram(A, 10))
        self.assertTrue(admission.takes_datagram(B, 10))
        self.clock.advance(1.5)
        self.assertTrue(admission.takes_datagram(A, 10))
        self.assertEqual(admission.dropped, {"rate": 7})

    def test_who_is_remembered_is_bounded(self):
        budgets = Budgets(1, 10, most=2)
        for host in (A, B, A, bytes(4)):
            budgets.allows(host, 10, 0)
        self.assertEqual([budgets.allows(host, 0, 0) for host in (A, bytes(4), B)], [False, False, True])

    def test_beyond_the_bound_and_from_elsewhere(self):
        admission = self.make(allowed=lambda host: host == A, datagram_bytes=10)
        self.assertEqual(
            [admission.takes_datagram(A, 11), admission.takes_datagram(B, 1), admission.takes_stream(B)], [False] * 3
        )
        self.assertEqual(admission.dropped, {"oversized": 1, "notAllowed": 2})

    def test_streams_at_once(self):
        admission = self.make(streams=3, streams_of_one=2)
        self.assertEqual([admission.takes_stream(A) for _ in range(3)], [True, True, False])
        self.assertEqual([admission.takes_stream(B) for _ in range(2)], [True, False])
        self.assertEqual((admission.streams_open, admission.dropped), (3, {"tooManyStreams": 2}))
        admission.stream_closed(A, 0)
        self.assertTrue(admission.takes_stream(B))

    def test_streams_by_time(self):
        admission = self.make(stream_rate=1, stream_burst=2)
        taken = 0
        for _ in range(10):
            if admission.takes_stream(A):
                taken += 1
                admission.stream_closed(A, 0)
        self.assertEqual((taken, admission.dropped), (2, {"rate": 8}))
        self.clock.advance(1)
        self.assertTrue(admission.takes_stream(A))

    def test_bytes_held_in_all(self):
        admission = self.make(held_bytes=100, ping_bytes=1000)
        self.assertTrue(admission.takes_bytes(0, 60))
        self.assertFalse(admission.takes_bytes(0, 60))
        self.assertEqual(admission.dropped, {"busy": 1})
        for _ in range(2):
            admission.takes_stream(A)
            admission.stream_closed(A, 60)
        self.assertTrue(admission.takes_bytes(0, 100))

    def test_push_pulls_at_once(self):
        admission = self.make(push_pulls=1, ping_bytes=10)
        self.assertTrue(admission.takes_bytes(0, 10))
        self.assertTrue(admission.takes_bytes(10, 10))  # one that is longer than a ping
        self.assertTrue(admission.takes_bytes(20, 10))
        self.assertTrue(admission.takes_bytes(0, 10))
        self.assertFalse(admission.takes_bytes(0, 11))
        admission.takes_stream(A)
        admission.takes_stream(A)
        admission.stream_closed(A, 30)
        admission.stream_closed(A, 11)
        self.assertTrue(admission.takes_bytes(0, 11))
