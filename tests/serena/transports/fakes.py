"""A machine that notes what it is told and wants what a test says, and both ends of streams in memory."""

import os
from dataclasses import dataclass, field

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, execute, fail
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from serena.core.swim.messages import Ack, Address, Entry, PushPull
from serena.core.swim.wire.datagrams import DatagramCodec
from serena.core.swim.wire.keyring import Keyring
from serena.core.swim.wire.streams import StreamCodec
from serena.transports.admission import Admission, Bounds
from serena.transports.stream import Crowded, Door

HOST = bytes((10, 0, 0, 7))
PEER = Address(HOST, 7946)
VERSIONS = bytes((1, 5, 2, 0, 0, 0))
KEY = b"k" * 16


def options(*keys, **more):
    """What codecs are made with."""
    return {"ring": Keyring(keys), "nonce": os.urandom} | more


def datagram_codec(*keys, **more):
    return DatagramCodec(**options(*keys, **more))


def stream_codec(*keys, **more):
    return StreamCodec(**options(*keys, **more))


def push_pull(count=1, join=True):
    """All that a node knows, of which there are so many."""
    entries = [Entry(b"n%d" % number, 1, PEER, 0, None, VERSIONS) for number in range(count)]
    return PushPull(join, entries)


def anybody(_host):
    return True


@dataclass
class FakeMachine:
    """Notes calls; what is in `datagrams`, `opening` and `happened` is drained once."""

    calls: list = field(default_factory=list)
    datagrams: list = field(default_factory=list)
    opening: list = field(default_factory=list)
    happened: list = field(default_factory=list)
    deadline: float | None = None
    answer: object = None
    trouble: Exception | None = None

    def _note(self, *call):
        if self.trouble is not None:
            raise self.trouble
        self.calls.append(call)

    def receive(self, messages, source, now):
        self._note("receive", list(messages), source, now)

    def serve(self, exchange, source, now):
        self._note("serve", exchange, source, now)
        return self.answer

    def stream_done(self, stream, answer, now):
        self._note("done", stream, answer, now)

    def stream_failed(self, stream, reason, now):
        self._note("failed", stream, reason, now)

    def next_deadline(self):
        return self.deadline

    def advance(self, now):
        self._note("advance", now)

    def outgoing(self):
        taken, self.datagrams = self.datagrams, []
        return taken

    def streams(self):
        taken, self.opening = self.opening, []
        return taken

    def events(self):
        taken, self.happened = self.happened, []
        return taken


class Wire(StringTransport):
    """An end of a stream in memory."""

    aborted = False

    def abortConnection(self):
        self.aborted = True
        self.loseConnection()


class Elsewhere:
    """Works at once, or when a test says so; or has no room."""

    def __init__(self):
        self.held = None
        self.crowded = False
        self.works = 0

    def hold(self):
        self.held = []

    def release(self):
        held, self.held = self.held, None
        for work, done in held:
            execute(work).addBoth(done.callback)

    def __call__(self, work):
        if self.crowded:
            return fail(Crowded())
        self.works += 1
        if self.held is None:
            return execute(work)
        done = Deferred()
        self.held.append((work, done))
        return done


class Served:
    """A door, and connections to it."""

    def __init__(self, codec=None, allowed=anybody, answer=None, **bounds):
        self.clock = Clock()
        self.codec = codec or stream_codec()
        self.admission = Admission(allowed, self.clock.seconds, Bounds(**bounds))
        self.asked = []
        self.answer = answer or (lambda _exchange: Ack(7))
        self.elsewhere = Elsewhere()
        self.door = Door(
            self.codec, self.admission, self._serve, clock=self.clock, timeout=10.0, elsewhere=self.elsewhere
        )

    def _serve(self, exchange, source):
        self.asked.append((exchange, source))
        return self.answer(exchange)

    def connect(self, host="10.0.0.7"):
        """One connection. Gives its protocol and its transport."""
        peer = IPv4Address("TCP", host, 31337)
        protocol = self.door.buildProtocol(peer)
        wire = Wire(peerAddress=peer)
        protocol.makeConnection(wire)
        return protocol, wire

    def ask(self, data, host="10.0.0.7"):
        """One connection that brings these bytes. Gives its transport."""
        protocol, wire = self.connect(host)
        protocol.dataReceived(data)
        return wire

    @property
    def dropped(self):
        return dict(self.admission.dropped)


def lose(protocol):
    """The connection is gone."""
    protocol.connectionLost(Failure(ConnectionDone()))
