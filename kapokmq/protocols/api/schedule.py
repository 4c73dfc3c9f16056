"""Delayed messages: list, look at, cancel, give another time, let them fall due now."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kapokmq.core.admin import Admin
from kapokmq.core.codec.v2_drafts import LATEST, given, milliseconds
from kapokmq.core.engine import Engine
from kapokmq.core.message import LONGEST_DELAY, Found, Status, parse_code
from kapokmq.core.names import LONGEST_NAME
from kapokmq.protocols.api.answers import Result, verdict
from kapokmq.protocols.api.cursors import read_pair, write_pair
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.searching import Cursor, Limit, Seconds
from kapokmq.protocols.api.views import MessagesPage, MessageView, View, message_view, seconds
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import BadRequest, NotFound, answered

A_WEEK = 7 * 86_400
MOST_STEPS = 400


class ScheduleQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which delayed messages, and from when on; left out: all of them."""

    topic: Annotated[str, Meta(max_length=LONGEST_NAME)] | None = None
    from_: Seconds | UnsetType = msgspec.field(default=UNSET, name="from")
    limit: Limit = 100
    cursor: Cursor | None = None


class CalendarQuery(msgspec.Struct, forbid_unknown_fields=True):
    """From when to when (left out: the week from now on), and in steps of how many seconds, 400 at most."""

    topic: Annotated[str, Meta(max_length=LONGEST_NAME)] | None = None
    from_: Seconds | UnsetType = msgspec.field(default=UNSET, name="from")
    to: Seconds | UnsetType = UNSET
    step: Annotated[int, Meta(ge=60, le=A_WEEK)] = 3_600


class StepView(View):
    """How many messages fall due in the step that begins at `at`."""

    at: float
    count: int


class CalendarView(View):
    """Step by step, ascending; those in which none falls due are left out."""

    counts: list[StepView]


class Due(msgspec.Struct, forbid_unknown_fields=True):
    """When a message is to fall due: at a time, in unix seconds, or in so many seconds. One of both."""

    at: Annotated[float, Meta(ge=0, le=LATEST)] | UnsetType = UNSET
    delay: Annotated[float, Meta(ge=0, le=LONGEST_DELAY)] | UnsetType = UNSET


class Schedule:
    """What there is to do about delayed messages. `wall` reads unix seconds."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, engine: Engine, admin: Admin, wall: Callable[[], float]) -> None:
        self.guard = guard
        self._engine = engine
        self._admin = admin
        self._wall = wall

    @routes.on("GET", "/schedule", query=ScheduleQuery, gives=MessagesPage)
    async def list_schedule(self, ask: Ask) -> Answer:
        """List delayed messages, the next first."""
        wanted: ScheduleQuery = ask.query
        after, start = None, given(wanted.from_)
        if wanted.cursor is not None:
            mark = read_pair(wanted.cursor)
            after = mark.created, mark.id
        elif start is not None:
            after = milliseconds(start), -1  # before all that fall due then
        found = await self._admin.scheduled(wanted.topic, after, wanted.limit)
        return answered(MessagesPage([message_view(one) for one in found], _behind(found, wanted.limit)))

    @routes.on("GET", "/schedule/counts", query=CalendarQuery, gives=CalendarView)
    async def count_schedule(self, ask: Ask) -> Answer:
        """Count delayed messages by when they fall due, in 400 steps at most."""
        wanted: CalendarQuery = ask.query
        start, end = given(wanted.from_), given(wanted.to)
        start = min(self._wall(), LATEST) if start is None else start
        end = start + A_WEEK if end is None else end
        if end - start > MOST_STEPS * wanted.step:
            raise BadRequest(f"step: more than {MOST_STEPS} of them between from and to")
        counts = await self._admin.due_counts(
            wanted.topic, milliseconds(start), milliseconds(end), milliseconds(wanted.step)
        )
        return answered(CalendarView([StepView(seconds(at), count) for at, count in counts]))

    @routes.on("GET", "/schedule/<code>", gives=MessageView, faults=(404,))
    async def get_scheduled(self, ask: Ask) -> Answer:
        """Look at a delayed message."""
        found = await self._engine.find(ask.code)
        if found is None or found.status != Status.DELAYED:
            raise NotFound("code: there is no such delayed message")
        return answered(message_view(found))

    @routes.on("DELETE", "/schedule/<code>", gives=Result, faults=(404, 409))
    async def cancel(self, ask: Ask) -> Answer:
        """Delete a delayed message before it falls due."""
        return verdict(await self._admin.cancel(ask.code), "code")

    @routes.on("POST", "/schedule/<code>/reschedule", body=(Due,), gives=Result, faults=(404, 409))
    async def reschedule(self, ask: Ask) -> Answer:
        """Let a delayed message fall due at another time; at once if that is past."""
        return verdict(await self._admin.reschedule(ask.code, self._due(ask.body)), "code")

    @routes.on("POST", "/schedule/<code>/promote", gives=Result, faults=(404, 409))
    async def promote(self, ask: Ask) -> Answer:
        """Let a delayed message fall due now."""
        return verdict(await self._admin.reschedule(ask.code, milliseconds(self._wall())), "code")

    def _due(self, wanted: Due) -> int:
        """The asked time in wall milliseconds."""
        if isinstance(wanted.at, UnsetType):
            if isinstance(wanted.delay, UnsetType):
                raise BadRequest("at: or delay is needed")
            return milliseconds(self._wall() + wanted.delay)
        if wanted.delay is not UNSET:
            raise BadRequest("delay: not together with at")
        return milliseconds(wanted.at)


def _behind(found: list[Found], limit: int) -> str | None:
    """Where the list goes on: it is sorted by due time and id."""
    if len(found) < limit:
        return None
    last = found[-1]
    parts = parse_code(last.code)
    return None if parts is None or last.due is None else write_pair(last.due, parts.id)
