"""Publishing, one message or many."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kapokmq.core.codec.rejected import Rejected
from kapokmq.core.codec.v2 import BATCH
from kapokmq.core.codec.v2_drafts import Full, full_drafts
from kapokmq.core.engine import Engine
from kapokmq.core.errors import TooMany
from kapokmq.core.message import Draft
from kapokmq.protocols.api.reading import read_body
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.views import View
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import answered


class One(Full, forbid_unknown_fields=True):
    """One message: see docs/protocol.md. `durable` asks that the answer waits for the disk."""

    durable: bool | Literal["fsync"] = False


class Many(msgspec.Struct, forbid_unknown_fields=True):
    """Messages that are stored all together or not at all."""

    messages: Annotated[list[Full], Meta(min_length=1)]
    durable: bool | Literal["fsync"] = False


class Published(View):
    """The messages' codes, in order. `duplicates`, by index, were stored before: their codes are those of then."""

    codes: list[str]
    duplicates: list[int]
    durable: str


class Publishing:
    """Takes messages."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, engine: Engine, max_message_bytes: int) -> None:
        self.guard = guard
        self._engine = engine
        self._max_message_bytes = max_message_bytes

    @routes.on("POST", "/topics/<topic>/messages", body=(One, Many), gives=Published, status=201, faults=(409, 413))
    async def publish(self, ask: Ask) -> Answer:
        """Publish one message, or a batch that is stored whole or not at all."""
        drafts, durable = self._drafts(ask.body)
        receipt = await self._engine.send(ask.topic, drafts, durable=durable)
        return answered(Published(receipt.codes, sorted(receipt.duplicates or ()), receipt.durable), 201)

    def _drafts(self, body: bytes) -> tuple[list[Draft], bool]:
        """Read a body of either shape. Raises PeerError."""
        fields = read_body(body, dict[str, msgspec.Raw])
        if "messages" not in fields:
            one = read_body(body, One)
            return self._alone(one, len(body)), bool(one.durable)
        many = read_body(body, Many)
        if len(many.messages) > BATCH:
            raise TooMany(f"messages: {len(many.messages)}, the limit is {BATCH}")
        return full_drafts(many.messages, len(body), self._max_message_bytes), bool(many.durable)

    def _alone(self, one: One, length: int) -> list[Draft]:
        """Make a message that is no batch's a draft. Raises Rejected, which names no index."""
        try:
            return full_drafts([one], length, self._max_message_bytes)
        except Rejected as fault:
            fault.index = None
            raise
