"""How much there is, and how much there was."""

from collections.abc import Callable, Iterable
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kapokmq.core.admin import Admin
from kapokmq.core.codec.v2_drafts import LATEST, given, milliseconds
from kapokmq.core.engine import Engine
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.searching import Seconds
from kapokmq.protocols.api.topics import Name
from kapokmq.protocols.api.views import CountsView, HoursView, View, counts_view, hour_view
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import BadRequest, NotFound, answered

LONGEST_HISTORY = 366 * 86_400  # seconds that one answer covers
A_WEEK = 7 * 86_400
MOST_TOPICS = 100  # in one request


class TopicCountsView(CountsView):
    """A topic's counts."""

    topic: str


class FiguresView(View):
    """Totals since the node started. `in_flight`, `memory` (bytes) and `oldest_unacked` (seconds) are of now."""

    published: int
    delivered: int
    acked: int
    nacked: int
    retried: int
    expired: int
    dead: int
    duplicates: int
    in_flight: int
    memory: int
    oldest_unacked: float


class NowView(View):
    """How much there is: of all topics together, since the start, and of each topic that was asked for and exists."""

    all: int
    consumed: int
    delayed: int
    waiting: int
    figures: FiguresView
    topics: list[TopicCountsView]


class WhichTopics(msgspec.Struct, forbid_unknown_fields=True):
    """The topics to be told of one by one."""

    topic: Annotated[list[Name], Meta(max_length=MOST_TOPICS)] = msgspec.field(default_factory=list)


class HoursQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Of which topic (left out: of all together), and from when to when; left out: the last week."""

    topic: Name | None = None
    from_: Seconds | UnsetType = msgspec.field(default=UNSET, name="from")
    to: Seconds | UnsetType = UNSET


class Counting:
    """Counts messages. `wall` reads unix seconds."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, engine: Engine, admin: Admin, wall: Callable[[], float]) -> None:
        self.guard = guard
        self._engine = engine
        self._admin = admin
        self._wall = wall

    @routes.on("GET", "/counts", query=WhichTopics, gives=NowView)
    async def get_counts(self, ask: Ask) -> Answer:
        """Count messages: of the node, and of the topics that are asked for."""
        return answered(counts_now(self._engine, self._admin, ask.query.topic))

    @routes.on("GET", "/counts/hours", query=HoursQuery, gives=HoursView, faults=(404,))
    async def get_hours(self, ask: Ask) -> Answer:
        """Tell what happened, hour by hour, over 366 days at most."""
        wanted: HoursQuery = ask.query
        end = given(wanted.to)
        end = min(self._wall(), LATEST) if end is None else end
        start = given(wanted.from_)
        start = max(end - A_WEEK, 0.0) if start is None else start
        if end - start > LONGEST_HISTORY:
            raise BadRequest("from: more than 366 days before to")
        if wanted.topic is not None and self._admin.topic(wanted.topic) is None:
            raise NotFound("topic: there is none of that name")
        hours = await self._admin.hours(wanted.topic, milliseconds(start), milliseconds(end))
        return answered(HoursView([hour_view(one) for one in hours]))


def counts_now(engine: Engine, admin: Admin, topics: Iterable[str]) -> NowView:
    """How much there is, and in each of these topics. Those that there are none of are left out."""
    counts, figures = engine.counts(), engine.figures()
    totals = FiguresView(**{name: getattr(figures, name) for name in FiguresView.__struct_fields__})
    found = [info.counts for info in map(admin.topic, topics) if info is not None]
    views = [TopicCountsView(**msgspec.structs.asdict(counts_view(one)), topic=one.topic) for one in found]
    return NowView(counts.all, counts.consumed, counts.delayed, counts.waiting, totals, views)
