"""HTTP connections that bound what they read: lines, headers, bodies and the time that all of it takes.

    connections as many as the site takes, or 503
    first byte  within 10 s, or the connection is closed
    headers     16 KiB and 100 of them, or 400; within 10 s of a request's first byte, or 408
    body        as many bytes as the site has room for, or 413; within 60 s of its headers, or 408
    idle        60 s between requests, then the connection is closed
    answer      read within 600 s, where it is longer than what the kernel holds

Requests that come together are answered one a turn of the reactor, so that others get theirs, and none is looked at
while the peer does not read the answers it has.

What exceeds a bound in size is answered and not kept. After a 413 or 408 the connection takes no more, but is not cut
at once: a socket that is closed with unread bytes resets, and the peer would never see the answer.
"""

from io import BytesIO
from typing import Any, Protocol, cast
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Request

from serena.web.answers import Answer, answer_json, send, set_headers

FIRST_BYTE_WITHIN = 10
HEADERS_WITHIN = 10
BODY_WITHIN = 60
IDLE = 60
READ_WITHIN = 600
LINGER = 5

_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"


class Bounds(Protocol):
    """What a site says about the bodies it takes."""

    body_bound: int
    resource: IResource

    def opened(self, channel: "NodeChannel") -> bool:
        """Whether one more connection is taken. It is told to `left` again."""
        ...

    def left(self, channel: "NodeChannel") -> None:
        """A connection is gone, or is HTTP no more."""
        ...

    def too_big(self, request: "NodeRequest") -> Answer:
        """What a body beyond the bound is answered."""
        ...

    def wants_body(self, request: "NodeRequest") -> bool:
        """Whether this request's body is to be kept, or read and dropped. Only its headers are known yet."""
        ...


BROKEN = answer_json({"code": -1, "error": "internal error", "msg": "internal error"}, status=500, cors=False)


