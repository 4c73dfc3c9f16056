"""A thread that does one thing after the other, and hands the results back to the reactor's thread."""

from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread, current_thread
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


class Job(NamedTuple):
    """What to do, and whom to tell."""

    work: Callable[[], Any]
    told: Deferred[Any]


class Worker:
    """Runs what it is given in order. A failure is the business of whoever asked; the thread lives until `stop`.

    `callback` takes a function to call on the reactor's thread (`reactor.callFromThread`). `explain` makes an error of
    ours out of whatever the work raised. The thread starts with the first job.
    """

    def __init__(
        self, name: str, callback: Callable[[Callable[[], None]], Any], explain: Callable[[Exception], Exception]
    ) -> None:
        self._callback = callback
        self._explain = explain
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._results: deque[tuple[Deferred[Any], Any, Exception | None]] = deque()
        self._announced = False
        self._ended: Deferred[None] = Deferred()
        self._thread: Thread | None = None
        self._name = name

    def call(self, work: Callable[[], T]) -> "Deferred[T]":
        """Have `work` done after all that was asked before."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name=self._name)
            self._thread.start()
        told: Deferred[T] = Deferred()
        self._jobs.put(Job(work, told))
        return told

    def stop(self) -> Deferred[None]:
        """Do what was asked before, then end the thread. To be called once; nothing may be asked afterwards."""
        if self._thread is None:
            self._ended.callback(None)
        else:
            self._jobs.put(None)
        return self._ended

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            result: Any = None
            failure: Exception | None = None
            try:
                result = job.work()
            except Exception as error:  # noqa: BLE001 -- whatever fails is the asker's to know, and the next job must run
                failure = self._explain(error)
            self._results.append((job.told, result, failure))
            if not self._announced:
                # Several results may be ready before the reactor gets round to them: one call brings them all.
                self._announced = True
                self._callback(self._deliver)
        self._callback(partial(self._finish, current_thread()))

    def _deliver(self) -> None:
        self._announced = False
        while self._results:
            told, result, failure = self._results.popleft()
            if failure is None:
                told.callback(result)
            else:
                told.errback(failure)

    def _finish(self, thread: Thread) -> None:
        self._deliver()
        thread.join()  # it has nothing left to do but return
        self._ended.callback(None)
