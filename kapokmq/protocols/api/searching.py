"""Messages: search, follow, delete."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kapokmq.core.admin import Admin
from kapokmq.core.codec.v2_drafts import LATEST, milliseconds
from kapokmq.core.engine import Engine
from kapokmq.core.message import Status
from kapokmq.core.names import LONGEST_NAME
from kapokmq.protocols.api.answers import DONE, Result
from kapokmq.protocols.api.cursors import LONGEST, read_pair, write_pair
from kapokmq.protocols.api.lives import LifeView, life_view
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.views import STATUSES, CountView, MessagesPage, message_view
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import NotFound, answered

LONGEST_TEXT = 512  # characters that are looked for
MOST_CODES = 5_000  # in one request

Seconds = Annotated[float, Meta(ge=0, le=LATEST)]
Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
Limit = Annotated[int, Meta(ge=1, le=1000)]
Cursor = Annotated[str, Meta(max_length=LONGEST)]
Code = Annotated[str, Meta(max_length=64)]
Codes = Annotated[list[Code], Meta(min_length=1, max_length=MOST_CODES)]

_STATUSES = {name: status for status, name in STATUSES.items()}


class MessageSearch(msgspec.Struct, forbid_unknown_fields=True):
    """Which messages: all that is given must be true of them. `header` is a name, or a name and a value: `a:b`."""

    topic: Annotated[str, Meta(max_length=LONGEST_NAME)] | None = None
    status: Literal["any", "waiting", "delayed", "consumed", "dead"] = "any"
    from_: Seconds = msgspec.field(default=0.0, name="from")
    to: Seconds = float(LATEST)
    text: Text | None = None
    key: Annotated[str, Meta(max_length=LONGEST_NAME)] | None = None
    header: Text | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class CodesBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which messages."""

    codes: Codes


class Searching:
    """Finds messages."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, engine: Engine, admin: Admin) -> None:
        self.guard = guard
        self._engine = engine
        self._admin = admin

    @routes.on("GET", "/messages", query=MessageSearch, gives=MessagesPage)
    async def search_messages(self, ask: Ask) -> Answer:
        """Search messages, newest first. Looks at 50,000 at most: an empty page with a cursor is not the end."""
        wanted: MessageSearch = ask.query
        status: Status | None = _STATUSES.get(wanted.status)
        page = await self._admin.look(
            topic=wanted.topic,
            status=status,
            start=milliseconds(wanted.from_),
            end=milliseconds(wanted.to),
            text=wanted.text or None,
            key=wanted.key,
            header=_header(wanted.header),
            after=None if wanted.cursor is None else read_pair(wanted.cursor),
            limit=wanted.limit,
        )
        cursor = None if page.next is None else write_pair(*page.next)
        return answered(MessagesPage([message_view(found) for found in page.found], cursor))

    @routes.on("GET", "/messages/<code>", gives=LifeView, faults=(404,))
    async def get_message(self, ask: Ask) -> Answer:
        """Tell a message's life, group by group."""
        life = await self._admin.life(ask.code)
        if life is None:
            raise NotFound("code: there is no such message")
        return answered(life_view(life))

    @routes.on("DELETE", "/messages/<code>", gives=Result, faults=(404,))
    async def delete_message(self, ask: Ask) -> Answer:
        """Delete a message, whatever its state."""
        if not await self._engine.delete(ask.code):
            raise NotFound("code: there is no such message")
        return answered(DONE)

    @routes.on("POST", "/messages/delete", body=(CodesBody,), gives=CountView)
    async def delete_messages(self, ask: Ask) -> Answer:
        """Delete messages, whatever their state. Gives how many there were."""
        return answered(CountView(await self._admin.bulk(ask.body.codes)))


def _header(text: str | None) -> tuple[str, str | None] | None:
    """Read `name` or `name:value`."""
    if not text:
        return None
    name, colon, value = text.partition(":")
    return name, value if colon else None
