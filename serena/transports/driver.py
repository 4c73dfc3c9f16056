"""Moves the machine: feeds it what comes, drains what it wants done, and re-arms its one timer.

The machine never waits and never fails; a bug in it is logged and counted, and the next call goes on.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from serena.core.swim.events import Event
from serena.core.swim.messages import Ack, Address, Exchange, Message, Ping, PushPull, UserMessage
from serena.core.swim.outbox import Datagram, OpenStream
from serena.core.swim.wire.datagrams import DatagramCodec, read
from serena.core.swim.wire.faults import Dropped
from serena.transports.admission import Admission

_ROUNDS = 100  # of draining, in one turn: what listeners do may give more to drain


class Machine(Protocol):
    """The part of Swim that is moved here."""

    def receive(self, messages: Iterable[Message], source: Address, now: float) -> None:
        """Messages of one datagram came in."""

    def serve(self, exchange: Ping | PushPull | UserMessage, source: Address, now: float) -> Ack | PushPull | None:
        """A stream brought that; what to answer."""

    def stream_done(self, stream: OpenStream, answer: Exchange, now: float) -> None:
        """A stream that was opened brought an answer."""

    def stream_failed(self, stream: OpenStream, reason: str, now: float) -> None:
        """A stream that was to be opened brought none."""

    def next_deadline(self) -> float | None:
        """When it must be called again."""

    def advance(self, now: float) -> None:
        """Time has gone on."""

    def outgoing(self) -> list[Datagram]:
        """What is to be sent."""

    def streams(self) -> list[OpenStream]:
        """What is to be opened."""

    def events(self) -> list[Event]:
        """What has happened."""


class Driver:
    """One machine and the world around it: `send` a datagram, `connect` a stream, `heard` an event.

    `settled` is called whenever all that the machine wanted done is done.
    """

    _log = Logger()

    def __init__(  # noqa: PLR0913 -- the world has so many sides
        self,
        machine: Machine,
        codec: DatagramCodec,
        admission: Admission,
        *,
        clock: IReactorTime,
        send: Callable[[bytes, Address], None],
        connect: Callable[[OpenStream], None],
        heard: Callable[[Event], None],
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._machine = machine
        self._codec = codec
        self._admission = admission
        self._dropped = admission.dropped
        self._clock = clock
        self._send = send
        self._connect = connect
        self._heard = heard
        self._settled = settled
        self._timer: IDelayedCall | None = None
        self._draining = self._stopped = False

    # ---- feed

    def take(self, datagram: bytes, source: Address) -> None:
        """A datagram came in. What it unpacks to is counted before it is read."""
        try:
            plain = self._codec.unwrapped(datagram)
            if not self._admission.takes_unpacked(source.host, len(plain) - len(datagram)):
                return
            messages, dropped = read(plain)
        except Dropped as fault:
            self._dropped[fault.reason] += 1
            if fault.reason == "bomb":
                self._admission.takes_unpacked(source.host, self._codec.unpacked_limit)
            return
        self._dropped.update(dropped)
        self.do(lambda now: self._machine.receive(messages, source, now))

    def serve(self, exchange: Exchange, source: Address) -> Ack | PushPull | None:
        """A stream brought that. Gives what to answer."""
        if not isinstance(exchange, Ping | PushPull | UserMessage):
            self._dropped["unknownType"] += 1
            return None
        answers: list[Ack | PushPull | None] = []
        self.do(lambda now: answers.append(self._machine.serve(exchange, source, now)))
        return answers[0] if answers else None

    def answered(self, stream: OpenStream, answer: Exchange) -> None:
        """A stream of ours brought an answer."""
        self.do(lambda now: self._machine.stream_done(stream, answer, now))

    def failed(self, stream: OpenStream, reason: str) -> None:
        """A stream of ours brought none."""
        self.do(lambda now: self._machine.stream_failed(stream, reason, now))

    def do(self, call: Callable[[float], object]) -> None:
        """Have the machine do something at this moment, and then what follows from it."""
        if self._stopped:
            return
        self._guarded(call, self._clock.seconds())
        self._drain()

    def stop(self) -> None:
        """Do nothing any more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ---- drain

    def _drain(self) -> None:
        if self._draining:  # a listener has had the machine do something; whoever drains goes on with it
            return
        self._draining = True
        try:
            for _ in range(_ROUNDS):
                if not self._drained_some():
                    break
        finally:
            self._draining = False
        self._rearm()
        self._guarded(self._settled)

    def _drained_some(self) -> bool:
        machine = self._machine
        datagrams, streams, events = machine.outgoing(), machine.streams(), machine.events()
        for datagram in datagrams:
            self._guarded(self._seal_and_send, datagram)
        for stream in streams:
            self._guarded(self._connect, stream)
        for event in events:
            self._guarded(self._heard, event)
        return bool(datagrams or streams or events) and not self._stopped

    # ---- re-arm

    def _rearm(self) -> None:
        """Let the timer go off by the next deadline. To let it go off too soon costs less than to move it each time."""
        deadline = self._machine.next_deadline()
        if deadline is None or self._stopped:
            return
        if self._timer is not None:
            if self._timer.getTime() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._clock.callLater(max(0.0, deadline - self._clock.seconds()), self._due)

    def _due(self) -> None:
        self._timer = None
        self.do(self._machine.advance)

    def _seal_and_send(self, datagram: Datagram) -> None:
        self._send(self._codec.seal(datagram.parts, crc=datagram.crc), datagram.to)

    def _guarded(self, call: Callable[..., object], *arguments: object) -> None:
        try:
            call(*arguments)
        except Exception:  # noqa: BLE001 -- whatever it is, it is ours: one bad turn must not end a member
            self._dropped["bug"] += 1
            self._log.failure("this is a bug in gossip")
