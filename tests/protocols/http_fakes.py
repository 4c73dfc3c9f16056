"""A node's HTTP without a node: a scripted engine, and a site in memory that takes raw bytes and gives raw bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource

from kapokmq.core.engine import Counts, Figures, Health
from kapokmq.core.message import Draft, Found, Status
from kapokmq.core.peers import Receipt
from kapokmq.core.vitals import Backlog, Minute, Standing
from kapokmq.protocols.api.assembly import Backstage
from kapokmq.protocols.site import NodeFacts, make_site
from serena.core.secret import Secret
from serena.web.registry import NodeRow

CODE = "3d2176ecb2e509da58b5c675d89c9bf06b00eab9"
NOW = 1_795_222_300.25  # unix seconds, on the fakes' wall
KEY = "s3cret"
FORM = "application/x-www-form-urlencoded"


class Client(NamedTuple):
    """Somebody connected."""

    id: str
    topic: str
    ip: str
    joined: int
    number: int = 0
    kind: str = "consumer"
    session: str | None = None
    published: int | None = None
    subscriptions: Sequence = ()


@dataclass
class FakeConnections:
    """Whoever a test says is connected."""

    made: list[Client] = field(default_factory=list)
    joined: list[Client] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    def listed(self, after: int = -1, limit: int | None = None) -> Sequence[Client]:
        there = sorted([*self.made, *self.joined], key=lambda one: one.number)
        return [one for one in there if one.number > after][:limit]

    def close_client(self, number: int) -> bool:
        self.closed.append(number)
        return number in [one.number for one in self.listed()]

    def connected(self) -> tuple[int, int, int]:
        return len(self.made), len(self.joined), 7

    def producers(self) -> Sequence[Client]:
        return self.made

    def consumers(self) -> Sequence[Client]:
        return self.joined

    def __len__(self) -> int:
        return len(self.made) + len(self.joined)


@dataclass
class FakeEngine:
    """Keeps what it is sent in a list; `trouble` is raised instead, `held` makes senders wait."""

    messages: list[Found] = field(default_factory=list)
    drafts: list[tuple[str, Draft]] = field(default_factory=list)
    searches: list[dict] = field(default_factory=list)
    trouble: Exception | None = None
    held: Deferred | None = None
    state: Health = field(default_factory=lambda: Health(ready=True, reason=""))
    durable: bool = False

    def send(self, topic: str, drafts: Sequence[Draft], *, durable: bool = False) -> Deferred:
        self._stumble()
        self.drafts += [(topic, draft) for draft in drafts]
        self.durable = durable
        return self.held or succeed(receipt(len(drafts)))

    def search(self, **question) -> Deferred:
        self._stumble()
        self.searches.append(question)
        found = [one for one in self.messages if question["start"] <= one.created <= question["end"]]
        found = [one for one in found if question["topic"] in (None, one.topic)]
        found = [one for one in found if question["status"] in (None, one.status)]
        found.sort(key=lambda one: -one.created)
        return succeed(found[question["offset"] :][: question["limit"]])

    def find(self, code: str) -> Deferred:
        self._stumble()
        return succeed(next((one for one in self.messages if one.code == code), None))

    def delete(self, code: str) -> Deferred:
        self._stumble()
        left = [one for one in self.messages if one.code != code]
        gone = len(left) < len(self.messages)
        self.messages = left
        return succeed(gone)

    def counts(self) -> Counts:
        return Counts(all=6, consumed=1, delayed=2, waiting=3)

    def health(self) -> Health:
        return self.state

    def figures(self) -> Figures:
        return Figures(*range(1, 12))

    def _stumble(self) -> None:
        if self.trouble is not None:
            raise self.trouble


@dataclass
class FakeAccess:
    """Settings of access."""

    secret: Secret = field(default_factory=lambda: Secret(KEY))
    default_key: bool = False
    max_message_bytes: int = 1000
    max_connections: int = 1000


@dataclass
class FakeVitals:
    """How a test says that the node is doing. `held` makes those who ask wait."""

    now: Standing = field(default_factory=lambda: Standing(0, 1440, Backlog(None, 0), None, None))
    past: list[Minute] = field(default_factory=list)
    oldest: dict[tuple[str, str], int | None] = field(default_factory=dict)
    held: Deferred | None = None

    async def standing(self) -> Standing:
        if self.held is not None:
            await self.held
        return self.now

    def minutes(self) -> list[Minute]:
        return self.past

    async def dated(self, groups):
        return [one._replace(oldest=self.oldest.get(one[:2], one.oldest)) for one in groups]


class Upgrade(Resource):
    """Stands where the WebSocket is."""

    isLeaf = True

    def render(self, request):
        return b"websocket " + request.path


@dataclass
class FakeNode:
    """A site with fakes all around it. Change the fakes, then `site()`."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    access: FakeAccess = field(default_factory=FakeAccess)
    connections: FakeConnections = field(default_factory=FakeConnections)
    cluster: bool = True
    clock: Clock = field(default_factory=Clock)
    slowdown: object = None
    address: str = "192.0.2.7"
    admin: object = None
    config: Sequence = ()
    vitals: FakeVitals = field(default_factory=FakeVitals)
    drains: list[float | None] = field(default_factory=list)
    membership: object = None

    def site(self):
        return make_site(
            engine=self.engine,
            access=self.access,
            node=NodeFacts("mq:127.0.0.1:8011", "127.0.0.1", 8011, "0.1.0", own_hosts=("own",)),
            nodes=(lambda: [NodeRow("mq:127.0.0.1:8011", "127.0.0.1", "8011")]) if self.cluster else None,
            settings={"pushType": 1, "checkSpeed": 5},
            connections=self.connections,
            backstage=Backstage(
                self.admin, self.drains.append, lambda: NOW, self.config, self.membership, vitals=self.vitals
            ),
            exposition=lambda: b"# figures\n",
            websocket=Upgrade(),
            clock=self.clock,
            slowdown=self.slowdown,
        )

    def connect(self, site=None) -> "Wire":
        return Wire(site or self.site(), self.address)

    def ask(self, raw: bytes) -> bytes:
        """One connection, these bytes, and all that comes back."""
        wire = self.connect()
        wire.send(raw)
        return wire.received()

    def post(
        self, path: str, body: bytes | str = b"", kind: str = FORM, key: str | None = KEY, **extra: str
    ) -> "Reply":
        return parse(self.ask(post(path, body, kind, key, **extra)))

    def get(self, path: str, **extra: str) -> "Reply":
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in extra.items())
        return parse(self.ask(f"GET {path} HTTP/1.1\r\nHost: own\r\n{head}\r\n".encode()))


