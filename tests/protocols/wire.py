"""Both ends of a WebSocket for tests: frames as a client writes them, what a server wrote taken apart, and a node.

`MemoryNode` has a FakeEngine, a fake transport and a fake clock; `tests.protocols.sockets` has one with real ones.
"""

import json
from typing import NamedTuple

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.server import Site

from kapokmq.core.settings import AccessSettings, DeliverySettings
from kapokmq.protocols.connections import Connections
from kapokmq.protocols.upgrade import Upgrade
from serena.core.secret import Secret
from serena.web.address import ClientAddress
from serena.web.wrong_keys import WrongKeys
from tests.protocols.fakes import FakeEngine

KEY = "s3cret"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PROMPT = (TEXT, b"Please enter the secret key")
WRONG = (TEXT, b"Secret key matching error")
RIGHT = (TEXT, b"Secret key matching succeeded")
OK = (TEXT, b"ok")

PRODUCER = "/Producers/Conn/orders/p1"
CONSUMER = "/Consumers/Conn/orders/c1"
V2 = "/v2"

# RFC 6455, section 1.3
WEBSOCKET_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def request(path=PRODUCER, *lines, method="GET", version="HTTP/1.1", without=(), **replaced):
    """An upgrade's bytes. `lines` are more header lines; `replaced` are other values, by name with _ for -."""
    headers = {
        "Host": "localhost:8011",
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": WEBSOCKET_KEY,
    }
    headers.update({name.replace("_", "-"): value for name, value in replaced.items()})
    said = [f"{name}: {value}" for name, value in headers.items() if name not in without]
    return "\r\n".join([f"{method} {path} {version}", *said, *lines, "", ""]).encode("latin-1")


def frame(payload, opcode=TEXT, *, fin=True, masked=True, rsv=0):
    """One client frame."""
    if isinstance(payload, str):
        payload = payload.encode()
    first = bytes((fin << 7 | rsv << 4 | opcode,))
    length, bit = len(payload), masked << 7
    if length < 126:
        header = bytes((bit | length,))
    elif length < 65536:
        header = bytes((bit | 126,)) + length.to_bytes(2, "big")
    else:
        header = bytes((bit | 127,)) + length.to_bytes(8, "big")
    if not masked:
        return first + header + payload
    mask = b"\x37\xfa\x21\x3d"
    repeated = (mask * (length // 4 + 1))[:length]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
    return first + header + mask + body


def message(data, delay=0):
    """A producer's frame."""
    return frame(json.dumps({"MessageData": data, "DelayTime": delay}))


def op(name, /, **fields):
    """A v2 client's frame."""
    return frame(json.dumps({"op": name, **fields}))


def closing(code=1000, reason=b""):
    """A client's close frame."""
    return frame(code.to_bytes(2, "big") + reason, CLOSE)


def close_frame(code, reason=""):
    """A server's close frame, taken apart."""
    return (CLOSE, code.to_bytes(2, "big") + reason.encode())


def ended(payload):
    """What a close frame says."""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode()


class Parsed(NamedTuple):
    """What a server wrote after its 101."""

    frames: list
    rest: bytes


def parse(stream):
    """Take server frames apart; each must be final and unmasked."""
    frames = []
    while len(stream) >= 2:
        assert stream[0] & 0xF0 == 0x80, stream[:20]
        length, start = stream[1], 2
        if length == 126:
            length, start = int.from_bytes(stream[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(stream[2:10], "big"), 10
        if len(stream) < start + length:
            break
        frames.append((stream[0] & 15, stream[start : start + length]))
        stream = stream[start + length :]
    return Parsed(frames, stream)


class Node:
    """The parts of a node that a WebSocket connection meets."""

    def __init__(self, clock, *, require_ack=True, trusted=(), own_hosts=(), key=KEY, durable="fsync", **access):
        self.clock = clock
        self.engine = FakeEngine()
        self.connections = Connections(
            most=access.get("max_connections", 100), same_id=access.get("same_id_limit", 16), wall=lambda: 1795219602.9
        )
        self.wrong_keys = WrongKeys(clock.seconds)
        self.upgrade = Upgrade(
            self.engine,
            access=AccessSettings(secret=Secret(key), **access),
            delivery=DeliverySettings(require_ack=require_ack, credit=50),
            clock=clock,
            connections=self.connections,
            wrong_keys=self.wrong_keys,
            client_address=ClientAddress(trusted),
            own_hosts=own_hosts,
            node="mq:test:1",
            version="9.9",
            durable=durable,
        )
        self.site = Site(self.upgrade, reactor=clock)


class MemoryTransport(StringTransport):
    """A transport that notes each write, half-closes, and is aborted for good."""

    protocol = None

    def __init__(self, address):
        super().__init__(peerAddress=address, lenient=True)
        self.writes = []
        self.half_closed = False
        self.aborted = False

    def write(self, data):
        assert not self.half_closed, data
        self.writes.append(data)
        super().write(data)

    def loseWriteConnection(self):
        self.half_closed = True

    def abortConnection(self):
        if not self.aborted:
            self.aborted = True
            self.lose()

    def lose(self):
        """The socket is gone."""
        if self.connected:
            self.connected = False
            if self.producer is not None:
                self.producer.stopProducing()
            self.protocol.connectionLost(Failure(ConnectionDone()))


class MemoryNode(Node):
    """A node on a fake clock."""

    def __init__(self, **settings):
        super().__init__(Clock(), **settings)

    def connect(self, path=PRODUCER, *, early=b"", ip="10.0.0.9", **headers):
        """A client that has asked for an upgrade."""
        return MemoryClient(self, path, early, ip, headers)

    def enter(self, path=PRODUCER, **options):
        """A client that has logged in, with nothing left to read."""
        client = self.connect(path, **options)
        client.send(frame(KEY))
        assert client.take() == [PROMPT, RIGHT]
        return client

    def greet(self, *, early=b"", ip="10.0.0.9", **hello):
        """A v2 client that was welcomed, with nothing left to read."""
        client = self.connect(V2, ip=ip)
        client.send(op("hello", key=KEY, **hello) + early)
        assert client.hears()["op"] == "welcome"
        return client


class MemoryClient:
    """One connection to a MemoryNode."""

    def __init__(self, node, path, early, ip, headers):
        self.transport = MemoryTransport(IPv4Address("TCP", ip, 4711))
        channel = node.site.buildProtocol(self.transport.getPeer())
        self.transport.protocol = channel
        channel.makeConnection(self.transport)
        channel.dataReceived(request(path, **headers) + early)
        self.answer, _, self.stream = self.transport.value().partition(b"\r\n\r\n")
        self.transport.clear()
        self.transport.writes.clear()

    @property
    def wire(self):
        """The server's protocol."""
        return self.transport.protocol

    def send(self, *data):
        """One read of all this."""
        self.transport.protocol.dataReceived(b"".join(data))

    def take(self):
        """The frames written since last time."""
        frames, rest = parse(self.stream + self.transport.value())
        assert not rest, rest
        self.stream = b""
        self.transport.clear()
        self.transport.writes.clear()
        return frames

    def ask(self, name, /, **fields):
        """Send an op."""
        self.send(op(name, **fields))

    def heard(self):
        """The v2 frames written since last time; a close frame is its code and reason."""
        return [json.loads(payload) if opcode == TEXT else ended(payload) for opcode, payload in self.take()]

    def hears(self):
        """The one v2 frame written since last time."""
        (told,) = self.heard()
        return told
