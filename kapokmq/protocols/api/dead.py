"""Dead letters of a group: browse, send again, purge."""

from typing import Annotated

import msgspec
from msgspec import Meta

from kapokmq.core.admin import Admin, DeadDone, DeadFilter
from kapokmq.core.codec.v2_drafts import milliseconds
from kapokmq.protocols.api.answers import Result, verdict
from kapokmq.protocols.api.cursors import read_offset, write_offset
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.searching import Cursor, Limit, Seconds, Text
from kapokmq.protocols.api.views import DeadPage, DoneView, dead_view
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import NotFound, answered

_DEAD = "/topics/<topic>/groups/<group>/dead"


class DeadSearch(msgspec.Struct, forbid_unknown_fields=True):
    """Which dead letters: `reason` and `text` occur in the last reason and the text; given up `before` that time."""

    reason: Text | None = None
    text: Text | None = None
    before: Seconds | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same in a body."""

    reason: Text | None = None
    text: Text | None = None
    before: Seconds | None = None


class Bulk(msgspec.Struct, forbid_unknown_fields=True):
    """Dead letters to do something with: at most `limit`, beginning at `cursor`."""

    filter: Which = Which()
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 1_000
    cursor: Cursor | None = None


class DeadLetters:
    """What there is to do about dead letters."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, admin: Admin) -> None:
        self.guard = guard
        self._admin = admin

    @routes.on("GET", _DEAD, query=DeadSearch, gives=DeadPage, faults=(404,))
    async def list_dead(self, ask: Ask) -> Answer:
        """Browse a group's dead letters."""
        page = await self._admin.dead_letters(_filter(ask, ask.query, ask.query.cursor), ask.query.limit)
        if page is None:
            raise _unknown()
        return answered(DeadPage([dead_view(one) for one in page.found], write_offset(page.next)))

    @routes.on("POST", _DEAD + "/send", body=(Bulk,), gives=DoneView, faults=(404,))
    async def send_dead(self, ask: Ask) -> Answer:
        """Let a group have dead letters again, at the node's rate: the answer comes when the last one is."""
        return _done(await self._admin.send_again(*self._bulk(ask)))

    @routes.on("POST", _DEAD + "/purge", body=(Bulk,), gives=DoneView, faults=(404,))
    async def purge_dead(self, ask: Ask) -> Answer:
        """Let a group be done with dead letters."""
        return _done(await self._admin.purge_dead(*self._bulk(ask)))

    @routes.on("POST", _DEAD + "/<code>/send", gives=Result, faults=(404, 409))
    async def send_one_dead(self, ask: Ask) -> Answer:
        """Let a group have one dead letter again."""
        return verdict(await self._admin.send_one_again(ask.code, ask.group, self._who(ask)), "code")

    @routes.on("DELETE", _DEAD + "/<code>", gives=Result, faults=(404, 409))
    async def delete_dead(self, ask: Ask) -> Answer:
        """Let a group be done with one dead letter."""
        return verdict(await self._admin.purge_one_dead(ask.code, ask.group, self._who(ask)), "code")

    def _bulk(self, ask: Ask) -> tuple[DeadFilter, int, str]:
        """What is asked, as Admin wants it."""
        return _filter(ask, ask.body.filter, ask.body.cursor), ask.body.limit, self._who(ask)

    def _who(self, ask: Ask) -> str:
        """Who did it, for the message's life."""
        return f"api {self.guard.client_address(ask.request)}"


def _filter(ask: Ask, which: DeadSearch | Which, cursor: str | None) -> DeadFilter:
    """Which dead letters, as Admin wants it."""
    before = None if which.before is None else milliseconds(which.before)
    return DeadFilter(ask.topic, ask.group, read_offset(cursor), which.reason or None, which.text or None, before)


def _done(done: DeadDone | None) -> Answer:
    """Say how many it was."""
    if done is None:
        raise _unknown()
    return answered(DoneView(done.count, write_offset(done.next)))


def _unknown() -> NotFound:
    return NotFound("group: there is none of that name")
