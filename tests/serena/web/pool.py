"""A registry's HTTP without gossip: members that a test makes up, and a site in memory that takes raw bytes."""

import json
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from serena.core.health import Health
from serena.core.secret import Secret
from serena.core.swim.messages import Address, State
from serena.web.membership import Change
from serena.web.site import RegistrySite, furnish

KEY = "s3cret"
NOW = 1_795_222_300.25  # unix seconds, when the clock says 0
NAME = "r:127.0.0.1:8031"


SOMEWHERE = Address(bytes((10, 0, 0, 1)), 8021)


@dataclass
class FakeMember:
    """One whom the pool knows."""

    name: bytes
    address: Address = SOMEWHERE
    state: State = State.ALIVE
    incarnation: int = 1
    meta: bytes | None = None
    since: float = 0.0
    rtt: float | None = None


@dataclass
class FakePool:
    """Whoever a test says is there."""

    everybody: list[FakeMember] = field(default_factory=list)
    listeners: list = field(default_factory=list)

    def members(self):
        return list(self.everybody)

    def listen(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def tell(self, kind, member):
        for listener in list(self.listeners):
            listener(Change(kind, member))


@dataclass
class FakeAccess:
    """Settings of access."""

    secret: Secret = field(default_factory=lambda: Secret(KEY))
    default_key: bool = False


class Transport(StringTransport):
    """Can be cut."""

    def abortConnection(self):
        self.loseConnection()


class Reply(NamedTuple):
    """An answer taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        """The body, read."""
        return json.loads(self.body)


class FakeRegistry:
    """A site over a fake pool."""

    def __init__(self, *names, address="192.0.2.7", most=100, **access):
        self.pool = FakePool([FakeMember(name) for name in names])
        self.clock = Clock()
        self.address = address
        self.trouble = ""
        self.site = RegistrySite(clock=self.clock, most=most)
        furnish(
            self.site,
            self.pool,
            access=FakeAccess(**access),
            name=NAME,
            health=lambda: Health(not self.trouble, self.trouble),
            exposition=lambda: b"# figures\n",
            clock=self.clock,
            unix=lambda steady: NOW + steady,
            own_hosts=("own",),
        )

    def connect(self):
        """One connection."""
        return Wire(self)

    def ask(self, method, path, key=KEY, body=b"", **headers):
        """One request. Gives the answer."""
        wire = self.connect()
        wire.ask(method, path, key, body, **headers)
        return wire.reply()

    def post(self, path="/Registry/GetNodes", **more):
        return self.ask("POST", path, **more)

    def get(self, path, **more):
        return self.ask("GET", path, **more)


class Wire:
    """One connection, in memory."""

    def __init__(self, registry):
        peer = IPv4Address("TCP", registry.address, 31337)
        self.clock = registry.clock
        self.protocol = registry.site.buildProtocol(peer)
        self.transport = Transport(peerAddress=peer)
        self.protocol.makeConnection(self.transport)

    def ask(self, method, path, key=KEY, body=b"", **headers):
        """Write a request."""
        lines = [f"{method} {path} HTTP/1.1", "Host: own", f"Content-Length: {len(body)}"]
        lines += [f"secretKey: {key}"] if key is not None else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.protocol.dataReceived("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.turn()

    def turn(self, turns=20):
        """Let that many turns of the reactor pass."""
        for _ in range(turns):
            self.clock.advance(0)

    def reply(self):
        """The answer, taken apart."""
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        return Reply(int(line.split(" ")[1]), dict(one.split(": ", 1) for one in fields), body)

    def events(self):
        """What came of a stream since the last look: names and data."""
        text = self.transport.value().decode()
        self.transport.clear()
        found = re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)
        return [(name, json.loads(data)) for name, data in found]

    def lose(self):
        """The reader goes."""
        self.protocol.connectionLost(Failure(ConnectionLost()))
