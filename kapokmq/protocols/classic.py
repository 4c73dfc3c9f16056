"""The classic wire's two conversations: a producer's and a consumer's. Each is what the engine talks to as well."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.logger import Logger

from kapokmq.core.codec.classic import decode_acks, encode_delivery
from kapokmq.core.engine import Engine, Subscription
from kapokmq.core.errors import PeerError, WorldError
from kapokmq.core.peers import Delivery, Receipt
from kapokmq.core.session.producer import ProducerSession
from kapokmq.protocols.connections import Kind
from kapokmq.protocols.websocket import INTERNAL_ERROR, WebSocketConnection

OKS_AT_ONCE = 16_384  # 64 KiB
_TRY_AGAIN = 1013


class Visitor(NamedTuple):
    """Who asked for a connection, by its path and its socket."""

    kind: Kind
    topic: str
    id: str
    ip: str


def refuse(wire: WebSocketConnection, visitor: Visitor, fault: Exception, log: Logger) -> None:
    """Close, and say why: to the peer, and to the log, where neither key nor message may appear."""
    if isinstance(fault, (PeerError, WorldError)):
        code, reason = getattr(fault, "close_code", _TRY_AGAIN), str(fault)
    else:
        code, reason = INTERNAL_ERROR, "internal error"
    log.info(
        "{kind} {id!r} of topic {topic!r} from {ip} is closed: {code} {reason}",
        kind=visitor.kind.value, id=visitor.id, topic=visitor.topic, ip=visitor.ip, code=code, reason=reason,
    )  # fmt: skip
    wire.close(code, reason)


class ProducerConversation:
    """A producer that has logged in. To the engine it is a Publisher."""

    _log = Logger()
    positional = True
    bears_silence = True  # the Go client's producers never read what we send, pings included

    def __init__(self, wire: WebSocketConnection, visitor: Visitor, engine: Engine, longest: int) -> None:
        self._wire = wire
        self._visitor = visitor
        self._engine = engine
        self._session = ProducerSession(longest)
        self.number: int | None = None  # among the connections, once it is one of them

    @property
    def published(self) -> int:
        """How many of its messages were stored."""
        return self._session.published

    def begin(self) -> None:
        """Be known to the engine."""
        self._engine.attach(self)

    def received(self, frames: list[bytes]) -> None:
        """Publish what came together as one batch."""
        fault: Exception | None
        drafts, fault = self._session.receive(frames)
        if drafts:
            try:
                self._engine.publish(self, self._visitor.topic, drafts)
            except (PeerError, WorldError) as refusal:
                self._session.untaken(len(drafts))
                fault = refusal
        if fault is not None:
            refuse(self._wire, self._visitor, fault, self._log)

    def confirmed(self, receipts: Sequence[Receipt]) -> None:
        """Owe an `ok` for each message."""
        self._session.confirmed(sum(receipt.count for receipt in receipts))
        self.drained()

    def refused(self, receipts: Sequence[Receipt], reason: Exception) -> None:
        """Close: `ok`s go by position, so none may be left out."""
        self._session.abandoned()
        refuse(self._wire, self._visitor, reason, self._log)
        self.drained()

    def drained(self) -> None:
        """Write the `ok`s that are ready, as far as the transport takes them."""
        while self._session.ready and not self._wire.stalled:
            self._wire.write(self._session.take(OKS_AT_ONCE))
        self._wire.settle()

    def stalled(self) -> None:
        """Let `ok`s be a number."""

    def pause(self) -> None:
        """Read no more from the producer: the broker is full."""
        self._wire.stop_reading()

    def resume(self) -> None:
        """Read on."""
        self._wire.go_on_reading()

    def closing(self) -> None:
        """There is nothing to be given back."""

    @property
    def settled(self) -> bool:
        """Whether all `ok`s have been written."""
        return self._session.settled

    def ended(self) -> None:
        """Leave the engine; what was published stays."""
        self._engine.detach(self)


class ConsumerConversation:
    """A consumer that has logged in. To the engine it is a Receiver. `credit` None: it acknowledges nothing."""

    _log = Logger()
    bears_silence = False
    settled = True
    published = None

    def __init__(self, wire: WebSocketConnection, visitor: Visitor, engine: Engine, credit: int | None) -> None:
        self._wire = wire
        self._visitor = visitor
        self._engine = engine
        self._credit = credit
        self.address = visitor.ip
        self.number: int | None = None  # among the connections, once it is one of them
        self._subscription: Subscription | None = None

    @property
    def label(self) -> str:
        """Who that is, for people."""
        return f"{self._visitor.id} {self._visitor.ip}"

    def begin(self) -> None:
        """Become a member of the topic's group."""
        try:
            self._subscription = self._engine.subscribe(self, self._visitor.topic, self._credit)
        except (PeerError, WorldError) as refusal:
            refuse(self._wire, self._visitor, refusal, self._log)
            return
        if self._wire.stalled:
            self._engine.stall(self._subscription)

    def received(self, frames: list[bytes]) -> None:
        """Acknowledge."""
        if self._subscription is not None:
            self._engine.ack(self._subscription, decode_acks(frames))

    def deliver(self, delivery: Delivery) -> None:
        """Write messages out, in one write."""
        self._wire.write(delivery.rendered(encode_delivery))

    def dismissed(self, reason: Exception) -> None:
        """Close: a classic connection is good for one topic."""
        self._subscription = None
        refuse(self._wire, self._visitor, reason, self._log)

    def stalled(self) -> None:
        """Take no more for now."""
        if self._subscription is not None:
            self._engine.stall(self._subscription)

    def drained(self) -> None:
        """Take more."""
        if self._subscription is not None:
            self._engine.drained(self._subscription)

    def closing(self) -> None:
        """What is unsettled is given back at the end, which comes at once."""

    def ended(self) -> None:
        """Leave the group; what is not acknowledged goes to others."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._engine.unsubscribe(subscription)


Inside = ProducerConversation | ConsumerConversation
Opening = Callable[[WebSocketConnection, Visitor], Inside]
