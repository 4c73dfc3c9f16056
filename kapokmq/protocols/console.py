"""The console's routes, those of the original's both generations (spec, 2.4 and 8): all POST, all with the key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from klein import Klein

from kapokmq.core.engine import Engine
from kapokmq.core.message import Status
from kapokmq.protocols.classic_http import classic, integer
from kapokmq.protocols.rows import ConsumerRow, ProducerRow, message_row
from serena.web.answers import PLAIN, Answer, answer_json, to_json
from serena.web.forms import BadField, Form
from serena.web.guard import Guard
from serena.web.registry import NodeRow

MOST_MESSAGES = 10_000  # in one answer, whose messages have 8 MiB at most (MessageQuery)
MOST_PASSED = 1_000_000  # each of them is looked at
ANY_STATUS = 3
_TIME = "%Y-%m-%d %H:%M:%S"
_TIME_LENGTH = len("2006-01-02 15:04:05")
_LARGEST = (1 << 63) - 1


class Connected(Protocol):
    """One client. `joined` is in unix seconds."""

    @property
    def id(self) -> str:
        """The name it gave itself."""
        ...

    @property
    def topic(self) -> str:
        """The topic of its path."""
        ...

    @property
    def ip(self) -> str:
        """Where it comes from."""
        ...

    @property
    def joined(self) -> int:
        """When it showed the key."""
        ...


class Roster(Protocol):
    """Who is connected."""

    def __len__(self) -> int:
        """How many connections there are, of strangers too."""
        ...

    def producers(self) -> Sequence[Connected]:
        """All producers that have shown the key."""
        ...

    def consumers(self) -> Sequence[Connected]:
        """All consumers that have shown the key."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What the console tells of its node: its settings but for secrets, and the nodes of the cluster, None without."""

    settings: Mapping[str, Any]
    nodes: Callable[[], Sequence[NodeRow]] | None = None


class Console:
    """Answers what a console asks."""

    app = Klein()

    def __init__(self, engine: Engine, guard: Guard, connections: Roster, shown: Shown) -> None:
        self.guard = guard
        self._engine = engine
        self._connections = connections
        self._shown = shown

    @app.route("/Console/Ping", methods=["POST"])
    @classic
    async def ping(self, form: Form) -> Answer:
        """Say that the key is right."""
        return answer_json({"code": 0})

    @app.route("/Console/GetProducers", methods=["POST"])
    @classic
    async def get_producers(self, form: Form) -> Answer:
        """List producers, as the first generation did."""
        return answer_json({"code": 0, "data": self._producers()})

    @app.route("/Console/GetConsumers", methods=["POST"])
    @classic
    async def get_consumers(self, form: Form) -> Answer:
        """List consumers, as the first generation did."""
        return answer_json({"code": 0, "data": self._consumers()})

    @app.route("/Console/GetClients", methods=["POST"])
    @classic
    async def get_clients(self, form: Form) -> Answer:
        """List both."""
        return answer_json({"code": 0, "consumers": self._consumers(), "producers": self._producers()})

    @app.route("/Console/GetConfig", methods=["POST"])
    @classic
    async def get_config(self, form: Form) -> Answer:
        """Show the settings, but for the key."""
        return answer_json({"code": 0, "data": self._shown.settings})

    @app.route("/Console/GetMessageList", methods=["POST"])
    @classic
    async def get_message_list(self, form: Form) -> Answer:
        """Search messages."""
        return await self._search(form, with_data=True)

    @app.route("/Console/GetMessageEasy", methods=["POST"])
    @classic
    async def get_message_easy(self, form: Form) -> Answer:
        """Search messages, and leave their text out."""
        return await self._search(form, with_data=False)

    @app.route("/Console/GetMessage", methods=["POST"])
    @classic
    async def get_message(self, form: Form) -> Answer:
        """Show one message."""
        found = await self._engine.find(form.text("messageCode"))
        if found is None:
            return answer_json({"code": -1, "data": "error", "msg": _unknown(form)})
        return answer_json({"code": 0, "data": message_row(found)})

    @app.route("/Console/DelMessage", methods=["POST"])
    @classic
    async def del_message(self, form: Form) -> Answer:
        """Delete one message. As with the original that is no failure where there is none."""
        if await self._engine.delete(form.text("messageCode")):
            return answer_json({"code": 0})
        return answer_json({"code": 0, "msg": _unknown(form)})

    @app.route("/Console/CountMessage", methods=["POST"])
    @classic
    async def count_message(self, form: Form) -> Answer:
        """Count messages by status, under the names of both generations."""
        counts = self._engine.counts()
        data = {"all": counts.all, "consumed": counts.consumed}
        data |= {"delay": counts.delayed, "unconsumed": counts.waiting}
        data |= {"notConsumed": counts.delayed, "stateless": counts.waiting}
        return answer_json({"code": 0, "data": data})

    @app.route("/Console/GetNodes", methods=["POST"])
    @classic
    async def get_nodes(self, form: Form) -> Answer:
        """List the cluster's nodes: as text, and nothing at all without a cluster."""
        nodes = self._shown.nodes
        return Answer(b"" if nodes is None else to_json(nodes()), content_type=PLAIN)

    def _producers(self) -> list[ProducerRow]:
        return [ProducerRow(one.id, one.topic, one.ip, one.joined) for one in self._connections.producers()]

    def _consumers(self) -> list[ConsumerRow]:
        return [ConsumerRow(one.id, one.topic, one.ip, one.joined) for one in self._connections.consumers()]

    async def _search(self, form: Form, *, with_data: bool) -> Answer:
        """Answer the messages that were created in the asked time, newest first.

        Their number is bounded by `limit`, their bytes by the store: a client goes on with `offset`.
        """
        limit = min(_bounded(form, "limit", MOST_MESSAGES), MOST_MESSAGES)
        offset = _bounded(form, "offset", 0, MOST_PASSED)
        start = read_time(form.text("startTime"))
        end = read_time(form.text("endTime"), later=True)
        status = _status(form.text("status"))
        if start is None or end is None or limit == 0 or status not in _STATUSES:
            return answer_json({"code": 0, "data": []})
        found = await self._engine.search(
            start=start * 1000,
            end=end * 1000 + 999,
            topic=form.text("topic") or None,
            status=_STATUSES[status],
            with_data=with_data,
            limit=limit,
            offset=offset,
        )
        return answer_json({"code": 0, "data": [message_row(one, with_data=with_data) for one in found]})


_STATUSES: Mapping[int, Status | None] = {ANY_STATUS: None} | {int(status): status for status in Status}


def read_time(text: str, *, later: bool = False) -> int | None:
    """Read a local time, in unix seconds; None where it is none. `later`: of a time that comes twice."""
    if len(text) != _TIME_LENGTH:  # strptime takes "1" for "01"
        return None
    try:
        return int(datetime.strptime(text, _TIME).replace(fold=int(later)).timestamp())  # noqa: DTZ007 -- local is meant
    except (ValueError, OverflowError, OSError):
        return None


def _status(text: str) -> int:
    """Read the status that is asked for. Junk is 0, as with the original."""
    return integer(text) or 0


def _bounded(form: Form, field: str, default: int, most: int = _LARGEST) -> int:
    """Read an optional number."""
    text = form.text(field)
    number = integer(text) if text else default
    if number is None or not 0 <= number <= most:
        raise BadField(field, "not a number from 0 on" if most == _LARGEST else f"not a number from 0 to {most}")
    return number


def _unknown(form: Form) -> str:
    """Say what is wrong with a code that finds nothing."""
    return "messageCode: no such message" if form.text("messageCode") else "messageCode: empty"
