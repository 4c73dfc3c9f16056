"""The v2 wire's conversation: ops to the engine, its answers to the client. To the engine it is a Publisher.

What came together is carried out together, and answered in one write. The transport says at once when it holds as much
as it wants to (64 KiB), however many subscriptions an engine's turn delivers to: what it doesn't take then is neither
rendered nor written before it takes bytes again, one delivery at a time.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kapokmq.core.codec.v2 import Ack, Asked, Credit, Nack, Publish, Settling, Subscribe, Touch, Unsubscribe
from kapokmq.core.codec.v2_answers import encode_delivery
from kapokmq.core.codec.v2_drafts import given, milliseconds
from kapokmq.core.engine import Engine, Session
from kapokmq.core.errors import PeerError, WorldError
from kapokmq.core.peers import Delivery, Receipt
from kapokmq.core.session.v2 import Stage, V2Session
from kapokmq.protocols.classic import Visitor, refuse
from kapokmq.protocols.connections import Interest
from kapokmq.protocols.v2_consumer import V2Consumer
from kapokmq.protocols.websocket import WebSocketConnection

_ANSWERS_AT_ONCE = 1 << 18  # bytes


class Numbered(NamedTuple):
    """A session whose publish calls are numbered: its name, and what the engine calls it."""

    name: str
    handle: Session


class V2Conversation:
    """A client that was welcomed. `durable` is what the node promises of acks; `longest` a message's text in bytes."""

    _log = Logger()
    positional = False
    bears_silence = False

    def __init__(
        self,
        wire: WebSocketConnection,
        visitor: Visitor,
        engine: Engine,
        *,
        longest: int,
        durable: str,
        numbered: Numbered | None,
    ) -> None:
        self._wire = wire
        self._visitor = visitor
        self._engine = engine
        self._numbered = numbered
        self.number: int | None = None  # among the connections, once it is one of them
        self._session = V2Session(longest, durable)
        self._consumers: dict[int, V2Consumer] = {}
        self._held: deque[V2Consumer] = deque()  # those that the engine is to deliver nothing to, longest first
        self._unwritten: deque[tuple[V2Consumer, Delivery]] = deque()
        self._settling: list[tuple[Settling, list[str]]] = []
        self._in_turn = False
        self._over = False

    def begin(self) -> None:
        """Be known to the engine."""
        self._engine.attach(self)

    # --------------------------------------------------------------------------------------------------- ops

    def received(self, frames: list[bytes]) -> None:
        """Carry out what came together."""
        self._in_turn = True
        for asked in self._session.receive(frames):
            try:
                self._carry_out(asked)
            except Exception as fault:  # noqa: BLE001 -- a bug costs its op, not the connection
                self._refused(asked, fault)
        if self._settling:
            settling, self._settling = self._settling, []
            Deferred.fromCoroutine(self._settle(settling))
        self._in_turn = False
        self._flush()
        if self._session.fault is not None:
            refuse(self._wire, self._visitor, self._session.fault, self._log)

    def _carry_out(self, asked: Asked) -> None:
        if isinstance(asked, Publish):
            self._publish(asked)
        elif isinstance(asked, Subscribe):
            interest = Interest(asked.id, asked.topic, given(asked.group))
            consumer = V2Consumer(interest, self._visitor, self.number, self._deliver, self._dismissed)
            self._consumers[asked.id] = consumer
            Deferred.fromCoroutine(self._join(consumer, asked))
        elif isinstance(asked, Unsubscribe):
            self._leave(self._consumers[asked.sub])
            self._session.left(asked)
        elif isinstance(asked, Credit):
            self._give_credit(self._consumers[asked.sub], asked)
        else:
            self._settle_codes(self._consumers[asked.sub], asked)

    def _publish(self, asked: Publish) -> None:
        numbered = self._numbered
        self._engine.publish(
            self,
            asked.topic,
            asked.drafts,
            asked.id,
            session=None if numbered is None else numbered.handle,
            number=asked.id,
            durable=asked.durable,
        )

    async def _join(self, consumer: V2Consumer, asked: Subscribe) -> None:
        """Become a member; nothing is delivered before the client was told so."""
        try:
            subscription = await self._engine.join(consumer, asked.topic, asked.wish)
        except Exception as fault:  # noqa: BLE001 -- see `_refused`
            self._consumers.pop(consumer.sub, None)
            self._refused(asked, fault)
        else:
            stage = self._session.joined(consumer.sub)
            if stage is not Stage.LIVE or self._over:
                self._consumers.pop(consumer.sub, None)
                if stage is not Stage.DISMISSED:
                    self._engine.unsubscribe(subscription)
            else:
                consumer.subscription = subscription
                if consumer.credit is not None:
                    self._engine.credit(subscription, consumer.credit)
                self._held.append(consumer)
        self._flush()

    def _leave(self, consumer: V2Consumer) -> None:
        """Give back what it holds. One that has not joined yet leaves when it has."""
        subscription = consumer.subscription
        if subscription is not None:
            del self._consumers[consumer.sub]
            consumer.subscription = None
            self._engine.unsubscribe(subscription)

    def _give_credit(self, consumer: V2Consumer, asked: Credit) -> None:
        if consumer.subscription is None:
            consumer.credit = asked.n
        else:
            self._engine.credit(consumer.subscription, asked.n)
        self._session.answered(asked)

    def _settle_codes(self, consumer: V2Consumer, asked: Settling) -> None:
        """Hand codes on. Who has not joined yet holds none."""
        subscription = consumer.subscription
        if subscription is None:
            unknown = list(asked.codes)
        elif isinstance(asked, Ack):
            unknown = self._engine.ack(subscription, asked.codes)
        elif isinstance(asked, Nack):
            delay = given(asked.delay)
            delay_ms = None if delay is None else milliseconds(delay)
            unknown = self._engine.nack(subscription, asked.codes, delay_ms, asked.reason)
        else:
            unknown = self._engine.touch(subscription, asked.codes)
        if isinstance(asked, Touch) or given(asked.id) is None:
            self._session.answered(asked, unknown)
        else:
            self._settling.append((asked, unknown))

    async def _settle(self, settling: list[tuple[Settling, list[str]]]) -> None:
        """Answer acks and nacks when they are durable: those of one read together."""
        try:
            await self._engine.committed()
        except Exception as fault:  # noqa: BLE001 -- see `_refused`
            for asked, _ in settling:
                self._refused(asked, fault)
        else:
            for asked, unknown in settling:
                self._session.answered(asked, unknown)
        self._flush()

    def _refused(self, asked: Asked, fault: Exception) -> None:
        """Tell why not. A bug is told as one, and logged."""
        if not isinstance(fault, (PeerError, WorldError)):
            self._log.failure("a v2 {op} failed", op=type(asked).__name__.lower())
        self._session.refused(asked, fault)

    def _dismissed(self, consumer: V2Consumer, reason: Exception) -> None:
        """The engine ended a subscription."""
        if consumer.subscription is not None:
            del self._consumers[consumer.sub]
            consumer.subscription = None
        self._session.dismissed(consumer.sub, reason)
        self._flush()

    # ------------------------------------------------------------------------------------------- as publisher

    def confirmed(self, receipts: Sequence[Receipt]) -> None:
        """Answer publishes."""
        self._session.confirmed(receipts)
        self._flush()

    def refused(self, receipts: Sequence[Receipt], reason: Exception) -> None:
        """Answer publishes that can't be stored."""
        self._session.abandoned(receipts, reason)
        self._flush()

    def pause(self) -> None:
        """Read on: who is paused could not send the acks that make room. Publishes are refused meanwhile."""

    def resume(self) -> None:
        """Nothing was paused."""

    # --------------------------------------------------------------------------------------------- as a guest

    @property
    def session(self) -> str | None:
        """The name that its publish calls are numbered under."""
        return None if self._numbered is None else self._numbered.name

    @property
    def published(self) -> int:
        """How many of its messages were stored."""
        return self._session.published

    @property
    def interests(self) -> list[Interest]:
        """What it is subscribed to."""
        return [consumer.interest for consumer in self._consumers.values()]

    def drain(self, reason: str) -> None:
        """Tell it that this node stops."""
        self._session.drain(reason)
        self._flush()

    # ------------------------------------------------------------------------------------------------ the wire

    def _flush(self) -> None:
        """Write what is ready as far as the transport takes it, let messages flow, and read on or not."""
        if self._in_turn:
            return
        wire, session = self._wire, self._session
        while session.ready and not wire.stalled:
            wire.write(session.take(_ANSWERS_AT_ONCE))
        while self._unwritten and not wire.stalled:
            consumer, delivery = self._unwritten.popleft()
            if consumer.subscription is not None:  # else its messages went to others
                wire.write(encode_delivery(consumer.sub, delivery))
        while self._held and not wire.stalled:
            consumer = self._held.popleft()
            if consumer.subscription is not None:
                consumer.flowing = True
                self._engine.drained(consumer.subscription)
        if session.busy:
            wire.stop_reading()
        else:
            wire.go_on_reading()
        wire.settle()

    def _deliver(self, consumer: V2Consumer, delivery: Delivery) -> None:
        """Write messages of a subscription out, in their order, or keep them until the transport takes them."""
        if self._unwritten or self._wire.stalled:
            self._unwritten.append((consumer, delivery))
        else:
            self._wire.write(encode_delivery(consumer.sub, delivery))

    def stalled(self) -> None:
        """Take no messages for now. Answers wait here, and what the engine's turn still delivers."""
        for consumer in self._consumers.values():
            if consumer.flowing and consumer.subscription is not None:
                consumer.flowing = False
                self._held.append(consumer)
                self._engine.stall(consumer.subscription)

    def drained(self) -> None:
        """Go on."""
        self._flush()

    def closing(self) -> None:
        """Give back at once what the client holds: it reads nothing more."""
        self._over = True
        self._unwritten.clear()
        for consumer in list(self._consumers.values()):
            self._leave(consumer)

    @property
    def settled(self) -> bool:
        """Whether all answers have been written."""
        return self._session.settled

    def ended(self) -> None:
        """Leave the engine; what was published stays."""
        self.closing()
        self._engine.detach(self)
        if self._numbered is not None:
            self._engine.close_session(self._numbered.handle)