class NodeChannel(HTTPChannel):
    """One connection."""

    maxHeaders = 100
    totalHeadersSize = 16_384
    MAX_LENGTH = 16_384
    site: Bounds
    transport: Any
    _path: bytes
    _networkProducer: Any
    _receiving = False
    _refused = False
    _turn: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Give the first byte its time, or turn the peer away."""
        super().connectionMade()
        self.setTimeout(FIRST_BYTE_WITHIN)
        if self.site.opened(self):
            return
        if self.isSecure():
            self.transport.abortConnection()  # an answer would have to wait for the handshake
        else:
            self._end_with(_TOO_MANY)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Twisted's has no default either
        """Forget everything."""
        self.leave()
        super().connectionLost(reason)

    def setTimeout(self, period: float | None) -> float | None:
        """Begin the time anew. Twisted would move its timer, which takes a search through those of everybody."""
        before: float | None = super().setTimeout(None)
        super().setTimeout(period)
        return before

    def leave(self) -> None:
        """Be HTTP no more: the connection is gone, or somebody else's."""
        self.site.left(self)
        self.setTimeout(None)
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def requestDone(self, request: "NodeRequest") -> None:
        """Take the next request, but not at once if it is here already."""
        self.paused = True  # LineReceiver's: what was read is kept, and not looked at
        super().requestDone(request)
        if self.persistent and not self._waitingForTransport:
            self.setTimeout(IDLE)
        else:
            self.setTimeout(READ_WITHIN)
        if self.persistent:
            self._go_on()

    def resumeProducing(self) -> None:
        """The transport takes bytes again."""
        super().resumeProducing()
        if self.paused:
            self.setTimeout(IDLE)
            self._go_on()

    def _go_on(self) -> None:
        """Look at what was read in a later turn, and only when the peer reads."""
        if not self._buffer and not self._waitingForTransport:
            self.paused = False
            return
        self._networkProducer.pauseProducing()
        if self._turn is None and not self._waitingForTransport:
            self._turn = self.callLater(0, self._next)

    def _next(self) -> None:
        """Look at the next request."""
        self._turn = None
        if not self._waitingForTransport:
            self.paused = False
            self._networkProducer.resumeProducing()
            self.dataReceived(b"")

    def resetTimeout(self) -> None:
        """Start the clock at a request's first byte, and at no later one: who dribbles gets no more time."""
        if not self._receiving and self.timeOut and not self.paused:
            self._receiving = True
            self.setTimeout(HEADERS_WITHIN)

    def timeoutConnection(self) -> None:
        """Say so to who was in the middle of a request; who was not expects no answer."""
        if self._receiving and not self._refused:
            self._end_with(_TOO_LATE)
        else:
            self.transport.abortConnection()

    def allHeadersReceived(self) -> None:
        """Refuse a body that says it is too long; else give it its time."""
        if self.length is not None and self.length > self.site.body_bound:
            self.refuse_body()
            return
        self.setTimeout(BODY_WITHIN)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """Answer the request, unless it has been refused already."""
        if not self._refused:
            self._receiving = False
            super().allContentReceived()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Answer a line beyond the bound as any other bad request."""
        self._respondToBadRequestAndDisconnect()

    def refuse_body(self) -> None:
        """Answer 413 now, take nothing more, and close when the peer has had time to read it."""
        if self._refused:
            return
        request = self.requests[-1]
        request.path = self._path.partition(b"?")[0]  # it is not the request's before its body is complete
        answer = self.site.too_big(request)
        request.clientproto = b"HTTP/1.1"
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        set_headers(request, answer)
        request.write(answer.body)
        self._end_with(b"")

    def _end_with(self, last: bytes) -> None:
        """Write this, take nothing more, and close when the peer has had time to read it."""
        self._refused = True
        self.transport.write(last)
        self.dataReceived = self._drop  # type: ignore[method-assign]  # as Twisted itself stops reading
        self.setTimeout(LINGER)
        if ITCPTransport.providedBy(self.transport) and not self.isSecure():
            self._networkProducer.unregisterProducer()  # a paused one would keep the transport from closing
            self.transport.loseWriteConnection()
        else:
            self.loseConnection()

    def _drop(self, data: bytes) -> None:
        """Take bytes and forget them."""


class NodeRequest(Request):
    """One request: its body in memory or nowhere, its form left to whoever wants it, no `Server` header."""

    channel: NodeChannel
    content: BytesIO
    _kept = False
    _length = 0

    def gotLength(self, length: int | None) -> None:
        """Take a body only from who may send one."""
        self.content = BytesIO()
        self._kept = self.channel.site.wants_body(self)

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body, up to the bound also where no length was announced."""
        self._length += len(data)
        if self._length > self.channel.site.body_bound:
            self.content = BytesIO()
            self._kept = False
            self.channel.refuse_body()
        elif self._kept:
            self.content.write(data)

    def getRequestHostname(self) -> bytes:
        """Name any host: Klein wants one to route by, and fails at those that are none."""
        return b"node"

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer the request. Twisted's own would read the form first, and refuse one without a boundary with 400."""
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.args: dict[bytes, list[bytes]] = {}
        self.content.seek(0)
        self.process()

    def process(self) -> None:
        """Let the site's resource answer. It sees the raw path; the segments are there for Klein."""
        site = self.channel.site
        self.site = cast("None", site)
        self.setHeader(b"Date", http.datetimeToString())
        self.prepath: list[bytes] = []
        self.sitepath: list[bytes] = []
        self.postpath = [unquote_to_bytes(part) for part in self.path[1:].split(b"/")]
        try:
            self.render(site.resource)
        except Exception:  # noqa: BLE001 -- whatever it was, the peer gets an answer and the log the traceback
            self.processingFailed(Failure())

    def processingFailed(self, reason: Failure) -> Failure:
        """Answer 500, with the reason in the log alone."""
        self._log.failure("{request} failed", failure=reason, request=self)
        if not self.startedWriting:
            send(self, BROKEN)
        elif self.channel is not None:
            self.channel.loseConnection()
        return reason
