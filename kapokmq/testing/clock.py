"""A clock that stands still until it is moved, and one that an event loop moves."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock


class HandClock(Clock):
    """Seconds since it was made. `woken` is told when something is to be done without time passing."""

    def __init__(self) -> None:
        super().__init__()
        self.woken: Callable[[], None] = lambda: None

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> IDelayedCall:  # noqa: A002 -- Twisted's name
        """See IReactorTime."""
        call = super().callLater(delay, callable, *args, **kw)
        if delay <= 0:
            self.woken()
        return call

    @property
    def next(self) -> float | None:
        """When the next call is due."""
        return min((call.getTime() for call in self.calls), default=None)

    def move(self, when: float) -> None:
        """Let it be so late, never earlier than it is."""
        self.rightNow = max(self.rightNow, when)

    def run_due(self) -> None:
        """Do what is due, and what that brings, until nothing is left."""
        while (when := self.next) is not None and when <= self.rightNow:
            self.advance(0)


class LoopClock(Clock):
    """An event loop's time for Twisted's protocols. To be used in the loop's thread."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._timer: TimerHandle | None = None

    def seconds(self) -> float:
        """See IReactorTime."""
        return self._loop.time()

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> IDelayedCall:  # noqa: A002 -- Twisted's name
        """See IReactorTime."""
        call = super().callLater(delay, callable, *args, **kw)
        self._arm()
        return call

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = min((call.getTime() for call in self.calls), default=None)
        self._timer = None if due is None else self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        try:
            self.advance(0)
        finally:
            self._arm()

    def stop(self) -> None:
        """Run no more calls."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        calls: list[Any] = list(self.calls)
        for call in calls:
            call.cancel()
