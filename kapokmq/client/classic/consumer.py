"""A classic consumer: messages in, acks out. Its connection lives in a loop, its callers in threads of theirs."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable

from kapokmq.client.classic.bell import Bell
from kapokmq.client.classic.config import Consumer
from kapokmq.client.classic.link import Down, Link
from kapokmq.client.classic.producer import Ways
from kapokmq.core.client.classic.inbox import ClassicInbox
from kapokmq.core.client.classic.session import Message, read_push
from kapokmq.core.client.errors import Closed
from kapokmq.core.errors import BadMessage

_LINGER = 1.0  # seconds that acks may take at the end
_log = logging.getLogger("kapokmq.client")


class Receiving:
    """Of one broker. What is no coroutine, under "for callers", is called from any thread."""

    def __init__(self, ways: Ways, consumer: Consumer) -> None:
        self._ways = ways
        self._consumer = consumer
        self._inbox = ClassicInbox()
        self._one_at_a_time = threading.Lock()  # in the inbox
        self._bell = Bell()
        self._writing = asyncio.Lock()
        self._telling: asyncio.Task[None] | None = None
        self._closed = False

    async def start(self) -> None:
        """Connect. Raises WrongKey, Untrusted, Unreachable, and is closed then."""
        self._link = Link(
            self._consumer.url,
            self._consumer.SecretKey,
            self,
            tls=self._ways.tls,
            check_time=self._consumer.CheckTime,
            patience=self._ways.patience,
            stubborn=False,
        )
        try:
            await self._link.first()
        except BaseException:
            await self.close()
            raise

    # ---------------------------------------------------------------------------------------------- for callers

    @property
    def live(self) -> bool:
        """Whether there is a connection."""
        return self._link.live

    def take(self) -> tuple[Message | None, bool]:
        """The next message, if there is one; and whether that made room: then `ring` must be called in the loop."""
        with self._one_at_a_time:
            full = self._inbox.full
            return self._inbox.take(int(time.time())), full

    def ring(self) -> None:
        """Read on."""
        self._bell.ring()

    async def receive(self, seconds: float | None) -> Message:
        """The next message. Raises TimeoutError, Closed, WrongKey. Who is late has not taken one."""
        async with asyncio.timeout(seconds):
            while True:
                seen = self._bell.count
                message, full = self.take()
                if full:
                    self._bell.ring()
                if message is not None:
                    return message
                self.check()
                await self._bell.wait(seen)

    def ack(self, code: str) -> None:
        """It is done. To be called in the loop; it is told at once, or over the next connection."""
        with self._one_at_a_time:
            self._inbox.ack(code)
        self._tell_soon()

    async def flush(self) -> None:
        """Tell all acks, if they can be told soon."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                await self._tell()

    async def close(self) -> None:
        """Tell all acks, and end."""
        await self.flush()
        self._closed = True
        self._bell.ring()
        if self._telling is not None:
            self._telling.cancel()
        await self._link.close()

    def check(self) -> None:
        """Raise Closed, WrongKey."""
        if self._closed:
            raise Closed("the consumer was closed")
        if self._link.wrong_key and self._link.error is not None:
            raise self._link.error

    # ------------------------------------------------------------------------------------------------ for its link

    def opened(self, link: Link) -> None:
        """What could not be told goes first."""
        self._tell_soon()

    def heard(self, link: Link, frame: bytes) -> Awaitable[None] | None:
        """A push."""
        try:
            message = read_push(frame)
        except BadMessage as error:
            _log.error("%s: %s", link.url, error)  # it is not acknowledged, and the next may be better
            return None
        with self._one_at_a_time:
            wanted, full = self._inbox.pushed(message), self._inbox.full
        if wanted:
            self._bell.ring()
            return self._room() if full else None
        self._tell_soon()
        return None

    def ended(self, link: Link, code: int | None, reason: str) -> None:
        """What waits may come again."""
        with self._one_at_a_time:
            self._inbox.lose()
        self._bell.ring()

    def failed(self, link: Link) -> None:
        """Who waits may have to know."""
        self._bell.ring()

    async def _room(self) -> None:
        """Read no more until somebody has taken some."""
        while True:
            seen = self._bell.count
            if not self._inbox.full:
                return
            await self._bell.wait(seen)

    def _tell_soon(self) -> None:
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """Write the acks that there are, if they can be written."""
        async with self._writing:
            while True:
                with self._one_at_a_time:
                    code = self._inbox.next_ack()
                if code is None:
                    return
                try:
                    await self._link.send(code.encode())
                except Down:
                    with self._one_at_a_time:
                        self._inbox.untold(code)
                    return
