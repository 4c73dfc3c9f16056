"""Who is connected."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

GOING_AWAY = 1001
POLICY = 1008
CLOSE_WITHIN = 5.0  # seconds
_ABORTED_WITHIN = 1.0  # seconds


class Kind(Enum):
    """What a client does."""

    PRODUCER = "producer"
    CONSUMER = "consumer"
    V2 = "v2"  # whatever it wants, as it goes


class Client(NamedTuple):
    """Who a connection says it is, once it has shown the key. `joined` is in unix seconds."""

    kind: Kind
    topic: str
    id: str
    ip: str
    joined: int


class Interest(NamedTuple):
    """A subscription of a v2 client. `topic` may be a pattern, `group` is None for a private one."""

    sub: int
    topic: str
    group: str | None


class Listed(NamedTuple):
    """A connection that has shown the key, of whatever kind. `number` is its own while the node runs.

    `published` is how many of its messages were stored, None of a classic consumer. `session`, the name that publish
    calls are numbered under, and `subscriptions` are of v2 clients.
    """

    number: int
    kind: str
    topic: str
    id: str
    ip: str
    joined: int
    session: str | None = None
    published: int | None = None
    subscriptions: Sequence[Interest] = ()


class Inside(Protocol):
    """What a client talks to, as the registry sees it."""

    @property
    def published(self) -> int | None:
        """How many of its messages were stored, None where it publishes none."""
        ...


class Guest(Inside, Protocol):
    """What a v2 client talks to."""

    @property
    def session(self) -> str | None:
        """Under which name its publish calls are numbered."""
        ...

    @property
    def interests(self) -> Sequence[Interest]:
        """What it is subscribed to."""
        ...

    def drain(self, reason: str) -> None:
        """Tell it that this node stops."""
        ...


class Closable(Protocol):
    """A connection, as the registry sees it. It tells `lost` when it is gone."""

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, and be gone soon."""
        ...

    def abort(self) -> None:
        """Be gone now."""
        ...


