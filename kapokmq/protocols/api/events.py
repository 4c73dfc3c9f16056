"""What can be watched: the node's counts, and the messages of a topic as they come."""

from typing import Annotated

import msgspec
from msgspec import Meta
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from kapokmq.core.admin import Admin
from kapokmq.core.engine import Engine, Subscription, Wish
from kapokmq.core.pattern import is_pattern
from kapokmq.core.peers import Delivery
from kapokmq.protocols.api.counts import Now, Reading, WhichTopics
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.views import PassingView, passing
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import NotFound
from serena.web.streams import HEAD, Stream, Streams, event

_FRESH = 0.5  # seconds for which one reading of the counts does for everybody
_OWES_NOTHING = Wish(group=None, credit=None, owes=False)

_encode = msgspec.json.Encoder().encode


class Every(WhichTopics, forbid_unknown_fields=True):
    """How many seconds there are between two events, and the topics to be told of one by one."""

    every: Annotated[float, Meta(ge=1, le=60)] = 5.0


class Tail:
    """Somebody who watches topics: a member of a private group, who owes nothing."""

    number = None

    def __init__(self, engine: Engine, address: str) -> None:
        self.label = f"api: tail at {address}"
        self.address = address
        self._engine = engine
        self._subscription: Subscription | None = None
        self._stream: Stream | None = None
        self._gone = self._left = False

    def join(self, pattern: str) -> "Deferred[None]":
        """Become a member. Fails as Engine.join does. Who has left when it comes to that is none."""
        joined: Deferred[None] = Deferred()
        Deferred.fromCoroutine(self._join(pattern)).addCallbacks(joined.callback, joined.errback)
        return joined

    async def _join(self, pattern: str) -> None:
        self._subscription = await self._engine.join(self, pattern, _OWES_NOTHING)
        if self._left:
            self.leave()

    def begin(self, request: Request, streams: Streams) -> Stream:
        """Let messages come. Raises Busy."""
        stream = self._stream = streams.open(request, self.stalled, self.drained)
        if self._gone:
            stream.end()
        elif not stream.paused:
            self.drained()
        return stream

    def deliver(self, delivery: Delivery) -> None:
        """Write messages."""
        if self._stream is not None:
            self._stream.send(delivery.rendered(tailed))

    def dismissed(self, reason: Exception) -> None:
        """End: what was watched is gone."""
        self._subscription = None
        self._gone = True
        if self._stream is not None:
            self._stream.end()

    def stalled(self) -> None:
        """Let nothing come until there is room."""
        if self._subscription is not None:
            self._engine.stall(self._subscription)

    def drained(self) -> None:
        """Let messages come."""
        if self._subscription is not None:
            self._engine.drained(self._subscription)

    def leave(self) -> None:
        """Be a member no more."""
        self._left = True
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._engine.unsubscribe(subscription)


class Events:
    """Answers that go on."""

    routes = Routes()
    app = routes.app
    _log = Logger()

    def __init__(
        self, guard: Guard, engine: Engine, admin: Admin, now: Now, streams: Streams, clock: IReactorTime
    ) -> None:
        self.guard = guard
        self._engine = engine
        self._admin = admin
        self._now = now
        self._streams = streams
        self._clock = clock
        self._read = float("-inf")
        self._reading: Reading | None = None
        self._counts: dict[tuple[str, ...], bytes] = {}  # since then

    @routes.on("GET", "/events/counts", query=Every, streams=True)
    async def watch_counts(self, ask: Ask) -> Answer | None:
        """Watch the counts: an event `counts` at once, and then every so many seconds."""
        self._streams.check()
        if ask.request.method == b"HEAD":
            return HEAD
        stream = self._streams.open(ask.request)
        loop = LoopingCall(self._send_counts, stream, tuple(ask.query.topic))
        loop.clock = self._clock
        loop.start(ask.query.every, now=True).addErrback(self._broken, stream)
        try:
            await stream.ended
        finally:
            if loop.running:
                loop.stop()
        return None

    def _broken(self, failure: Failure, stream: Stream) -> None:
        """End a stream that a bug has stopped."""
        self._log.failure("counts could not be told", failure=failure)
        stream.end()

    @routes.on("GET", "/events/topics/<topic>", faults=(404, 409), patterns=True, streams=True)
    async def watch_topic(self, ask: Ask) -> Answer | None:
        """Watch a topic, or all that match a pattern: an event a message, as they come from now on."""
        self._streams.check()
        if not is_pattern(ask.topic) and self._admin.topic(ask.topic) is None:
            raise NotFound("topic: there is none of that name")
        if ask.request.method == b"HEAD":
            return HEAD
        tail = Tail(self._engine, self.guard.client_address(ask.request))
        try:
            await tail.join(ask.topic)
            await tail.begin(ask.request, self._streams).ended
        finally:
            tail.leave()
        return None

    async def _send_counts(self, stream: Stream, topics: tuple[str, ...]) -> None:
        """Write the counts, unless the reader has enough, or has left."""
        if stream.paused:
            return
        standing = await self._now.standing()
        if stream.paused or stream.ended.called:
            return
        now = self._clock.seconds()
        if now - self._read >= _FRESH:
            self._read = now
            self._reading = self._now.read()
            self._counts.clear()
        if topics not in self._counts:
            self._counts[topics] = event(_encode(self._now.told(standing, topics, self._reading)), "counts")
        stream.send(self._counts[topics])


def tailed(delivery: Delivery) -> bytes:
    """Write the events of a batch. To be handed to `Delivery.rendered`."""
    return b"".join(
        event(_encode(PassingView(*passing(delivery.topic, code, message))), code=code)
        for code, message in zip(delivery.codes, delivery.messages, strict=True)
    )
