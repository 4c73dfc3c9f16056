"""An asyncio loop in a thread of its own, and how other threads have it do things.

What is handed over is so before the thread ends, or is refused: nobody waits for what never runs.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from kapokmq.core.client.errors import Closed

T = TypeVar("T")
_PARTING = 5.0  # seconds that what is cancelled at the end may take
_log = logging.getLogger("kapokmq.client")


class _Loop(asyncio.SelectorEventLoop):
    """Where names can't be looked up any more, since the program ends, what was found before is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[tuple[Any, ...], Any] = {}

    async def getaddrinfo(self, *where: Any, **more: Any) -> Any:
        """Look up a name."""
        asked = (*where, *sorted(more.items()))
        try:
            self._found[asked] = await super().getaddrinfo(*where, **more)
        except RuntimeError as error:  # of the executor
            if asked not in self._found:
                raise OSError(str(error)) from error
        return self._found[asked]


class LoopThread:
    """Runs from when it is made until `stop`."""

    def __init__(self) -> None:
        self._loop = _Loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kapokmq client", daemon=True)
        self._todo: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._called = False
        self._gate = threading.RLock()  # held for handing over. A finalizer may do so in the midst of another
        self._stopping = False
        self._thread.start()

    @property
    def stopped(self) -> bool:
        """Whether it takes no more: it was stopped, or this process is a fork, which has no such thread."""
        return self._stopping or not self._thread.is_alive()

    def start(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Have it run. Raises Closed. Ask `result` for what it gives."""
        if not self.stopped:
            with self._gate:
                if not self._stopping:
                    return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise Closed("the client was closed")

    @staticmethod
    def result(future: "Future[T]", timeout: float | None = None) -> T:
        """What it gave. Raises TimeoutError after so many seconds, and Closed if the thread ended first."""
        try:
            return future.result(timeout)
        except CancelledError:
            raise Closed("the client was closed") from None

    def call(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Have it run, and wait for it: TimeoutError after so many seconds, and it is cancelled. Raises Closed."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("the client's own thread can't wait for itself: on_state must not call the client")
        future = self.start(work)
        try:
            return self.result(future, timeout)
        except BaseException:
            future.cancel()
            raise

    def soon(self, function: Callable[..., None], *args: Any) -> None:
        """Have it called; not at all, if the thread has ended. Many such calls are one turn."""
        self._todo.append((function, args))
        if not self._called and not self.stopped:
            with self._gate:
                if not self._stopping:
                    self._called = True
                    self._loop.call_soon_threadsafe(self._do)

    def _do(self) -> None:
        self._called = False  # before, not after: what is added from now on is either seen here or calls again
        while self._todo:
            function, args = self._todo.popleft()
            try:
                function(*args)
            except Exception:  # noqa: BLE001 -- the rest must not wait for it
                _log.exception("%s failed", getattr(function, "__qualname__", function))

    def stop(self) -> None:
        """End it. Whoever still waits gets Closed."""
        with self._gate:
            if not self.stopped:
                self._stopping = True
                asyncio.run_coroutine_threadsafe(self._last(), self._loop)
        self._thread.join()
        with self._gate:
            self._loop.close()

    async def _last(self) -> None:
        """Comes after all that was handed over."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_PARTING)
        await asyncio.sleep(0)  # who waits for what was done in this very turn is told in the next
        self._loop.stop()
