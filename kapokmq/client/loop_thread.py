"""An asyncio loop in a thread of its own, and how other threads have it do things."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from kapokmq.core.client.errors import Closed

T = TypeVar("T")


class LoopThread:
    """Runs from when it is made until `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kapokmq client", daemon=True)
        self._todo: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._called = False
        self._thread.start()

    @property
    def stopped(self) -> bool:
        """Whether it runs no more."""
        return self._loop.is_closed()

    def start(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Have it run. Raises Closed."""
        if self.stopped:
            work.close()
            raise Closed("the client was closed")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Likewise, and wait for it: TimeoutError after so many seconds, and it is cancelled."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("the client's own thread can't wait for itself: on_state must not call the client")
        future = self.start(work)
        try:
            return future.result(timeout)
        except BaseException:
            future.cancel()
            raise

    def soon(self, function: Callable[..., None], *args: Any) -> None:
        """Have it called. Many such calls are one turn."""
        self._todo.append((function, args))
        if not self._called and not self.stopped:
            self._called = True
            self._loop.call_soon_threadsafe(self._do)

    def _do(self) -> None:
        self._called = False  # before, not after: what is added from now on is either seen here or calls again
        while self._todo:
            function, args = self._todo.popleft()
            function(*args)

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
