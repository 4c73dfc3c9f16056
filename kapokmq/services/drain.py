"""Emptying a node before it stops: nothing new is taken or dealt, and what is in flight may still be settled."""

from collections.abc import Callable
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from kapokmq.protocols.connections import Connections
from kapokmq.services.embedded import EmbeddedEngine
from serena.services.guarding import guarded

LOOK_EVERY = 0.1  # seconds
REASON = "this node stops: go to another one"


class Drain:
    """One node's drain. `over` is called once, when nothing is in flight any more or the time is up."""

    _log = Logger()

    def __init__(
        self, engine: EmbeddedEngine, connections: Connections, clock: IReactorTime, over: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._clock = clock
        self._over = over
        self._until: float | None = None
        self._loop: LoopingCall | None = None

    def begin(self, seconds: float) -> None:
        """Tell everybody, and wait at most so many seconds. Said again, it only shortens the wait."""
        until = self._clock.seconds() + seconds
        if self._until is not None:
            self._until = min(self._until, until)
            return
        self._until = until
        self._log.info("the node drains, for at most {seconds} s", seconds=seconds)
        self._engine.drain()
        guarded(self._log, partial(self._connections.drain, REASON))  # whoever is not told must not keep the node
        self._loop = LoopingCall(guarded, self._log, self._look)
        self._loop.clock = self._clock
        self._loop.start(LOOK_EVERY, now=False)

    def stop(self) -> None:
        """The node stops, drained or not."""
        if self._loop is not None and self._loop.running:
            self._loop.stop()

    def _look(self) -> None:
        left = self._engine.broker.in_flight
        if left and self._clock.seconds() < (self._until or 0.0):
            return
        self._log.info("the node has drained; {left} messages are still in flight", left=left)
        self.stop()
        self._over()
