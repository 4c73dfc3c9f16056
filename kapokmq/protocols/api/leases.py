"""Consuming without a connection: lease messages by poll, then ack, nack or touch them."""

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kapokmq.core.admin import Admin
from kapokmq.core.codec.places import places
from kapokmq.core.codec.v2 import LONGEST_REASON, MOST_NACKED
from kapokmq.core.codec.v2_drafts import given, milliseconds
from kapokmq.core.engine import Engine, Subscription
from kapokmq.core.message import LONGEST_DELAY
from kapokmq.protocols.api.groups import Start, start_of
from kapokmq.protocols.api.pull import Leased, Pull
from kapokmq.protocols.api.pulls import Pulls
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.searching import Code, Codes
from kapokmq.protocols.api.views import PassingView, View, optional, passing
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import NotFound, answered

LONGEST_WAIT = 60  # seconds

FewCodes = Annotated[list[Code], Meta(min_length=1, max_length=MOST_NACKED)]

_GROUP = "/topics/<topic>/groups/<group>"


class Lease(msgspec.Struct, forbid_unknown_fields=True):
    """How many messages at most, how long to wait for the first, and where the group begins if it does not exist."""

    max: Annotated[int, Meta(ge=1, le=1000)] = 10
    wait: Annotated[float, Meta(ge=0, le=LONGEST_WAIT)] = 0.0
    start: Start = "new"


class AckBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which messages."""

    codes: Codes


class TouchBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which messages: fewer than of an ack, because each is ten times the work."""

    codes: FewCodes


class NackBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which messages, why, and in how many seconds they are tried again; left out: as the group's backoff says."""

    codes: FewCodes
    delay: Annotated[float, Meta(ge=0, le=LONGEST_DELAY)] | UnsetType = UNSET
    reason: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


class LeasedView(PassingView, kw_only=True):
    """A message that is leased, the how manieth attempt it is, and until when it may be held."""

    attempt: int
    leased_until: float | UnsetType = UNSET


class LeasedPage(View):
    """Messages that are leased: none where none came in time."""

    messages: list[LeasedView]


class Unknown(View):
    """Which of the codes, by index, nobody waits for."""

    unknown: list[int]


class Leases:
    """Hands out messages, and takes acknowledgements. `wall` reads unix seconds."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, engine: Engine, admin: Admin, pulls: Pulls, wall: Callable[[], float]) -> None:
        self.guard = guard
        self._engine = engine
        self._admin = admin
        self._pulls = pulls
        self._wall = wall

    @routes.on("POST", _GROUP + "/lease", body=(Lease,), gives=LeasedPage, faults=(409, 410))
    async def lease(self, ask: Ask) -> Answer:
        """Wait for messages of a group, which is made where there is none. They are to be acknowledged in time."""
        wanted: Lease = ask.body
        leased = await self._pulls.poll(ask.topic, ask.group, wanted.max, wanted.wait, start_of(wanted.start))
        hold = held(self._admin, ask.topic, ask.group) if leased else None
        until = None if hold is None else milliseconds(self._wall() + hold) / 1000
        return answered(LeasedPage([_view(one, until) for one in leased]))

    @routes.on("POST", _GROUP + "/ack", body=(AckBody,), gives=Unknown, faults=(404,))
    async def ack(self, ask: Ask) -> Answer:
        """Messages are done. The answer comes when that is as durable as the node promises."""
        codes = ask.body.codes
        pull, member = self._member(ask)
        if pull is None or member is None:
            return _unknown(codes, codes)
        unknown = self._engine.ack(member, codes)
        pull.settled(codes)
        await self._engine.committed()
        return _unknown(codes, unknown)

    @routes.on("POST", _GROUP + "/nack", body=(NackBody,), gives=Unknown, faults=(404,))
    async def nack(self, ask: Ask) -> Answer:
        """Messages were not done: they are tried again, or become dead letters."""
        wanted: NackBody = ask.body
        pull, member = self._member(ask)
        if pull is None or member is None:
            return _unknown(wanted.codes, wanted.codes)
        delay = given(wanted.delay)
        wait = None if delay is None else milliseconds(delay)
        unknown = self._engine.nack(member, wanted.codes, wait, wanted.reason)
        pull.settled(wanted.codes)
        await self._engine.committed()
        return _unknown(wanted.codes, unknown)

    @routes.on("POST", _GROUP + "/touch", body=(TouchBody,), gives=Unknown, faults=(404,))
    async def touch(self, ask: Ask) -> Answer:
        """Messages take longer: the time in which they may be held begins anew."""
        codes = ask.body.codes
        pull, member = self._member(ask)
        if pull is None or member is None:
            return _unknown(codes, codes)
        unknown = self._engine.touch(member, codes)
        pull.touched(codes, unknown)
        return _unknown(codes, unknown)

    def _member(self, ask: Ask) -> tuple[Pull | None, Subscription | None]:
        """Who holds the messages of a group that were leased here, None where nobody does. Raises NotFound."""
        topic = self._admin.topic(ask.topic)
        if topic is None or ask.group not in topic.groups:
            raise NotFound("group: there is none of that name")
        pull = self._pulls.member(ask.topic, ask.group)
        return pull, None if pull is None else pull.subscription


def held(admin: Admin, topic: str, group: str) -> float | None:
    """How many seconds a group lets a message be held, None for ever."""
    config = admin.effective(topic, group)
    return None if config is None else config.ack_wait


def _unknown(codes: Sequence[str], unknown: Sequence[str]) -> Answer:
    """Say which of the codes nobody waits for."""
    return answered(Unknown(places(codes, unknown)))


def _view(leased: Leased, until: float | None) -> LeasedView:
    """Tell of a message."""
    known = passing(leased.topic, leased.code, leased.message)
    return LeasedView(*known, attempt=leased.attempt, leased_until=optional(until))
