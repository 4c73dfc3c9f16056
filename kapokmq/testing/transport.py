"""A connection of an event loop, as Twisted's protocols want to have one."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(ITCPTransport, IPushProducer)
class LoopTransport(asyncio.Protocol):
    """One TCP connection, both ends of the seam. `build` makes the Twisted protocol of it."""

    disconnecting = False
    connected = False

    def __init__(self, build: Callable[[IPv4Address], Any]) -> None:
        self._build = build
        self.protocol: Any = None
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._producer: Any = None
        self._half_closed = False

    # ---- from the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)
        self.connected = True
        self.protocol = self._build(self.getPeer())
        self.protocol.makeConnection(self)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.protocol.dataReceived(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.connected = False
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        reason = ConnectionDone() if exc is None else ConnectionLost(str(exc))
        self.protocol.connectionLost(Failure(reason))  # type: ignore[no-untyped-call]

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        if self._producer is not None:
            self._producer.pauseProducing()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        if self._producer is not None:
            self._producer.resumeProducing()

    # ---- from Twisted

    def write(self, data: bytes) -> None:
        """See ITransport."""
        if self.connected and not self._half_closed:
            self._transport.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """See ITransport."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """See ITransport."""
        self.disconnecting = True
        self._transport.close()

    def loseWriteConnection(self) -> None:
        """See ITCPTransport."""
        if self.connected and not self._half_closed:
            self._half_closed = True
            self._transport.write_eof()

    def abortConnection(self) -> None:
        """See ITCPTransport."""
        self.disconnecting = True
        self._transport.abort()

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: FBT001 -- Twisted's signature
        """See IConsumer. Who has to be asked for each piece is not needed here."""
        if not streaming:
            raise NotImplementedError("pull producers")
        self._producer = producer

    def unregisterProducer(self) -> None:
        """See IConsumer."""
        self._producer = None

    def pauseProducing(self) -> None:
        """See IPushProducer."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resumeProducing(self) -> None:
        """See IPushProducer."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def stopProducing(self) -> None:
        """See IPushProducer."""
        self.loseConnection()

    def getPeer(self) -> IPv4Address:
        """See ITransport."""
        return IPv4Address("TCP", *self._transport.get_extra_info("peername")[:2])

    def getHost(self) -> IPv4Address:
        """See ITransport."""
        return IPv4Address("TCP", *self._transport.get_extra_info("sockname")[:2])

    def getTcpNoDelay(self) -> bool:
        """See ITCPTransport: the loop sees to it."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: FBT001 -- Twisted's signature
        """See ITCPTransport."""

    def getTcpKeepAlive(self) -> bool:
        """See ITCPTransport."""
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:  # noqa: FBT001 -- Twisted's signature
        """See ITCPTransport."""
