"""What a test consumes: a subscription and its messages."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Any, Self

from kapokmq.core.engine import Subscription as Handle
from kapokmq.core.peers import Delivery
from kapokmq.testing.machine import Machine


class Ended(Exception):
    """The subscription is over: it was closed, or its group or topic was deleted."""


class Message:
    """One delivery. `create_time` is in unix seconds, `attempt` counts the deliveries to this group from 1 on."""

    def __init__(  # noqa: PLR0913 -- all by name
        self,
        subscription: "Subscription",
        code: str,
        topic: str,
        data: str,
        *,
        create_time: float,
        attempt: int,
        key: str | None,
        headers: Mapping[str, str],
    ) -> None:
        self._subscription = subscription
        self.code = code
        self.topic = topic
        self.data = data
        self.create_time = create_time
        self.attempt = attempt
        self.key = key
        self.headers = headers

    def __repr__(self) -> str:
        return f"<message {self.data[:60]!r} of {self.topic}, attempt {self.attempt}>"

    def json(self) -> Any:
        """The data, read as JSON. Raises ValueError."""
        return json.loads(self.data)

    def ack(self) -> bool:
        """It is done. False if that changes nothing: it was done before, or somebody else holds it."""
        return self._subscription.settled(self.code)

    def nack(self, delay: float | None = None, reason: str = "") -> bool:
        """It was not done, and comes again after so many seconds, or after its group's backoff. False: not held."""
        return self._subscription.refused(self.code, delay, reason)

    def touch(self) -> bool:
        """It takes longer: its lease begins anew. False: not held."""
        return self._subscription.extended(self.code)


class Subscription:
    """A member of a group, in memory. To the engine it is a Receiver.

    Messages lie here once they are delivered, so their leases run. They are taken in whatever style suits the test:

        subscription.take()              all that are here, as a list; never waits
        for message in subscription      the same, also those that come meanwhile
        subscription.one(timeout=2)      the next; waits so many real seconds for other threads
        await subscription.receive()     the next; waits for other tasks and threads
        async for message in …           the same, until the subscription ends
    """

    def __init__(self, machine: Machine, label: str) -> None:
        self.label, self.address, self.number = label, "", None
        self._machine = machine
        self._handle: Handle | None = None
        self._here: deque[Message] = deque()
        self._waiting: list[Future[None]] = []
        self._lock = Lock()
        self._over: Exception | None = None

    def joined(self, handle: Handle) -> None:
        """Let messages flow."""
        self._handle = handle
        self._machine.do(lambda: self._machine.engine.drained(handle))

    # ---- taking

    def take(self, most: int | None = None) -> list[Message]:
        """The messages that are here, `most` at most. Raises Ended once it is over and nothing is left."""
        with self._lock:
            count = len(self._here) if most is None else min(most, len(self._here))
            taken = [self._here.popleft() for _ in range(count)]
        if not taken and self._over is not None and most != 0:
            raise Ended(str(self._over))
        return taken

    def __iter__(self) -> Iterator[Message]:
        """Go on until nothing is here."""
        while taken := self.take(1):
            yield taken[0]

    def one(self, timeout: float = 0.0) -> Message:
        """The next. Raises TimeoutError where none comes within so many real seconds."""
        end = monotonic() + timeout
        while not (taken := self.take(1)):
            waiter = self._waiter()
            try:
                waiter.result(max(0.0, end - monotonic()))
            except TooLate:
                raise TimeoutError(f"within {timeout:g} s there was no message for {self.label}") from None
            finally:
                self._forget(waiter)
        return taken[0]

    async def receive(self) -> Message:
        """The next, as soon as there is one."""
        while not (taken := self.take(1)):
            waiter = self._waiter()
            try:
                await asyncio.wrap_future(waiter)
            finally:
                self._forget(waiter)
        return taken[0]

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Go on until the subscription ends."""
        with suppress(Ended):
            while True:
                yield await self.receive()

    def _waiter(self) -> "Future[None]":
        waiter: Future[None] = Future()
        with self._lock:
            if self._here or self._over is not None:
                waiter.set_result(None)
            else:
                self._waiting.append(waiter)
        return waiter

    def _forget(self, waiter: "Future[None]") -> None:
        with self._lock, suppress(ValueError):
            self._waiting.remove(waiter)

    def _wake(self) -> None:
        """Let everybody look; called with the lock."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if waiter.set_running_or_notify_cancel():
                waiter.set_result(None)

    # ---- settling

    def settled(self, code: str) -> bool:
        """See Message.ack."""
        engine, handle = self._machine.engine, self._held_by()
        return not self._machine.do(lambda: engine.ack(handle, [code]))

    def refused(self, code: str, delay: float | None, reason: str) -> bool:
        """See Message.nack."""
        engine, handle = self._machine.engine, self._held_by()
        delay_ms = None if delay is None else round(delay * 1000)
        return not self._machine.do(lambda: engine.nack(handle, [code], delay_ms, reason))

    def extended(self, code: str) -> bool:
        """See Message.touch."""
        engine, handle = self._machine.engine, self._held_by()
        return not self._machine.do(lambda: engine.touch(handle, [code]))

    def _held_by(self) -> Handle:
        if self._handle is None or self._over is not None:
            raise Ended("the subscription is over: what it held went to others")
        return self._handle

    def set_credit(self, count: int) -> None:
        """Set how many messages it may hold, or where it owes no acks: get from now on. 0 pauses it."""
        handle = self._held_by()
        self._machine.do(lambda: self._machine.engine.credit(handle, count))

    def close(self) -> None:
        """Leave: what it holds goes to others."""
        handle = self._handle
        if handle is not None and self._over is None:
            self._machine.do(lambda: self._machine.engine.unsubscribe(handle))
            self._here.clear()
            self.dismissed(Ended("the subscription was closed"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # ---- as a Receiver

    def deliver(self, delivery: Delivery) -> None:
        """Keep these until they are taken. What lies here from an attempt before is worth nothing any more."""
        attempts = delivery.attempts or [1] * len(delivery.codes)
        fresh = [
            Message(
                self,
                code,
                delivery.topic,
                message.data,
                create_time=message.created / 1000,
                attempt=attempt,
                key=message.key,
                headers={} if message.headers is None else json.loads(message.headers),
            )
            for message, code, attempt in zip(delivery.messages, delivery.codes, attempts, strict=True)
        ]
        again = {message.code for message in fresh if message.attempt > 1}
        with self._lock:
            if again:
                self._here = deque(message for message in self._here if message.code not in again)
            self._here.extend(fresh)
            self._wake()

    def dismissed(self, reason: Exception) -> None:
        """Nothing comes any more."""
        with self._lock:
            self._over = reason
            self._wake()
