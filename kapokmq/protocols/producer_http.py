"""`POST /Producer/Send`: one message in a form (spec, 2.5)."""

import msgspec
from klein import Klein

from kapokmq.core.engine import Engine
from kapokmq.core.errors import BadName
from kapokmq.core.message import LONGEST_DELAY, Draft
from kapokmq.core.names import check_name
from kapokmq.protocols.classic_http import classic, integer, refusal
from serena.web.answers import Answer, answer_json
from serena.web.forms import BadField, Form
from serena.web.guard import Guard

_INT64 = range(-(1 << 63), 1 << 63)


class NumError(msgspec.Struct):
    """What Go says of a number that it can't read, in the order in which it says so."""

    Func: str
    Num: str
    Err: dict[str, str]


class ProducerHttp:
    """Takes messages from whoever has no WebSocket."""

    app = Klein()

    def __init__(self, engine: Engine, guard: Guard, max_message_bytes: int) -> None:
        self.guard = guard
        self._engine = engine
        self._max_message_bytes = max_message_bytes

    @app.route("/Producer/Send", methods=["POST"])
    @classic
    async def send(self, form: Form) -> Answer:
        """Store one message and answer its code once it is stored as the node promises."""
        # The original looks at the delay first, so a form with two mistakes is told of this one.
        delay = integer(form.text("delayTime"))
        if delay is None or delay not in _INT64:
            return refusal("delayTime", NumError("ParseInt", form.text("delayTime"), {}))
        for field in ("topic", "messageData"):
            if not form.text(field):
                return refusal(field, "Required data cannot be empty")
        draft = self._draft(form.text("messageData"), delay)
        receipt = await self._engine.send(_topic(form.text("topic")), [draft])
        return answer_json({"code": 0, "msg": receipt.codes[0]})

    def _draft(self, data: str, delay: int) -> Draft:
        """Make the message, or say which bound it exceeds."""
        if delay > LONGEST_DELAY:
            raise BadField("delayTime", f"more than {LONGEST_DELAY} seconds")
        if len(data.encode()) > self._max_message_bytes:
            raise BadField("messageData", f"more than {self._max_message_bytes} bytes")
        return Draft(data, delay, max(delay, 0) * 1000)


def _topic(name: str) -> str:
    """Check a topic's name."""
    try:
        return check_name(name, "topic")
    except BadName as error:
        raise BadField("topic", str(error).removeprefix("topic").lstrip(": ")) from None
