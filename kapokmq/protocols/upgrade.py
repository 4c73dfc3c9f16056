"""From an HTTP request to a WebSocket connection, on the same port."""

from collections.abc import Callable, Collection
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from kapokmq.core.codec.classic import longest_draft
from kapokmq.core.engine import Engine
from kapokmq.core.session.login import Login
from kapokmq.core.settings import AccessSettings, DeliverySettings
from kapokmq.protocols.classic import ConsumerConversation, Inside, ProducerConversation, Visitor
from kapokmq.protocols.connections import Connections, Kind
from kapokmq.protocols.entrance import Entrance
from kapokmq.protocols.factory import WebSocketFactory
from kapokmq.protocols.handshake import RefusedUpgrade, check_upgrade, choose_subprotocol, find_target
from kapokmq.protocols.v2_entrance import Terms, V2Entrance
from kapokmq.protocols.websocket import Limit, WebSocketConnection
from serena.web.answers import FOREIGN_ORIGIN, NOT_FOUND, PLAIN, Answer, send
from serena.web.channel import NodeChannel
from serena.web.guard import KEY_HEADER
from serena.web.origin import sent_by_foreign_page
from serena.web.wrong_keys import WrongKeys

LONGEST_ACK = 512  # bytes; codes have 40

_RETRY_AFTER = (("Retry-After", "5"),)


class Upgrade(Resource):
    """Answers whatever begins with /Producers/Conn/ or /Consumers/Conn/, and /v2: whole paths, raw.

    `own_hosts` are the hosts that the node is known by; they count while the key is still the default. `node` and
    `version` are what it calls itself, `durable` what it promises of an ack: "memory", "interval" or "fsync".
    """

    isLeaf = True
    _log = Logger()

    def __init__(  # noqa: PLR0913 -- each is a part of the node, all by name
        self,
        engine: Engine,
        *,
        access: AccessSettings,
        delivery: DeliverySettings,
        clock: IReactorTime,
        connections: Connections,
        wrong_keys: WrongKeys,
        client_address: Callable[[Request], str],
        own_hosts: Collection[str] = (),
        node: str = "",
        version: str = "",
        durable: str = "fsync",
    ) -> None:
        super().__init__()
        self._engine = engine
        self._access = access
        self._credit = delivery.credit if delivery.require_ack else None
        self._clock = clock
        self._connections = connections
        self._wrong_keys = wrong_keys
        self._client_address = client_address
        self._own_hosts = frozenset(own_hosts)
        self._terms = Terms(node, version, durable, access.max_message_bytes)
        self._factory = WebSocketFactory(clock)

    def render(self, request: Request) -> int:
        """Upgrade the request, or answer why not."""
        try:
            visitor, key, subprotocol = self._check(request)
        except RefusedUpgrade as refusal:
            send(request, refusal.answer)
        else:
            self._admit(request, visitor, key, subprotocol)
        return NOT_DONE_YET

    def _check(self, request: Request) -> tuple[Visitor, bytes, bytes]:
        """Find out who comes, and whether they may; with the WebSocket's key and subprotocol. Raises RefusedUpgrade."""
        if request.method != b"GET":
            raise RefusedUpgrade(NOT_FOUND)
        target = find_target(request.path)
        key = check_upgrade(request)
        subprotocol = choose_subprotocol(request) if target.kind is Kind.V2 else b""
        ip = self._client_address(request)
        if self._access.default_key and sent_by_foreign_page(request, self._own_hosts):
            self._log.info("a page of a foreign origin was refused; it was loaded at {ip}", ip=ip)
            raise RefusedUpgrade(FOREIGN_ORIGIN)
        reason = self._connections.refusal
        if reason is not None:
            self._log.info("a connection from {ip} was refused: {reason}", ip=ip, reason=reason)
            answer = Answer(f"{reason}\n".encode(), PLAIN, http.SERVICE_UNAVAILABLE, headers=_RETRY_AFTER)
            raise RefusedUpgrade(answer)
        return Visitor(target.kind, target.topic, target.id, ip), key, subprotocol

    def _admit(self, request: Request, visitor: Visitor, key: bytes, subprotocol: bytes) -> None:
        """Make the connection the visitor's."""
        wire = WebSocketConnection(self._factory, self._clock, self._connections.lost)
        login = Login(self._access.secret, now=self._clock.seconds(), seconds=self._access.login_seconds)
        entrance: Entrance | V2Entrance
        if visitor.kind is Kind.V2:
            entrance = V2Entrance(
                wire,
                visitor,
                terms=self._terms,
                login=login,
                header=request.requestHeaders.getRawHeaders(KEY_HEADER, [None])[0],
                engine=self._engine,
                clock=self._clock,
                connections=self._connections,
                wrong_keys=self._wrong_keys,
            )
        else:
            entrance = Entrance(
                wire,
                visitor,
                login=login,
                limit=_limit(visitor.kind, self._access.max_message_bytes),
                opening=self._open,
                clock=self._clock,
                connections=self._connections,
                wrong_keys=self._wrong_keys,
            )
        self._connections.opened(wire)
        early = take_over(request, wire)
        wire.begin(entrance, key, early, subprotocol)

    def _open(self, wire: WebSocketConnection, visitor: Visitor) -> Inside:
        """What the visitor came for."""
        if visitor.kind is Kind.PRODUCER:
            return ProducerConversation(wire, visitor, self._engine, self._access.max_message_bytes)
        return ConsumerConversation(wire, visitor, self._engine, self._credit)


def _limit(kind: Kind, max_message_bytes: int) -> Limit:
    """How long the messages are that somebody of that kind may send."""
    if kind is Kind.CONSUMER:
        return Limit(LONGEST_ACK, f"MessageCode: longer than {LONGEST_ACK} bytes")
    longest = longest_draft(max_message_bytes)
    return Limit(longest, f"MessageData: JSON of more than {longest} bytes, the limit is {max_message_bytes} of text")


def take_over(request: Request, protocol: WebSocketConnection) -> bytes:
    """Give the request's transport to a protocol, and the bytes that came behind the request to the caller.

    HTTPChannel is registered as the transport's producer, and has those bytes in one of two places: what was behind a
    body is put by for the next request, what was behind the headers is still in the line buffer.
    """
    channel: Any = request.channel
    transport = channel.transport
    if isinstance(channel, NodeChannel):
        channel.leave()
    channel.setTimeout(None)
    early = b"".join(channel._dataBuffer) + bytes(channel.clearLineBuffer())  # noqa: SLF001 -- there is no other way
    channel._dataBuffer = []  # noqa: SLF001
    channel.transport = None
    transport.unregisterProducer()
    if isinstance(transport, ProtocolWrapper):  # TLS
        transport.wrappedProtocol = protocol
    else:
        transport.protocol = protocol
    protocol.makeConnection(transport)
    transport.resumeProducing()  # HTTPChannel pauses it when many bytes come behind a request
    return early
