"""Server-sent events: answers that go on until one side ends them.

    event: counts
    data: {"all": 6, …}

    : ping                 every 15 s, so that both sides notice when the other is gone

Nothing is kept for a reader whose socket is full: whoever feeds the stream is told to stop. One that reads nothing for
a minute is cut off.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.web.server import Request
from zope.interface import implementer

from serena.web.answers import Answer, set_headers
from serena.web.refusals import CORS, Busy

EVENTS = "text/event-stream"
MOST_STREAMS = 1_000
PING = 15.0  # seconds
_PATIENCE = 4  # pings
HEAD = Answer(
    content_type=EVENTS,
    cors=False,
    headers=(("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("X-Accel-Buffering", "no"), *CORS),
)


def event(data: bytes, name: str = "", code: str = "") -> bytes:
    """Write one event. `data` is JSON, which has no line breaks."""
    head = f"event: {name}\n" if name else ""
    head += f"id: {code}\n" if code else ""
    return head.encode() + b"data: " + data + b"\n\n"


@implementer(IPushProducer)
class Stream:
    """One answer that goes on. `ended` fires when it has ended; cancel it when the reader has gone.

    `stalled` and `drained` are told when the reader's socket takes no more, and when it does again.
    """

    def __init__(
        self,
        request: Request,
        clock: IReactorTime,
        over: Callable[["Stream"], None],
        stalled: Callable[[], None] = lambda: None,
        drained: Callable[[], None] = lambda: None,
    ) -> None:
        self.paused = False
        self.ended: Deferred[None] = Deferred(lambda _: self._stop())
        self._request = request
        self._over = over
        self._stalled = stalled
        self._drained = drained
        self._missed = 0
        self._ping = LoopingCall(self._tick)
        self._ping.clock = clock

    def begin(self) -> None:
        """Write the headers."""
        set_headers(self._request, HEAD, whole=False)
        self._request.registerProducer(self, True)  # noqa: FBT003 -- Twisted's: it pushes
        self._request.write(b": welcome\n\n")
        self._ping.start(PING, now=False)

    def send(self, events: bytes) -> None:
        """Write events."""
        self._request.write(events)

    def end(self) -> None:
        """Say goodbye."""
        if self._ping.running:
            self._stop()
            self._request.unregisterProducer()
            self._request.finish()
            self.ended.callback(None)

    def _tick(self) -> None:
        """Write a ping, or count one that could not be written."""
        if not self.paused:
            self._missed = 0
            self._request.write(b": ping\n\n")
        elif self._missed < _PATIENCE:
            self._missed += 1
        else:
            transport: Any = self._request.channel.transport
            transport.abortConnection()

    def _stop(self) -> None:
        if self._ping.running:
            self._ping.stop()
            self._over(self)

    def pauseProducing(self) -> None:
        """The socket takes no more."""
        self.paused = True
        self._stalled()

    def resumeProducing(self) -> None:
        """The socket takes bytes."""
        self.paused = False
        self._drained()

    def stopProducing(self) -> None:
        """The connection goes: its request is told so, too."""


class Streams:
    """All that are open."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._open: dict[Stream, None] = {}

    def check(self) -> None:
        """See whether there is room for one more. Raises Busy."""
        if len(self._open) >= MOST_STREAMS:
            raise Busy(f"{MOST_STREAMS} streams are open, which is as many as the node takes")

    def open(
        self,
        request: Request,
        stalled: Callable[[], None] = lambda: None,
        drained: Callable[[], None] = lambda: None,
    ) -> Stream:
        """Begin one. Raises Busy."""
        self.check()
        stream = Stream(request, self._clock, lambda stream: self._open.pop(stream, None), stalled, drained)
        self._open[stream] = None
        stream.begin()
        return stream

    def stop(self) -> None:
        """End all."""
        for stream in list(self._open):
            stream.end()
