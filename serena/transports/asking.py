"""The streams that we open: connect, one request, one answer, close; all of it until the machine's deadline."""

from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IConnector, IDelayedCall
from twisted.internet.protocol import ClientFactory, connectionDone
from twisted.python.failure import Failure

from serena.core.swim.messages import Exchange, Ping
from serena.core.swim.outbox import OpenStream
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.streams import StreamCodec
from serena.transports.addresses import unpacked
from serena.transports.admission import Admission
from serena.transports.stream import Crowded, Elsewhere, Reading


class Asked(Reading):
    """One stream of ours."""

    def __init__(self, attempt: "_Attempt") -> None:
        asking = attempt.asking
        super().__init__(asking.codec, asking.admission, asking.elsewhere, reply=True)
        self._attempt = attempt
        self._admission = asking.admission
        self._held = 0
        self._closed = False

    def connectionMade(self) -> None:
        """Ask."""
        self.write(self._attempt.stream.request, reply=False)

    def dataReceived(self, data: bytes) -> None:
        """Take bytes of the answer, as many as there is room for, and as a ping's has."""
        if self._whole:
            return
        held, self._held = self._held, self._held + len(data)
        if not self._admission.takes_bytes(held, len(data)):
            self._attempt.fail("there is no room for the answer")
        elif isinstance(self._attempt.stream.request, Ping) and self._held > self._admission.bounds.ping_bytes:
            self._dropped["oversized"] += 1
            self._attempt.fail("the answer is too long")
        else:
            self.feed(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Without an answer, there will be none; unless it has come, and is being unpacked."""
        self._closed = True
        if not (self._whole and self._works):
            self._attempt.fail("closed without an answer" if reason.check(ConnectionDone) else _text(reason))
        self.worked()

    def worked(self) -> None:
        """What came is held until it is read."""
        if self._closed and not self._works:
            self._admission.released(self._held)
            self._held = 0

    def over(self) -> None:
        """Nobody wants to know any more."""
        self._whole = self._gone = True

    def written(self, data: bytes) -> None:
        """Send the request. Our half stays open: the other side knows from the counts where it ends."""
        if not self._gone:
            self.transport.write(data)  # type: ignore[union-attr]

    def complete(self, exchange: Exchange) -> None:
        """That is the answer."""
        self._attempt.succeed(exchange)

    def crowded(self, error: Crowded) -> None:
        """It may have come, but can't be read now."""
        self._attempt.fail(str(error))

    def faulty(self, fault: Dropped) -> None:
        """That was to be the answer."""
        self._attempt.fail(f"the answer can't be read: {fault}")


class _Attempt(ClientFactory):
    """One stream, from the connecting to its end. It has one outcome, whatever else happens."""

    noisy = False

    def __init__(self, asking: "Asking", stream: OpenStream) -> None:
        self.asking = asking
        self.stream = stream
        self._protocol: Asked | None = None
        self._connector: Any = None
        self._timer: IDelayedCall | None = None
        self._over = False

    def begin(self, seconds: float) -> None:
        """Connect."""
        to = self.stream.to
        self._timer = self.asking.reactor.callLater(seconds, self._late)
        host, source = unpacked(to.host), self.asking.source
        bind = (source, 0) if source and (":" in source) == (":" in host) else None
        self._connector = self.asking.reactor.connectTCP(host, to.port, self, seconds + 1, bindAddress=bind)

    def buildProtocol(self, addr: IAddress | None) -> Asked | None:
        """See Factory. None: it is over already."""
        if self._over:
            return None
        self._protocol = Asked(self)
        self._protocol.factory = self
        return self._protocol

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Nobody is there."""
        self._connector = None
        self.fail(_text(reason))

    def succeed(self, answer: Exchange) -> None:
        """There is an answer."""
        if self._end(politely=True):
            self.asking.answered(self.stream, answer)

    def fail(self, reason: str) -> None:
        """There is none."""
        if self._end():
            self.asking.failed(self.stream, reason)

    def cut(self) -> None:
        """Tell nobody."""
        self._end()

    def _late(self) -> None:
        self._timer = None
        self.asking.admission.dropped["timeout"] += self._protocol is not None
        self.fail("no answer in time")

    def _end(self, *, politely: bool = False) -> bool:
        if self._over:
            return False
        self._over = True
        self.asking.open.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        transport: Any = None
        if self._protocol is not None:
            self._protocol.over()
            transport = self._protocol.transport
        if transport is not None and politely:
            transport.loseConnection()
        elif transport is not None:
            transport.abortConnection()
        elif self._connector is not None:
            self._connector.stopConnecting()
        return True


class Asking:
    """Opens streams, so many at a time at most. Tells `answered` or `failed` of each, once.

    They come from `source`, an address that datagrams come from too, so that others know by it who may be a member;
    empty: from whichever the kernel takes.
    """

    def __init__(
        self,
        codec: StreamCodec,
        admission: Admission,
        *,
        reactor: Any,
        elsewhere: Elsewhere,
        answered: Callable[[OpenStream, Exchange], None],
        failed: Callable[[OpenStream, str], None],
        source: str = "",
    ) -> None:
        self.codec = codec
        self.admission = admission
        self.reactor = reactor
        self.elsewhere = elsewhere
        self.answered = answered
        self.failed = failed
        self.source = source
        self.open: set[_Attempt] = set()

    def connect(self, stream: OpenStream) -> None:
        """Open one."""
        seconds = stream.deadline - self.reactor.seconds()
        if seconds <= 0 or len(self.open) >= self.admission.bounds.streams_out:
            self.failed(stream, "too many streams are open" if seconds > 0 else "no time is left")
            return
        attempt = _Attempt(self, stream)
        self.open.add(attempt)
        attempt.begin(seconds)

    def close(self) -> None:
        """End all, and tell nobody."""
        for attempt in list(self.open):
            attempt.cut()


def _text(reason: Failure) -> str:
    return reason.getErrorMessage() or type(reason.value).__name__
