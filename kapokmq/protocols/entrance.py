"""The conversation that every classic connection begins with: the key, against the clock."""

from collections import deque

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kapokmq.core.codec.frames import text_frames
from kapokmq.core.session.login import LONGEST_KEY, PROMPT, RIGHT, Login
from kapokmq.protocols.classic import Opening, Visitor, refuse
from kapokmq.protocols.connections import Connections
from kapokmq.protocols.websocket import Limit, WebSocketConnection
from serena.web.wrong_keys import WrongKeys

_KEY_LIMIT = Limit(LONGEST_KEY, f"key: longer than {LONGEST_KEY} bytes")


class Entrance:
    """Lets a visitor in who has the key. `limit` is for the messages that it then may send."""

    _log = Logger()
    bears_silence = True  # the log-in has a clock of its own
    settled = True

    def __init__(  # noqa: PLR0913 -- each is a part of the node, all by name
        self,
        wire: WebSocketConnection,
        visitor: Visitor,
        *,
        login: Login,
        limit: Limit,
        opening: Opening,
        clock: IReactorTime,
        connections: Connections,
        wrong_keys: WrongKeys,
    ) -> None:
        self._wire = wire
        self._visitor = visitor
        self._login = login
        self._limit = limit
        self._opening = opening
        self._clock = clock
        self._connections = connections
        self._wrong_keys = wrong_keys
        self._frames: deque[bytes] = deque()
        self._over = False
        self._held: IDelayedCall | None = None
        self._deadline: IDelayedCall | None = None

    def begin(self) -> None:
        """Ask for the key."""
        self._wire.allow(_KEY_LIMIT)
        self._deadline = self._clock.callLater(self._login.deadline - self._clock.seconds(), self._out_of_time)
        self._wire.write(text_frames(PROMPT))

    def received(self, frames: list[bytes]) -> None:
        """Try keys, one after the other."""
        self._frames.extend(frames)
        self._try()

    def _try(self) -> None:
        while self._frames and self._held is None and not self._over:
            if self._login.matches(self._frames.popleft()):
                self._let_in()
            else:
                self._rebuff_after(self._wrong_keys.delay(self._visitor.ip))

    def _rebuff_after(self, wait: float) -> None:
        """Answer a wrong key, and read nothing meanwhile."""
        if wait > 0:
            self._wire.stop_reading()
            self._held = self._clock.callLater(wait, self._go_on)
        else:
            self._rebuff()

    def _go_on(self) -> None:
        self._held = None
        self._rebuff()
        self._wire.go_on_reading()
        self._try()

    def _rebuff(self) -> None:
        texts, fault = self._login.rebuff()
        self._wire.write(text_frames(*texts))
        if fault is not None:
            refuse(self._wire, self._visitor, fault, self._log)

    def _let_in(self) -> None:
        """Leave the rest to the conversation that the visitor came for."""
        visitor, wire = self._visitor, self._wire
        self._stop()
        wire.write(text_frames(RIGHT))
        wire.allow(self._limit)
        wire.eager = False
        inside = self._opening(wire, visitor)
        wire.converse(inside)
        inside.number = self._connections.joined(wire, visitor.kind, visitor.topic, visitor.id, visitor.ip, inside)
        inside.begin()
        if self._frames:
            inside.received(list(self._frames))

    def _out_of_time(self) -> None:
        refuse(self._wire, self._visitor, self._login.out_of_time(), self._log)

    def _stop(self) -> None:
        self._over = True
        for timer in (self._held, self._deadline):
            if timer is not None and timer.active():
                timer.cancel()

    def stalled(self) -> None:
        """There is nothing to hold back."""

    def drained(self) -> None:
        """There was nothing held back."""

    def closing(self) -> None:
        """There is nothing to be given back."""

    def ended(self) -> None:
        """Nobody came in."""
        self._stop()