class Wire:
    """One connection to a site, in memory."""

    def __init__(self, site, address: str = "192.0.2.7") -> None:
        peer = IPv4Address("TCP", address, 31337)
        self.clock = site.reactor
        self.protocol = site.buildProtocol(peer)
        self.transport = StringTransport(peerAddress=peer)
        self.transport.abortConnection = self.transport.loseConnection
        self.protocol.makeConnection(self.transport)

    def send(self, raw: bytes) -> None:
        self.protocol.dataReceived(raw)
        if isinstance(self.clock, Clock):
            self.clock.advance(0)  # pipelined requests are answered in later turns

    def received(self) -> bytes:
        return self.transport.value()

    @property
    def closed(self) -> bool:
        return self.transport.disconnecting


class Reply(NamedTuple):
    """An answer taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes


def receipt(count: int = 1, code: str = CODE, **more) -> Receipt:
    """That so many messages are stored, from this code on."""
    return Receipt(None, int(code[24:], 16), count, code[:24], **more)


def parse(raw: bytes) -> Reply:
    """Take one whole answer apart."""
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    return Reply(int(line.split(" ")[1]), dict(one.split(": ", 1) for one in fields), body)


def post(path: str, body: bytes | str = b"", kind: str | None = FORM, key: str | None = KEY, **extra: str) -> bytes:
    """Write a POST request."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"POST {path} HTTP/1.1", "Host: own", f"Content-Length: {len(content)}"]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"secretKey: {key}"] if key is not None else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in extra.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def found(code: str = CODE, created: int = 1_795_222_201_500, status: Status = Status.WAITING, **changes) -> Found:
    """Make a stored message."""
    fields = {"topic": "t", "data": "hello", "consumed": 0, "delay": 0} | changes
    return Found(code=code, created=created, status=status, **fields)
