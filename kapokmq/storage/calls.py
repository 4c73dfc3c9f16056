"""What is under way in a store, so that closing waits for it."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from kapokmq.core.errors import StoreUnavailable

T = TypeVar("T")
Call = Coroutine[Deferred[Any], Any, T]


class Calls:
    """Runs calls, and `end` once none is left after `close`. `name` is said to those who come too late."""

    def __init__(self, name: str, end: Callable[[], Call[None]]) -> None:
        self.closing = False
        self._name = name
        self._end = end
        self._running: set[Deferred[Any]] = set()
        self._closers: list[Deferred[None]] | None = []  # None: closed

    def run(self, work: Call[T]) -> Deferred[T]:
        """Start a call, and know of it until it has ended."""
        if self.closing:
            work.close()
            return fail(StoreUnavailable(f"{self._name}: the store is closed"))
        running = Deferred.fromCoroutine(work)
        self._running.add(running)
        return running.addBoth(self._ran, running)

    def close(self) -> Deferred[None]:
        """Take no more calls; fires when all have ended, and `end` as well."""
        if self._closers is None:
            return succeed(None)
        closer: Deferred[None] = Deferred()
        self._closers.append(closer)
        if not self.closing:
            self.closing = True
            self._end_if_idle()
        return closer

    def _ran(self, result: T, running: Deferred[Any]) -> T:
        self._running.discard(running)
        self._end_if_idle()
        return result

    def _end_if_idle(self) -> None:
        if self.closing and not self._running:
            Deferred.fromCoroutine(self._end()).addBoth(self._ended)

    def _ended(self, result: Any) -> None:
        closers, self._closers = self._closers, None
        for closer in closers or ():
            closer.callback(result)
