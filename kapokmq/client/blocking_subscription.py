"""Messages as they come, for threads that wait for them."""

import contextlib
import time
import weakref
from collections.abc import Iterator
from typing import Self

from kapokmq.client import aio
from kapokmq.client.loop_thread import LoopThread
from kapokmq.core.client.checks import check_credit
from kapokmq.core.client.errors import Closed
from kapokmq.core.client.message import Message


class Subscription:
    """Messages as they come: iterate it, or `get`. Threads may share it.

    It ends when nobody has it or a message of it any more: nobody could take what waits here, or settle anything.
    """

    def __init__(self, loop: LoopThread, owner: aio.Client, inner: aio.Subscription) -> None:
        self._loop = loop
        self._inner = inner
        self.inbox = inner.inbox
        self._dropped = weakref.finalize(self, loop.soon, owner.unsubscribe, inner.inbox)
        self._dropped.atexit = False

    def get(self, timeout: float | None = None) -> Message:
        """The next message. Raises TimeoutError after so many seconds, Closed at the end, and what the broker said."""
        until = None if timeout is None else time.monotonic() + timeout
        while (message := self.get_nowait()) is None:
            left = None if until is None else max(0.0, until - time.monotonic())
            self._loop.call(self._inner.arrival(), left)
        return message

    def get_nowait(self) -> Message | None:
        """The next message, None if there is none."""
        message = None if self._inner.stopped else self.inbox.next()
        if message is not None:
            message.source = self
            if not self.inbox.acks:
                self._loop.soon(self._inner.taken)
        return message

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        try:
            return self.get()
        except Closed:
            raise StopIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop(self) -> None:
        """Hand out no more, while what is in hand can still be settled."""
        self._loop.soon(self._inner.stop)

    def close(self) -> None:
        """Want no more; what was acknowledged is told before. What was not goes to others."""
        self._dropped.detach()
        with contextlib.suppress(Closed):  # with the client: then it is over already
            self._loop.call(self._inner.close())

    def set_credit(self, credit: int) -> None:
        """Let it hold so many messages unacknowledged, 0 to 100,000; 0 pauses it. Raises ValueError, TypeError."""
        check_credit(credit)
        self._loop.soon(self._inner.set_credit, credit)

    def ack(self, code: str) -> None:
        """It is done."""
        self.inbox.in_hand.discard(code)  # at once: `settle` looks there when the handler returns
        self._loop.soon(self._inner.ack, code)

    def nack(self, code: str, delay: float | None, reason: str) -> None:
        """It was not done."""
        self.inbox.in_hand.discard(code)  # likewise, or it would be acknowledged as well
        self._loop.soon(self._inner.nack, code, delay, reason)

    def touch(self, code: str) -> None:
        """It takes longer."""
        self._loop.soon(self._inner.touch, code)
