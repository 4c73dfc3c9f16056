"""`POST /Registry/GetNodes`: which brokers there are, exactly as the original answers (spec, 2.6)."""

from collections.abc import Iterable

import msgspec
from klein import Klein
from twisted.web.server import Request

from serena.core.node_name import BROKER, parse_node_name
from serena.web.answers import PLAIN, WRONG_KEY, Answer, send, to_json
from serena.web.guard import Guard
from serena.web.membership import ALIVE, Change, Member, Membership


class NodeRow(msgspec.Struct):
    """A broker: names, types and order of the fields are the wire's."""

    Name: str
    Addr: str
    Port: str


def node_rows(members: Iterable[Member]) -> list[NodeRow]:
    """The brokers among the members that are alive, by name. Whatever else shares the pool is left out."""
    rows = []
    for member in members:
        name = parse_node_name(member.name) if member.state in ALIVE else None
        if name is not None and name.kind == BROKER:
            rows.append(NodeRow(member.name.decode(), name.host, str(name.port)))
    return sorted(rows, key=lambda row: row.Name)


class Registry:
    """Tells clients of brokers. What is told is made once for each change of the pool."""

    app = Klein()

    def __init__(self, guard: Guard, membership: Membership) -> None:
        self._guard = guard
        self._membership = membership
        self._answer: Answer | None = None
        membership.listen(self._changed)

    def _changed(self, change: Change) -> None:
        self._answer = None

    @app.route("/Registry/GetNodes", methods=["POST"])
    async def get_nodes(self, request: Request) -> None:
        """List the brokers; `null` where there are none."""
        if not await self._guard.admit(request):
            send(request, WRONG_KEY)
            return
        if self._answer is None:
            rows = node_rows(self._membership.members())
            self._answer = Answer(to_json(rows or None), content_type=PLAIN)
        send(request, self._answer)
