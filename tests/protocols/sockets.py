"""A node that listens on loopback, and raw clients for it."""

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol

from tests.protocols.wire import ACCEPTED, KEY, PRODUCER, PROMPT, RIGHT, Node, frame, parse, request


class SocketNode(Node):
    """A node that listens on loopback, for a TestCase to clean up."""

    def __init__(self, case, **settings):
        super().__init__(reactor, **settings)
        self.case = case
        self.clients = []
        self.port = reactor.listenTCP(0, self.site, interface="127.0.0.1")
        case.addCleanup(self.stop)

    async def stop(self):
        """Close everything, whatever a test left behind."""
        for client in self.clients:
            if client.reason is None:
                client.transport.abortConnection()
        await self.port.stopListening()
        await self.connections.close_all(reactor, within=0.1)

    async def connect(self, data=b""):
        """A client that has sent these bytes."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        client = await endpoint.connect(Factory.forProtocol(SocketClient))
        self.clients.append(client)
        client.transport.write(data)
        return client

    async def enter(self, path=PRODUCER, **headers):
        """A client that has logged in, with nothing left to read."""
        client = await self.connect(request(path, **headers) + frame(KEY))
        await client.reads(2)
        assert client.answer == ACCEPTED[:-4]
        assert client.take() == [PROMPT, RIGHT]
        return client


class SocketClient(Protocol):
    """A raw socket that keeps what it reads."""

    def connectionMade(self):
        self.answer = None
        self.stream = b""
        self.reason = None
        self._wanted = None
        self._waiting = None
        self._closed = []

    def dataReceived(self, data):
        self.stream += data
        if self.answer is None and b"\r\n\r\n" in self.stream:
            self.answer, _, self.stream = self.stream.partition(b"\r\n\r\n")
        self._look()

    def _look(self):
        if self._waiting is not None and (self._wanted() or self.reason is not None):
            waiting, self._waiting = self._waiting, None
            waiting.callback(None)

    def connectionLost(self, reason):
        self.reason = reason
        self._look()
        for waiting in self._closed:
            waiting.callback(None)

    def until(self, wanted):
        """Fires when that is so, or the connection is gone."""
        self._wanted, self._waiting = wanted, Deferred()
        waiting = self._waiting
        self._look()
        return waiting

    def reads(self, count):
        """Fires when so many frames are there."""
        return self.until(lambda: self.answer is not None and len(parse(self.stream).frames) >= count)

    def closed(self):
        """Fires when the connection is gone."""
        waiting = Deferred()
        if self.reason is not None:
            waiting.callback(None)
        else:
            self._closed.append(waiting)
        return waiting

    def send(self, *data):
        """Write all this at once."""
        self.transport.write(b"".join(data))

    def take(self):
        """The frames read since last time."""
        frames, self.stream = parse(self.stream)
        return frames
