"""What takes a while to find out, and then does for some seconds."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

PATIENCE = 2.0  # seconds that somebody who asks waits

T = TypeVar("T")


class Lately(Generic[T]):
    """Has something found out when it is asked for, unless that was done in the last so many `fresh` seconds.

    However many ask, it is found out once. What is no older than `told` seconds is told at once, while it is found out
    anew. Who has waited long is told what was found out last, `value` at first; so is everybody where it can't be found
    out.
    """

    _log = Logger()

    def __init__(
        self, find: Callable[[], Awaitable[T]], value: T, clock: IReactorTime, fresh: float, told: float = 0.0
    ) -> None:
        self._find = find
        self._clock = clock
        self._fresh = fresh
        self._told = told
        self._found = float("-inf")
        self._value = value
        self._asking = False
        self._waiting: dict[Deferred[None], None] = {}

    def get(self) -> "Deferred[T]":
        """What it is, or was not long ago. It is begun to be found out by the call."""
        age = self._clock.seconds() - self._found
        if age < self._fresh:
            return succeed(self._value)
        answer = Deferred.fromCoroutine(self._wait())
        return succeed(self._value) if age < self._told else answer

    async def _wait(self) -> T:
        waiter: Deferred[None] = Deferred()
        self._waiting[waiter] = None
        if not self._asking:
            self._asking = True
            Deferred.fromCoroutine(self._find_out())
        if not waiter.called:
            waiter.addTimeout(PATIENCE, self._clock, onTimeoutCancel=lambda _, __: None)
            try:
                await waiter
            finally:
                self._waiting.pop(waiter, None)
        return self._value

    async def _find_out(self) -> None:
        try:
            self._value = await self._find()
        except Exception:  # noqa: BLE001 -- who asks is told what is known
            self._log.failure("what the console shows of this node can't be found out")
        self._found = self._clock.seconds()
        self._asking = False
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting:
            waiter.callback(None)