class Connections:
    """All WebSocket connections of a node. `wall` reads unix seconds."""

    _log = Logger()

    def __init__(self, *, most: int, same_id: int, wall: Callable[[], float]) -> None:
        self._most = most
        self._same_id = same_id
        self._wall = wall
        self._open: dict[Closable, None] = {}
        self._clients: dict[Closable, Client] = {}
        self._alike: dict[tuple[Kind, str, str], dict[Closable, None]] = {}
        self._guests: dict[Closable, Guest] = {}
        self._insides: dict[Closable, Inside] = {}  # of all
        self._kinds: Counter[Kind] = Counter()  # how many clients
        self._numbers: dict[Closable, int] = {}
        self._numbered: dict[int, Closable] = {}  # ascending
        self._counted = 0
        self._draining: str | None = None
        self._gone: Deferred[None] | None = None

    def __len__(self) -> int:
        """How many there are, logged in or not."""
        return len(self._open)

    @property
    def refusal(self) -> str | None:
        """Why no more are taken, or None."""
        if self._gone is not None:
            return "this node stops"
        if len(self._open) >= self._most:
            return f"this node has {self._most} connections, which is as many as it takes"
        return None

    def opened(self, connection: Closable) -> None:
        """Count a connection, from its upgrade on."""
        self._open[connection] = None

    def joined(self, connection: Closable, kind: Kind, topic: str, client_id: str, ip: str, inside: Inside) -> int:
        """List a connection that has shown the key; gives its number. Of too many alike the oldest is closed."""
        client = self._list(connection, Client(kind, topic, client_id, ip, int(self._wall())), inside)
        number = self._counted
        alike = self._alike.setdefault(client[:3], {})
        alike[connection] = None
        if len(alike) > self._same_id:
            oldest = next(iter(alike))
            self._log.info(
                "{kind} {id!r} of topic {topic!r} is connected more than {limit} times: the oldest is closed",
                kind=kind.value, id=client_id, topic=topic, limit=self._same_id,
            )  # fmt: skip
            self._unlist(oldest)
            oldest.close(POLICY, f"more than {self._same_id} connections with this id")
        return number

    def welcomed(self, connection: Closable, guest: Guest, name: str, ip: str) -> int:
        """List a v2 connection: it has shown the key. Gives its number. There may be many with the same name."""
        self._list(connection, Client(Kind.V2, "", name, ip, int(self._wall())), guest)
        number = self._counted
        self._guests[connection] = guest
        if self._draining is not None:
            guest.drain(self._draining)
        return number

    def drain(self, reason: str) -> None:
        """Tell all v2 clients, and those that still come, that this node stops and is to be left."""
        self._draining = reason
        for guest in list(self._guests.values()):
            guest.drain(reason)

    def lost(self, connection: Closable) -> None:
        """Forget a connection."""
        self._unlist(connection)
        self._open.pop(connection, None)
        if not self._open and self._gone is not None and not self._gone.called:
            self._gone.callback(None)

    def _list(self, connection: Closable, client: Client, inside: Inside) -> Client:
        self._counted += 1
        self._numbers[connection] = self._counted
        self._numbered[self._counted] = connection
        self._kinds[client.kind] += 1
        self._insides[connection] = inside
        self._clients[connection] = client
        return client

    def _unlist(self, connection: Closable) -> None:
        client = self._clients.pop(connection, None)
        if client is None:
            return
        del self._numbered[self._numbers.pop(connection)]
        del self._insides[connection]
        self._kinds[client.kind] -= 1
        if self._guests.pop(connection, None) is None:
            alike = self._alike[client[:3]]
            del alike[connection]
            if not alike:
                del self._alike[client[:3]]

    def connected(self) -> tuple[int, int, int]:
        """How many producers, consumers and v2 clients have shown the key."""
        kinds = self._kinds
        return kinds[Kind.PRODUCER], kinds[Kind.CONSUMER], kinds[Kind.V2]

    def producers(self) -> list[Client]:
        """All producers that have shown the key, oldest first."""
        return [client for client in self._clients.values() if client.kind is Kind.PRODUCER]

    def v2_clients(self) -> list[Client]:
        """All v2 clients that have shown the key, oldest first."""
        return [client for client in self._clients.values() if client.kind is Kind.V2]

    def consumers(self) -> list[Client]:
        """All consumers that have shown the key, oldest first."""
        return [client for client in self._clients.values() if client.kind is Kind.CONSUMER]

    def listed(self, after: int = 0, limit: int | None = None) -> list[Listed]:
        """Those that have shown the key, of whatever kind, oldest first: at most `limit` with a greater number."""
        numbers = list(self._numbered)
        begin = bisect_right(numbers, after)
        return [self._row(number) for number in numbers[begin:][:limit]]

    def _row(self, number: int) -> Listed:
        connection = self._numbered[number]
        client = self._clients[connection]
        row = Listed(number, client.kind.value, *client[1:], published=self._insides[connection].published)
        guest = self._guests.get(connection)
        if guest is None:
            return row
        return row._replace(session=guest.session, subscriptions=tuple(guest.interests))

    def close_client(self, number: int) -> bool:
        """Close a connection, because somebody wants it to be; False if there is none of that number."""
        found = self._numbered.get(number)
        if found is None:
            return False
        found.close(POLICY, "an operator closed this connection")
        return True

    def close_all(
        self,
        clock: IReactorTime,
        *,
        code: int = GOING_AWAY,
        reason: str = "this node stops",
        within: float = CLOSE_WITHIN,
    ) -> Deferred[None]:
        """Take no more, and close all. Fires when they are gone; who isn't within that many seconds is cut off."""
        if self._gone is not None:
            waiting: Deferred[None] = Deferred()
            self._gone.addCallback(lambda _: waiting.callback(None))
            return waiting
        gone: Deferred[None] = Deferred()
        self._gone = gone
        if not self._open:
            gone.callback(None)
            return gone
        timers = [
            clock.callLater(within, self._abort_all),
            clock.callLater(within + _ABORTED_WITHIN, gone.callback, None),
        ]
        gone.addCallback(lambda _: _cancel(timers))
        for connection in list(self._open):
            connection.close(code, reason)
        return gone

    def _abort_all(self) -> None:
        self._log.info("{count} connections did not close in time and are cut off", count=len(self._open))
        for connection in list(self._open):
            connection.abort()


def _cancel(timers: list[IDelayedCall]) -> None:
    """Stop those that have not run."""
    for timer in timers:
        if timer.active():
            timer.cancel()
