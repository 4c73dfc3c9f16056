"""One socket for all datagrams."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.messages import Address
from serena.transports.admission import Admission, Bounds
from serena.transports.datagram import RECEIVE_BUFFER, Datagrams
from tests.serena.transports.fakes import PEER, anybody


class FakeSocket:
    def setsockopt(self, *option):
        self.option = option


class FakePort:
    """Where datagrams go out."""

    def __init__(self, trouble=None):
        self.sent = []
        self.trouble = trouble
        self.socket = FakeSocket()

    def write(self, data, to):
        if self.trouble is not None:
            raise self.trouble
        self.sent.append((data, to))


class DatagramTests(SynchronousTestCase):
    def make(self, port=None, ipv6=False, **bounds):
        self.taken = []
        self.admission = Admission(anybody, Clock().seconds, Bounds(**bounds))
        datagrams = Datagrams(self.admission, lambda *each: self.taken.append(each), ipv6=ipv6)
        if port is not None:
            datagrams.transport = port
            datagrams.startProtocol()
        return datagrams

    def test_what_is_admitted_is_taken(self):
        datagrams = self.make(datagram_burst=2)
        for _ in range(3):
            datagrams.datagramReceived(b"abc", ("10.0.0.7", 7946))
        self.assertEqual(self.taken, [(b"abc", PEER)] * 2)
        self.assertEqual((datagrams.received, datagrams.received_bytes), (3, 9))

    def test_ipv4_through_a_socket_of_ipv6(self):
        port = FakePort()
        datagrams = self.make(port, ipv6=True)
        datagrams.datagramReceived(b"a", ("::ffff:10.0.0.7", 7946))
        datagrams.datagramReceived(b"a", ("fe80::1%eth0", 7946, 0, 2))
        datagrams.send(b"b", PEER)
        self.assertEqual((self.taken[0], len(self.taken)), ((b"a", PEER), 2))
        self.assertEqual(port.sent, [(b"b", ("::ffff:10.0.0.7", 7946))])

    def test_sending(self):
        port = FakePort()
        datagrams = self.make(port)
        datagrams.send(b"ab", PEER)
        self.assertEqual(port.sent, [(b"ab", ("10.0.0.7", 7946))])
        self.assertEqual((datagrams.sent, datagrams.sent_bytes), (1, 2))
        self.assertEqual(port.socket.option[2], RECEIVE_BUFFER)

    def test_what_the_kernel_refuses_is_lost(self):
        for trouble in (OSError(101, "Network is unreachable"), ValueError("another family")):
            datagrams = self.make(FakePort(trouble))
            datagrams.send(b"ab", Address(bytes(16), 1))
            self.assertEqual((datagrams.sent, self.admission.dropped), (0, {"unsendable": 1}))
        datagrams = self.make()
        datagrams.send(b"ab", PEER)  # not bound yet, or no more
        datagrams.connectionRefused()
        self.assertEqual(datagrams.sent, 0)
