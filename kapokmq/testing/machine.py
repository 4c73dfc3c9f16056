"""The engine behind a MemoryNode, its clock, and how both are used from whatever thread."""

import os
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import RLock
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kapokmq.core.codec.rejected import Rejected, rejected
from kapokmq.core.errors import MisuseError, PeerError, WorldError
from kapokmq.core.settings import NodeSettings
from kapokmq.services.embedded import EmbeddedEngine
from kapokmq.services.rules import rules_of
from kapokmq.storage.memory import MemoryStore
from kapokmq.testing.clock import HandClock

T = TypeVar("T")
_SLACK = 1e-6  # seconds: what additions of fractions may be off by


class Refused(Exception):
    """The broker said no, and did nothing. `code` is one of those in docs/protocol-v2.md, `retry_after` in seconds."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retry_after = retry_after


class Thread(Protocol):
    """Where everything is done while sockets are served."""

    def call(self, what: Callable[[], T]) -> T:
        """Do it there, and wait."""
        ...


class Machine:
    """An engine over memory. `begin` is the unix time at which its clock starts, `seed` decides who gets a message."""

    def __init__(self, settings: NodeSettings, begin: float, seed: int) -> None:
        self.clock = HandClock()
        self._begin = begin
        draw = random.Random(seed)  # noqa: S311 -- fairness, not secrecy
        self.engine = EmbeddedEngine(
            replace(rules_of(settings), durable="fsync"),  # as a node does that keeps what it takes
            MemoryStore(settings.delivery.memory_budget, entropy=os.urandom),
            clock=self.clock,
            wall=self.wall,
            choose=lambda members, count: draw.choices(members, k=count),
            observe=lambda *_: None,
            dead_letter_rate=float("inf"),
        )
        self._lock = RLock()
        self._thread: Thread | None = None
        self._closed = False
        self.do(self.engine.open)

    # ---- time

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self._begin + self.clock.seconds()

    def wall(self) -> int:
        """Unix milliseconds."""
        return round(self.now * 1000)

    def advance(self, seconds: float) -> None:
        """Let time pass, and what falls due in it happen in order, each at its time."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"{seconds} seconds: time goes forward only")
        self.do(lambda: self._advance(seconds))

    def flow(self, seconds: float, *, check: bool) -> None:
        """The same, as real time does it, in small steps; `check` is to be said about once a second."""
        self.do(lambda: self._advance(seconds, check=check))

    def _advance(self, seconds: float, *, check: bool = True) -> None:
        clock = self.clock
        end = clock.seconds() + seconds
        while (when := clock.next) is not None and when <= end + _SLACK:
            clock.move(when)
            clock.run_due()
        clock.move(end)
        if check:
            self.engine.check()

    # ---- calls

    def do(self, what: Callable[[], T]) -> T:
        """Do something, and all that follows from it at once. Raises Refused."""
        with self._lock:
            thread = self._thread
            if thread is None:
                return self._carry_out(what)
        return thread.call(lambda: self._carry_out(what))

    def ask(self, what: Callable[[], Awaitable[T]]) -> T:
        """The same, for what is awaited: in memory nothing takes time."""
        outcome: list[Any] = []

        async def wait() -> T:
            return await what()

        def begin() -> None:
            Deferred.fromCoroutine(wait()).addBoth(outcome.append)

        self.do(begin)
        if not outcome:
            raise MisuseError("it waits for something that a test has to do first")
        if isinstance(outcome[0], Failure):
            with told():
                outcome[0].raiseException()
        found: T = outcome[0]
        return found

    def _carry_out(self, what: Callable[[], T]) -> T:
        if self._closed:
            raise MisuseError("this node is closed")
        try:
            with told():
                return what()
        finally:
            self.clock.run_due()

    # ---- life

    def move_to(self, thread: Thread | None, woken: Callable[[], None] = lambda: None) -> None:
        """Do everything in a thread from now on, or again in that of each caller."""
        with self._lock:
            self._thread = thread
            self.clock.woken = woken

    def close(self) -> None:
        """Be done with it. What waits for a message is not told."""
        with self._lock:
            if not self._closed:
                Deferred.fromCoroutine(self.engine.close())
                self.clock.run_due()
                self._closed = True


@contextmanager
def told() -> Iterator[None]:
    """Tell refusals as clients are told them."""
    try:
        yield
    except MisuseError:
        raise
    except (PeerError, WorldError) as fault:
        no = fault if isinstance(fault, Rejected) else rejected(fault)
        raise Refused(no.name, str(no), no.retry_after) from fault
