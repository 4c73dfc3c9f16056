"""What is written goes out at once where a socket takes it, in order, and none of it is lost where it does not."""

import socket

from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.protocols.direct import write_through


class Reactor(Clock):
    """Knows who wants to write."""

    def __init__(self):
        super().__init__()
        self.writers = set()

    def addWriter(self, writer):
        self.writers.add(writer)

    def removeWriter(self, writer):
        self.writers.discard(writer)

    addReader = removeReader = removeWriter


class WriteTests(SynchronousTestCase):
    """One end of a socket pair is Twisted's, the other one ours."""

    def setUp(self):
        self.reactor = Reactor()
        ours, self.peer = socket.socketpair()
        self.addCleanup(self.peer.close)
        self.addCleanup(ours.close)
        for each in (ours, self.peer):
            each.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.transport = Connection(ours, None, self.reactor)
        self.transport.connected = True

    def read(self):
        """All that has come."""
        found = b""
        while True:
            try:
                found += self.peer.recv(1 << 20)
            except BlockingIOError:
                return found

    def test_what_the_socket_takes_is_sent_at_once(self):
        for text in (b"one", b"two"):
            write_through(self.transport, text)
        self.assertEqual(self.read(), b"onetwo")
        self.assertEqual(self.reactor.writers, set(), "nothing is left to the reactor")

    def test_the_rest_follows_in_order_when_the_socket_takes_more(self):
        texts = [bytes([65 + n]) * 30_000 for n in range(20)]
        for text in texts:
            write_through(self.transport, text)
        self.assertEqual(self.reactor.writers, {self.transport})
        found = b""
        while self.reactor.writers:
            found += self.read()
            self.transport.doWrite()
        self.assertEqual(found + self.read(), b"".join(texts))
        write_through(self.transport, b"later")
        self.assertEqual(self.read(), b"later")

    def test_of_an_error_the_reactor_learns(self):
        self.peer.close()
        write_through(self.transport, b"x")
        self.assertEqual(self.reactor.writers, {self.transport})
        self.assertIsInstance(self.transport.doWrite(), ConnectionLost)

    def test_nothing_goes_out_behind_a_goodbye_or_without_a_connection(self):
        write_through(self.transport, b"x" * 1_000_000)  # more than the socket takes, so that the goodbye must wait
        self.transport.loseWriteConnection()
        write_through(self.transport, b"late")
        self.transport.dataBuffer, self.transport._tempDataBuffer = b"", []
        self.read()
        write_through(self.transport, b"late")
        self.transport.connected = False
        write_through(self.transport, b"late")
        self.assertEqual(self.read(), b"")

    def test_what_is_to_be_encrypted_is_left_to_who_does_that(self):
        self.transport.TLS = True
        written = []
        self.transport.write = written.append
        write_through(self.transport, b"secret")
        self.assertEqual((self.read(), written), (b"", [b"secret"]))

    def test_what_is_no_plain_socket_is_written_as_ever(self):
        transport = StringTransport()
        write_through(transport, b"text")
        self.assertEqual(transport.value(), b"text")
