"""The streams that others open: one request, one answer, and the end.

Who opened one has its time for all of it, however slowly the bytes come. What takes long (encrypted or compressed, and
more than a little) is worked on in another thread; not at all where the peer has gone before its turn comes. What can't
be read is counted; whoever sent it is told so only where memberlist does.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from typing import Protocol as Interface

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from serena.core.errors import WorldError
from serena.core.swim.messages import Ack, Address, Err, Exchange, PushPull
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.streams import StreamCodec, StreamReader
from serena.transports.addresses import address_of
from serena.transports.admission import Admission

INLINE = 16 << 10  # bytes to decrypt or unpack in the reactor's own thread: some milliseconds
MANY = 200  # members that are written there

T = TypeVar("T")


class Crowded(WorldError):
    """Too much work waits already."""

    def __init__(self) -> None:
        super().__init__("too much waits to be decrypted or unpacked")


class Elsewhere(Interface):
    """Where long work is done."""

    def __call__(self, work: Callable[[], T]) -> "Deferred[T]":
        """Do it in another thread. The Deferred fires in the reactor's: with Crowded where there is no room."""


class Reading(Protocol):
    """What both ends have in common: bytes come, and make an exchange or a fault. Each tells of one of them, once."""

    _log = Logger()
    _reader: StreamReader

    def __init__(self, codec: StreamCodec, admission: Admission, elsewhere: Elsewhere, *, reply: bool) -> None:
        self._codec = codec
        self._dropped = admission.dropped
        self._elsewhere = elsewhere
        self._reader = codec.reader(reply=reply, inline=INLINE)
        self._whole = False  # what comes now is of no interest
        self._gone = False
        self._works = 0  # that are under way elsewhere, or wait for it

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        if self._whole:
            return
        try:
            exchange = self._reader.feed(data)
        except Dropped as fault:
            self._end(fault)
            return
        if exchange is not None:
            self._end(exchange)
        elif self._reader.work is not None:
            self._whole = True
            self._work(self._reader.work, self._end)

    def write(self, exchange: Exchange, *, reply: bool) -> None:
        """Write an exchange, as soon as it is encoded."""
        if isinstance(exchange, PushPull) and len(exchange.entries) > MANY:
            self._work(lambda: self._codec.write(exchange, reply=reply), self.written)
        else:
            self.written(self._codec.write(exchange, reply=reply))

    def written(self, data: bytes) -> None:
        """What was to be written is encoded."""
        raise NotImplementedError

    def complete(self, exchange: Exchange) -> None:
        """It has come."""
        raise NotImplementedError

    def faulty(self, fault: Dropped) -> None:
        """It can't be read. It is counted already."""
        raise NotImplementedError

    def crowded(self, error: Crowded) -> None:
        """There is no room for the work that it takes. It is counted already."""
        if self.transport is not None and not self._gone:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def worked(self) -> None:
        """A work has ended."""

    def _work(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Have it done elsewhere, unless the peer has gone when its turn comes: then nobody wants it."""
        self._works += 1
        done = self._elsewhere(lambda: None if self._gone else work())
        done.addCallback(lambda result: None if result is None else then(result))
        done.addErrback(self._broken).addErrback(self._bug).addBoth(self._worked)

    def _worked(self, _result: None) -> None:
        self._works -= 1
        self.worked()

    def _end(self, outcome: Exchange | Dropped) -> None:
        self._whole = True
        self._dropped.update(self._reader.dropped)
        if isinstance(outcome, Dropped):
            self._dropped[outcome.reason] += 1
        if self._gone:
            return
        if isinstance(outcome, Dropped):
            self.faulty(outcome)
        else:
            self.complete(outcome)

    def _broken(self, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, Dropped):
            self._end(error)
        elif isinstance(error, Crowded):
            self._dropped["busy"] += 1
            self.crowded(error)
        else:
            self._bug(failure)

    def _bug(self, failure: Failure) -> None:
        self._dropped["bug"] += 1
        self._log.failure("this is a bug in gossip", failure)
        if self.transport is not None and not self._gone:
            self.transport.abortConnection()  # type: ignore[attr-defined]


class Served(Reading):
    """One stream of somebody else."""

    _timer: IDelayedCall | None = None
    _admitted = False
    _held = 0

    def __init__(self, door: "Door") -> None:
        super().__init__(door.codec, door.admission, door.elsewhere, reply=False)
        self._door = door

    def connectionMade(self) -> None:
        """Give it its time, or turn it away."""
        peer: Any = self.transport.getPeer()  # type: ignore[union-attr]
        self._source = address_of(peer.host, peer.port)
        self._admitted = self._door.admission.takes_stream(self._source.host)
        if self._admitted:
            self._door.open.add(self)
            self._give_time()
        else:
            self._whole = True
            self.transport.abortConnection()  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        """Take bytes, as many as there is room for."""
        if self._whole:
            return
        held, self._held = self._held, self._held + len(data)
        if self._door.admission.takes_bytes(held, len(data)):
            self.feed(data)
        else:
            self._whole = True
            self.transport.abortConnection()  # type: ignore[union-attr]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget it."""
        self._gone = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._admitted:
            self._door.open.discard(self)
        self.worked()

    def worked(self) -> None:
        """It counts until it is closed and nothing is worked on any more, as it is held until then."""
        if self._gone and self._admitted and not self._works:
            self._admitted = False
            self._door.admission.stream_closed(self._source.host, self._held)

    def complete(self, exchange: Exchange) -> None:
        """Answer."""
        answer = self._door.serve(exchange, self._source)
        if answer is None:
            self.transport.loseConnection()  # type: ignore[union-attr]
        else:
            self._give_time()
            self.write(answer, reply=True)

    def faulty(self, fault: Dropped) -> None:
        """Say so, where one does."""
        if self._reader.answerable or fault.answerable:
            self.write(Err(str(fault)), reply=True)
        else:
            self.transport.loseConnection()  # type: ignore[union-attr]

    def written(self, data: bytes) -> None:
        """Send it, and be done."""
        if not self._gone:
            self.transport.write(data)  # type: ignore[union-attr]
            self.transport.loseConnection()  # type: ignore[union-attr]

    def cut(self) -> None:
        """End it at once."""
        self.transport.abortConnection()  # type: ignore[union-attr]

    def _give_time(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._door.clock.callLater(self._door.timeout, self._late)

    def _late(self) -> None:
        self._timer = None
        self._whole = True
        self._dropped["timeout"] += 1
        self.cut()


class Door(Factory):
    """Lets streams in. `timeout` is what a request may take, and its answer, in seconds each."""

    noisy = False

    def __init__(
        self,
        codec: StreamCodec,
        admission: Admission,
        serve: Callable[[Exchange, Address], Ack | PushPull | None],
        *,
        clock: IReactorTime,
        timeout: float,
        elsewhere: Elsewhere,
    ) -> None:
        self.codec = codec
        self.admission = admission
        self.serve = serve
        self.clock = clock
        self.timeout = timeout
        self.elsewhere = elsewhere
        self.open: set[Served] = set()

    def buildProtocol(self, addr: IAddress | None) -> Served:
        """One stream."""
        served = Served(self)
        served.factory = self
        return served

    def close(self) -> None:
        """Cut all that are open."""
        for served in list(self.open):
            served.cut()
