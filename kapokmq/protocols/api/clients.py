"""Who is connected, and who consumes."""

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec
from twisted.internet.interfaces import IReactorTime

from kapokmq.core.admin import Admin, MemberInfo
from kapokmq.protocols.api.answers import DONE, Result
from kapokmq.protocols.api.cursors import read_pair, write_pair
from kapokmq.protocols.api.paging import Turns
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.searching import Cursor, Limit
from kapokmq.protocols.api.topics import Name
from kapokmq.protocols.api.views import MemberView, View, member_view
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import NotFound, answered

A_SLICE = 20  # connections or members that are looked at in one go: each may have a thousand subscriptions or topics

_NUMBER = re.compile("[0-9]{1,18}", re.ASCII)


class Interest(Protocol):
    """A subscription. `topic` may be a pattern, `group` is None for a private one."""

    @property
    def sub(self) -> int:
        """What the client calls it."""
        ...

    @property
    def topic(self) -> str:
        """A topic or a pattern."""
        ...

    @property
    def group(self) -> str | None:
        """The group."""
        ...


class Listed(Protocol):
    """A connection that has shown the key. `joined` is in unix seconds; `number` is its own while the node runs."""

    @property
    def number(self) -> int:
        """What it is closed by."""
        ...

    @property
    def kind(self) -> str:
        """producer, consumer or v2."""
        ...

    @property
    def topic(self) -> str:
        """The topic of its path, empty where it has none."""
        ...

    @property
    def id(self) -> str:
        """The name it gave itself."""
        ...

    @property
    def ip(self) -> str:
        """Where it comes from."""
        ...

    @property
    def joined(self) -> int:
        """When it showed the key."""
        ...

    @property
    def session(self) -> str | None:
        """Under which name its publish calls are numbered, None where they are not."""
        ...

    @property
    def published(self) -> int | None:
        """How many of its messages were stored, None of a classic consumer."""
        ...

    @property
    def subscriptions(self) -> Sequence[Interest]:
        """What a v2 client is subscribed to."""
        ...


class Switchboard(Protocol):
    """All connections of a node."""

    def listed(self, after: int = 0, limit: int | None = None) -> Sequence[Listed]:
        """Those that have shown the key, oldest first: at most `limit` with a greater number than `after`."""
        ...

    def connected(self) -> tuple[int, int, int]:
        """How many producers, consumers and v2 clients have shown the key."""
        ...

    def close_client(self, number: int) -> bool:
        """Close one; False if there is none of that number."""
        ...


class InterestView(View):
    """A subscription."""

    sub: int
    topic: str
    group: str | None


class ClientView(View):
    """A connection. Those of the classic protocol have a topic, those of v2 a session, or null, and subscriptions.

    `published` is how many of its messages were stored, null of a classic consumer.
    """

    number: int
    kind: str
    id: str
    topic: str
    address: str
    join_time: int
    session: str | None
    published: int | None
    subscriptions: list[InterestView]


class ClientsView(View):
    """Who is connected, and who consumes, and where both lists go on: null where neither has more."""

    clients: list[ClientView]
    members: list[MemberView]
    cursor: str | None


class ClientsPage(msgspec.Struct, forbid_unknown_fields=True):
    """How many of either list at most, and where to go on; or only the members of a topic, of a group, or of both."""

    topic: Name | None = None
    group: Name | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class Clients:
    """Lists connections and consumers."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, admin: Admin, connections: Switchboard, clock: IReactorTime) -> None:
        self.guard = guard
        self._admin = admin
        self._connections = connections
        self._clock = clock

    @routes.on("GET", "/clients", query=ClientsPage, gives=ClientsView)
    async def list_clients(self, ask: Ask) -> Answer:
        """List who is connected, oldest first, and who consumes: so many of both at most.

        With a topic or a group, only who consumes there.
        """
        query, turns = ask.query, Turns(self._clock)
        number, first = (0, 0) if query.cursor is None else read_pair(query.cursor)
        narrowed = query.topic is not None or query.group is not None
        behind = [] if narrowed else await self._listed(number, query.limit + 1, turns)
        clients, views = behind[: query.limit], list[ClientView]()
        for one in clients:
            await turns.rest()
            views.append(_client_view(one))
        members = await self._members(query, first, turns)
        shown = members[: query.limit]
        more = len(clients) < len(behind) or len(shown) < len(members)
        last = clients[-1].number if clients else number
        cursor = write_pair(last, first + len(shown)) if more else None
        return answered(ClientsView(views, [*map(member_view, shown)], cursor))

    async def _listed(self, number: int, most: int, turns: Turns) -> list[Listed]:
        """Who is connected, behind the connection of that number."""
        found: list[Listed] = []
        while len(found) < most:
            await turns.rest()
            wanted = min(most - len(found), A_SLICE)
            some = self._connections.listed(found[-1].number if found else number, wanted)
            found += some
            if len(some) < wanted:
                break
        return found

    async def _members(self, query: ClientsPage, first: int, turns: Turns) -> list[MemberInfo]:
        """Who consumes, from the `first`th on: one more than the limit if there are so many."""
        found: list[MemberInfo] = []
        while (lacking := query.limit + 1 - len(found)) > 0:
            await turns.rest()
            some = self._admin.members(query.topic, query.group, first + len(found), min(lacking, A_SLICE))
            found += some
            if len(some) < min(lacking, A_SLICE):
                break
        await turns.rest()
        return found

    @routes.on("POST", "/clients/<number>/close", gives=Result, faults=(404,))
    async def close_client(self, ask: Ask) -> Answer:
        """Close a connection."""
        number = ask.names["number"]
        if _NUMBER.fullmatch(number) is None or not self._connections.close_client(int(number)):
            raise NotFound("number: there is no such connection")
        return answered(DONE)


def _client_view(one: Listed) -> ClientView:
    """Tell of a connection."""
    interests = [InterestView(interest.sub, interest.topic, interest.group) for interest in one.subscriptions]
    known = (one.number, one.kind, one.id, one.topic, one.ip, one.joined, one.session, one.published)
    return ClientView(*known, interests)
