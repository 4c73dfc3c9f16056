"""HTTP connections that bound what they read: lines, headers, bodies and the time that all of it takes.

    headers     16 KiB and 100 of them, within 10 s of a request's first byte, or 400
    body        as many bytes as the site has room for, within 60 s of its headers, or 413
    idle        60 s between requests

What exceeds a bound is answered and not kept. The connection then takes no more, but is not cut at once: a socket that
is closed with unread bytes resets, and the peer would never see the answer.
"""

from io import BytesIO
from typing import Protocol, cast
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import ITCPTransport
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Request

from serena.web.answers import Answer, answer_json, send, set_headers

HEADERS_WITHIN = 10
BODY_WITHIN = 60
LINGER = 5


class Bounds(Protocol):
    """What a site says about the bodies it takes."""

    body_bound: int
    resource: IResource

    def too_big(self, request: "NodeRequest") -> Answer:
        """What a body beyond the bound is answered."""
        ...

    def wants_body(self, request: "NodeRequest") -> bool:
        """Whether this request's body is to be kept, or read and dropped. Only its headers are known yet."""
        ...


BROKEN = answer_json({"code": -1, "error": "internal error", "msg": "internal error"}, status=500)


class NodeChannel(HTTPChannel):
    """One connection."""

    maxHeaders = 100
    totalHeadersSize = 16_384
    MAX_LENGTH = 16_384
    site: Bounds
    _receiving = False
    _refused = False

    def resetTimeout(self) -> None:
        """Start the clock at a request's first byte, and at no later one: who dribbles gets no more time."""
        if not self._receiving and self.timeOut:
            self._receiving = True
            self.setTimeout(HEADERS_WITHIN)

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
        self._refused = True
        request = self.requests[-1]
        answer = self.site.too_big(request)
        request.clientproto = b"HTTP/1.1"
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        set_headers(request, answer)
        request.write(answer.body)
        self.dataReceived = self._drop  # type: ignore[method-assign]  # as Twisted itself stops reading
        if ITCPTransport.providedBy(self.transport) and not self.isSecure():
            self.transport.loseWriteConnection()
            self.setTimeout(LINGER)
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
