"""TCP and UDP on one port."""

from types import SimpleNamespace

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import WorldError
from serena.services.ports import TRIES, bind


class FakePort:
    def __init__(self, port):
        self.port = port
        self.closed = False

    def getHost(self):
        return SimpleNamespace(port=self.port)

    def stopListening(self):
        self.closed = True


class FakeReactor:
    """Gives ports from 100 on; those in `taken` are somebody's, as (kind, port)."""

    def __init__(self, *taken):
        self.taken = taken
        self.opened = []
        self.next = 99

    def _listen(self, kind, port):
        if (kind, port) in self.taken:
            raise CannotListenError("127.0.0.1", port, OSError(98, "Address already in use"))
        opened = FakePort(port)
        self.opened.append((kind, opened))
        return opened

    def listenTCP(self, port, factory, backlog, interface):
        self.next += port == 0
        return self._listen("tcp", port or self.next)

    def listenUDP(self, port, protocol, interface, maxPacketSize):
        return self._listen("udp", port)


class PortsTests(SynchronousTestCase):
    def test_both_on_one(self):
        reactor = FakeReactor()
        ports = bind(reactor, None, None, 7946, "127.0.0.1")
        self.assertEqual((ports.number, [kind for kind, _ in reactor.opened]), (7946, ["tcp", "udp"]))
        self.successResultOf(Deferred.fromCoroutine(ports.close()))
        self.assertTrue(all(port.closed for _, port in reactor.opened))

    def test_one_that_is_taken_is_named(self):
        for taken in (("tcp", 7946), ("udp", 7946)):
            reactor = FakeReactor(taken)
            error = self.assertRaises(WorldError, bind, reactor, None, None, 7946, "127.0.0.1")
            self.assertIn("cannot listen on 127.0.0.1:7946", str(error))
            self.assertTrue(all(port.closed for _, port in reactor.opened))

    def test_a_free_port_is_one_that_is_free_for_both(self):
        reactor = FakeReactor(("udp", 100), ("udp", 101))
        self.assertEqual(bind(reactor, None, None, 0, "127.0.0.1").number, 102)
        self.assertEqual([port.closed for _, port in reactor.opened], [True, True, False, False])

    def test_it_is_not_looked_for_for_ever(self):
        reactor = FakeReactor(*(("udp", port) for port in range(1000)))
        self.assertRaises(WorldError, bind, reactor, None, None, 0, "127.0.0.1")
        self.assertEqual(len(reactor.opened), TRIES)
