"""The client that blocks, and that threads may share. It is the asyncio client, in a thread of its own.

with connect("ws://127.0.0.1:8011", key="test") as mq:
    mq.publish("orders", {"id": 17})
    for message in mq.subscribe("orders", group="billing"):
        message.ack()
"""

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any, Self

from kapokmq.client import aio
from kapokmq.client.base import BATCH, UNDER_WAY, Progress, check_many, one
from kapokmq.client.blocking_subscription import Subscription
from kapokmq.client.loop_thread import LoopThread
from kapokmq.client.options import Options, addresses
from kapokmq.client.subscription import TOUCH_EVERY, check_concurrency, terms
from kapokmq.client.telling import undone
from kapokmq.client.workers import Handler, Workers, check_handler
from kapokmq.core.client.errors import ClientError, Closed
from kapokmq.core.client.frames import Start
from kapokmq.core.client.inbox import Terms
from kapokmq.core.client.message import Receipt, written

__all__ = ["Client", "Subscription", "connect"]

_log = logging.getLogger("kapokmq.client")


def connect(url: str | Sequence[str], **options: Any) -> "Client":
    """A client of the broker at `ws://host:port` or `wss://…`; of several, the first that is there, then the next.

    Close it, or use it in `with`. The options are those of `kapokmq.client.Options`. Raises WrongKey, Untrusted (TLS)
    and Unreachable; ValueError for an address that is none.
    """
    return Client(addresses(url), Options(**options))


