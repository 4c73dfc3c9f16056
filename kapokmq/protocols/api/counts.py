"""How much there is, and how much there was."""

from collections.abc import Callable, Iterable
from typing import Annotated, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kapokmq.core.admin import Admin
from kapokmq.core.codec.v2_drafts import LATEST, given, milliseconds
from kapokmq.core.engine import Counts, Engine, Figures
from kapokmq.core.vitals import Standing, Vitals
from kapokmq.protocols.api.clients import Switchboard
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.searching import Seconds
from kapokmq.protocols.api.topics import Name
from kapokmq.protocols.api.views import CountsView, HoursView, View, counts_view, hour_view, seconds
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


class OldestView(View):
    """For which group it has waited."""

    topic: str
    group: str


class ConnectionsView(View):
    """How many have shown the key, by kind."""

    producers: int
    consumers: int
    v2: int


class CommitView(View):
    """How long the commits of the last minute took, in seconds: half of them, and 99 of 100, at most; how many."""

    half: float
    most: float
    count: int


class DiskView(View):
    """The volume that the store is on, in bytes."""

    free: int
    total: int


class NowView(View):
    """How much there is: of all topics together, since the start, and of each topic that was asked for and exists.

    `dead` are dead letters, `bytes` what all messages take. `oldest` is since when that is due which has waited longest
    for any durable group, and is not done: null where nothing waits. `deserted` groups have something waiting, and
    nobody who consumes. `commit` is null where there were none, `disk` where nothing is on one.
    """

    all: int
    consumed: int
    delayed: int
    waiting: int
    dead: int
    bytes: int
    oldest: float | None
    oldest_of: OldestView | None
    deserted: int
    connections: ConnectionsView
    commit: CommitView | None
    disk: DiskView | None
    figures: FiguresView
    topics: list[TopicCountsView]


class MinuteView(View):
    """What happened in the minute that began at `at`."""

    at: float
    published: int
    delivered: int
    acked: int
    nacked: int
    retried: int
    dead: int


class MinutesView(View):
    """Minute by minute, ascending: the last 60 whole ones, fewer after a start, and the one that runs."""

    minutes: list[MinuteView]


class WhichTopics(msgspec.Struct, forbid_unknown_fields=True):
    """The topics to be told of one by one."""

    topic: Annotated[list[Name], Meta(max_length=MOST_TOPICS)] = msgspec.field(default_factory=list)


class HoursQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Of which topic (left out: of all together), and from when to when; left out: the last week."""

    topic: Name | None = None
    from_: Seconds | UnsetType = msgspec.field(default=UNSET, name="from")
    to: Seconds | UnsetType = UNSET


class Reading(NamedTuple):
    """What is read of a node for one answer, or for all who watch."""

    counts: Counts
    figures: Figures
    connected: tuple[int, int, int]


class Now:
    """Tells how much there is, whoever asks."""

    def __init__(self, engine: Engine, admin: Admin, vitals: Vitals, connections: Switchboard) -> None:
        self.standing = vitals.standing
        self._engine = engine
        self._admin = admin
        self._connections = connections

    def read(self) -> Reading:
        """How much there is of all together."""
        return Reading(self._engine.counts(), self._engine.figures(), self._connections.connected())

    def told(self, standing: Standing, topics: Iterable[str], reading: Reading | None = None) -> NowView:
        """All of it, and of each of these topics. Those that there are none of are left out."""
        counts, figures, connected = reading or self.read()
        found = [info.counts for info in map(self._admin.topic, topics) if info is not None]
        (oldest, deserted), commits, disk = standing.backlog, standing.commits, standing.disk
        return NowView(
            all=counts.all,
            consumed=counts.consumed,
            delayed=counts.delayed,
            waiting=counts.waiting,
            dead=standing.dead,
            bytes=standing.stored,
            oldest=None if oldest is None else seconds(oldest.since),
            oldest_of=None if oldest is None else OldestView(oldest.topic, oldest.group),
            deserted=deserted,
            connections=ConnectionsView(*connected),
            commit=None if commits is None else CommitView(*commits),
            disk=None if disk is None else DiskView(*disk),
            figures=FiguresView(**{name: getattr(figures, name) for name in FiguresView.__struct_fields__}),
            topics=[TopicCountsView(**msgspec.structs.asdict(counts_view(one)), topic=one.topic) for one in found],
        )


class Counting:
    """Counts messages. `wall` reads unix seconds."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, now: Now, admin: Admin, vitals: Vitals, wall: Callable[[], float]) -> None:
        self.guard = guard
        self._now = now
        self._admin = admin
        self._vitals = vitals
        self._wall = wall

    @routes.on("GET", "/counts", query=WhichTopics, gives=NowView)
    async def get_counts(self, ask: Ask) -> Answer:
        """Count messages: of the node, and of the topics that are asked for."""
        return answered(self._now.told(await self._now.standing(), ask.query.topic))

    @routes.on("GET", "/counts/minutes", gives=MinutesView)
    async def get_minutes(self, ask: Ask) -> Answer:
        """Tell what happened, minute by minute, over the last hour."""
        return answered(MinutesView([MinuteView(seconds(one.at), *one[1:]) for one in self._vitals.minutes()]))

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
