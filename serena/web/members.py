"""`GET /api/v1/members` and `/api/v1/watch`: everybody in the pool, now and as they come and go.

    event: snapshot
    data: {"members": [{"name": "mq:10.0.0.3:8011", "state": "alive", …}, …], "more": false}

    event: join | update | fail | leave | forget
    data: {"name": "mq:10.0.0.3:8011", "state": "dead", …}

A big snapshot comes in several parts, of which all but the last say `more`. Each row is a member's whole state at that
moment, so that what came last counts. A reader that was too slow gets a new snapshot once it reads again: the first
part of each says `"anew": true`, and what was known before is void.
"""

from collections.abc import Awaitable, Callable, Iterator

import msgspec
from klein import Klein
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.web.server import Request

from serena.core.errors import PeerError, WorldError
from serena.web.answers import Answer, send
from serena.web.guard import Guard
from serena.web.membership import Change, Member, Membership, PoolMember, view
from serena.web.refusals import BROKEN, answered, refused
from serena.web.streams import HEAD, Stream, Streams, event

PREFIX = b"/api/v1"
AT_ONCE = 250  # rows that one turn of the reactor makes: a few milliseconds

_encode = msgspec.json.Encoder().encode
_log = Logger()

Unix = Callable[[float], float]
Parts = Iterator[tuple[list[PoolMember], bool]]
"""Everybody, some rows at a time, each as it is when its part is taken; and whether there are more."""


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    """Everybody, by name. `node` is the own name of who tells it."""

    node: str
    members: list[PoolMember]


class Snapshot(msgspec.Struct):
    """A part of everybody."""

    members: list[PoolMember]
    more: bool
    anew: bool


class Watcher:
    """One reader of the stream."""

    def __init__(self, members: Callable[[], Parts], clock: IReactorTime) -> None:
        self._members = members
        self._clock = clock
        self._parts: Parts | None = None
        self._anew = True
        self._stale = False
        self._turn: IDelayedCall | None = None
        self._stream: Stream | None = None

    def begin(self, request: Request, streams: Streams) -> Stream:
        """Write the headers and the snapshot. Raises Busy."""
        self._stream = streams.open(request, drained=self._drained)
        self._snapshot()
        return self._stream

    def tell(self, written: bytes) -> None:
        """Write an event, unless the reader has enough."""
        if self._stream is None:
            return
        if self._stream.paused:
            self._stale = True
        else:
            self._stream.send(written)

    def end(self) -> None:
        """Forget what is still to be written."""
        self._parts = None
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _snapshot(self) -> None:
        self.end()
        self._anew, self._stale = True, False
        self._parts = self._members()
        self._go_on()

    def _go_on(self) -> None:
        """Write a part, made now so that it knows of all events before it, and the next one in another turn."""
        self._turn = None
        if self._parts is None or self._stream is None or self._stream.paused:
            return
        part, more = next(self._parts)
        self._stream.send(event(_encode(Snapshot(part, more=more, anew=self._anew)), "snapshot"))
        self._anew = False
        if more:
            self._turn = self._clock.callLater(0, self._go_on)
        else:
            self._parts = None

    def _drained(self) -> None:
        """There is room again."""
        if self._stale:
            self._snapshot()
        elif self._parts is not None and self._turn is None:
            self._go_on()


class Members:
    """Tells operators of members. `unix` makes unix seconds of the clock's."""

    app = Klein()

    def __init__(
        self, guard: Guard, membership: Membership, streams: Streams, clock: IReactorTime, unix: Unix, *, node: str
    ) -> None:
        self._guard = guard
        self._membership = membership
        self._streams = streams
        self._clock = clock
        self._unix = unix
        self._node = node
        self._watchers: set[Watcher] = set()
        membership.listen(self._changed)

    @app.route("/api/v1/members", methods=["GET"])
    async def list_members(self, request: Request) -> None:
        """List all that are known."""
        await self._answer(request, self.listed)

    @app.route("/api/v1/watch", methods=["GET"])
    async def watch(self, request: Request) -> None:
        """Stream all that are known, and then each change."""
        await self._answer(request, self.watched)

    async def _answer(self, request: Request, route: Callable[[Request], Awaitable[Answer | None]]) -> None:
        try:
            answer = await route(request) if await self._guard.admit(request) else self._guard.no_key(request)
        except (PeerError, WorldError) as error:
            answer = refused(error)
        except CancelledError:  # the client has gone
            raise
        except Exception:  # noqa: BLE001 -- whatever it was, the peer gets an answer and the log the traceback
            _log.failure("{path} failed", path=request.path)
            answer = BROKEN
        if answer is not None:
            send(request, answer)

    async def listed(self, request: Request) -> Answer:
        """List all that are known."""
        listed: list[PoolMember] = []
        for part, _ in self._parts():
            listed += part
            await deferLater(self._clock, 0)
        return answered(Listed(self._node, listed))

    async def watched(self, request: Request) -> Answer | None:
        """Stream all that are known, and then each change."""
        self._streams.check()
        if request.method == b"HEAD":
            return HEAD
        watcher = Watcher(self._parts, self._clock)
        self._watchers.add(watcher)
        try:
            await watcher.begin(request, self._streams).ended
        finally:
            self._watchers.discard(watcher)
            watcher.end()
        return None

    def _parts(self) -> Parts:
        """Everybody of now, by name; who is no longer known when its part is taken is left out."""
        names = sorted(member.name for member in self._membership.members())
        for start in range(0, max(1, len(names)), AT_ONCE):
            known: dict[bytes, Member] = {member.name: member for member in self._membership.members()}
            rows = [view(known[name], self._unix) for name in names[start : start + AT_ONCE] if name in known]
            yield rows, start + AT_ONCE < len(names)

    def _changed(self, change: Change) -> None:
        if not self._watchers:
            return
        written = event(_encode(view(change.member, self._unix)), change.kind)
        for watcher in list(self._watchers):
            watcher.tell(written)