class Client:
    """A client that threads may share. Made by `connect`."""

    def __init__(self, urls: Sequence[str], options: Options) -> None:
        self._options = options
        self._workers = Workers()
        self._closing = threading.Lock()
        self._inner = self._made(urls, options)
        self._loop = LoopThread()
        try:
            self._loop.call(self._opened())
        except BaseException:
            self._loop.stop()
            raise
        atexit.register(self._at_exit)

    def _made(self, urls: Sequence[str], options: Options) -> aio.Client:
        """What does the work."""
        return aio.Client(urls, options)

    async def _opened(self) -> None:
        await self._inner

    # ------------------------------------------------------------------------------------ opening, closing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait up to `linger` seconds for handlers and answers, and end. Whoever waits for more gets Closed."""
        if not self._closing.acquire(blocking=not self._workers.here):
            return  # who closes it waits for this handler
        try:
            if not self._loop.stopped:
                self._settle("closed")
                self._loop.call(self._ended())
                self._loop.stop()
                atexit.unregister(self._at_exit)
        finally:
            self._closing.release()

    async def _ended(self) -> None:
        self._inner.end(Closed("the client was closed"))
        await self._inner.close()

    def _settle(self, what: str) -> None:
        """Let handlers finish what they have, and wait for answers, `linger` seconds for all."""
        until = time.monotonic() + self._options.linger
        late, answered = self._workers.stop(self._options.linger), True
        try:
            self.flush(max(0.0, until - time.monotonic()))
        except TimeoutError:
            answered = False
        except ClientError:
            return  # it is over already, and that was told
        if late or not answered:
            _log.warning("%s with %s", what, undone(self.pending, late))

    def _at_exit(self) -> None:
        """Nobody closed it: what was done is told at least. Threads that consume may go on to the very end."""
        if not self._loop.stopped:
            self._settle("the program ends")

    # ------------------------------------------------------------------------------------------ publishing

    def publish(  # noqa: PLR0913 -- as many as a message has options
        self,
        topic: str,
        data: Any,
        *,
        delay: float | None = None,
        at: float | None = None,
        expire: float | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        durable: bool = False,
        timeout: float | None = None,
    ) -> Receipt:
        """Publish a text, or an object as JSON, and wait until it is stored. The options are those of `Outgoing`.

        Waits as long as there is no broker, and while as much is unconfirmed as `bounds` says: for ever, or up to
        `timeout` seconds. After TimeoutError it is taken back if it was not sent; if it was, it may be stored. Raises
        Refused (of which TryLater may be tried again), Closed, and ValueError or TypeError for what is no JSON.
        `durable`: on disk, where the node promises less.
        """
        asked = one(topic, data, durable=durable, delay=delay, at=at, expire=expire, key=key, headers=headers)
        return self._loop.call(self._inner.publish_written(asked), timeout)

    def publish_batch(
        self, topic: str, messages: Sequence[Any], *, durable: bool = False, timeout: float | None = None
    ) -> Receipt:
        """Publish texts, objects and `Outgoing`s, all or none, up to 5,000. Raises what `publish` does."""
        asked = written(topic, messages, durable=durable)
        return self._loop.call(self._inner.publish_written(asked), timeout)

    def publish_many(
        self,
        topic: str,
        messages: Iterable[Any],
        *,
        batch: int = BATCH,
        progress: Progress | None = None,
        durable: bool = False,
    ) -> int:
        """Publish any number, in batches of which several are under way. Gives how many were confirmed.

        `progress` is called with how many were so far. Raises what `publish` does: then earlier batches are stored, and
        later ones may be.
        """
        check_many(messages, batch)
        under_way: deque[tuple[Future[Receipt], int]] = deque()
        confirmed, ahead, source = 0, 0, iter(messages)
        try:
            while True:
                some = list(islice(source, batch))
                if some:
                    asked = written(topic, some, durable=durable)
                    under_way.append((self._loop.start(self._inner.publish_written(asked)), asked.size))
                    ahead += asked.size
                # It takes a while until the other thread is crowded with what it was given.
                crowded = self._inner.crowded or ahead >= self._options.bounds.size
                if under_way and (not some or crowded or len(under_way) >= UNDER_WAY):
                    future, size = under_way.popleft()
                    confirmed += len(self._loop.result(future).codes)
                    ahead -= size
                    if progress is not None:
                        progress(confirmed)
                elif not some:
                    return confirmed
        finally:
            for future, _ in under_way:
                future.cancel()

    def flush(self, timeout: float | None = None) -> None:
        """Wait until all publishes, acks and nacks were answered. Raises TimeoutError."""
        self._loop.call(self._inner.flush(), timeout)

    @property
    def pending(self) -> int:
        """Messages that were published and neither confirmed nor refused; without those that wait for room."""
        return self._inner.pending

    # ----------------------------------------------------------------------------------------- subscribing

    def subscribe(
        self,
        topic: str,
        *,
        group: str | None = None,
        credit: int | None = None,
        start: Start | None = None,
        acks: bool = True,
        touch_every: float | None = TOUCH_EVERY,
    ) -> Subscription:
        """Messages of a topic or pattern, once the broker has it; docs/client.md has what the options mean.

        Raises Refused, and Closed.
        """
        return self._subscribed(topic, terms(group, credit, start, acks=acks, touch_every=touch_every))

    def _subscribed(self, topic: str, wanted: Terms) -> Subscription:
        return Subscription(self._loop, self._inner, self._loop.call(self._inner.subscribe_on(topic, wanted)))

    def handler(
        self,
        topic: str,
        *,
        group: str | None = None,
        concurrency: int = 1,
        credit: int | None = None,
        start: Start | None = None,
        touch_every: float | None = TOUCH_EVERY,
    ) -> Callable[[Handler], Handler]:
        """Decorate a function that is given each message, by so many threads at a time, from now on.

        A message is acknowledged when it returns, and nacked when it raises. While it runs the lease is renewed.
        """
        check_concurrency(concurrency)

        def decorated(handler: Handler) -> Handler:
            check_handler(handler)
            wanted = terms(group, credit, start, touch_every=touch_every, handled=True)
            self._workers.start(self._subscribed(topic, wanted), handler, concurrency)
            return handler

        return decorated

    def run(self) -> None:
        """Wait while handlers run. Raises what ended one."""
        self._workers.wait()
