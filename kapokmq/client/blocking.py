"""The client that blocks, and that threads may share. It is the asyncio client, in a thread of its own.

with connect("ws://127.0.0.1:8011", key="test") as mq:
    mq.publish("orders", {"id": 17})
    for message in mq.subscribe("orders", group="billing"):
        message.ack()
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any, Self

from kapokmq.client import aio
from kapokmq.client.base import BATCH, UNDER_WAY, Progress, one
from kapokmq.client.loop_thread import LoopThread
from kapokmq.client.options import Options, addresses
from kapokmq.client.subscription import TOUCH_EVERY, settle, terms
from kapokmq.core.client.errors import Closed
from kapokmq.core.client.frames import Start
from kapokmq.core.client.inbox import Terms
from kapokmq.core.client.message import Message, Receipt, written

__all__ = ["Client", "Subscription", "connect"]

Handler = Callable[[Message], Any]
_log = logging.getLogger("kapokmq.client")


def connect(url: str | Sequence[str], **options: Any) -> "Client":
    """A client of the broker at `ws://host:port` or `wss://…`; of several, the first that is there, then the next.

    Close it, or use it in `with`. The options are those of `kapokmq.client.Options`. Raises WrongKey, Untrusted (TLS)
    and Unreachable; ValueError for an address that is none.
    """
    return Client(addresses(url), Options(**options))


class Subscription:
    """Messages as they come: iterate it, or `get`. Threads may share it."""

    def __init__(self, loop: LoopThread, inner: aio.Subscription) -> None:
        self._loop = loop
        self._inner = inner
        self.inbox = inner.inbox

    def get(self, timeout: float | None = None) -> Message:
        """The next message. Raises TimeoutError after so many seconds, Closed at the end, and what the broker said."""
        while True:
            message = self.get_nowait()
            if message is not None:
                return message
            self._loop.call(self._inner.arrival(), timeout)

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
        self._loop.call(self._inner.close())

    def set_credit(self, credit: int) -> None:
        """Let it hold so many messages unacknowledged, 0 to 100,000; 0 pauses it."""
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


class Client:
    """A client that threads may share. Made by `connect`."""

    def __init__(self, urls: Sequence[str], options: Options) -> None:
        self._options = options
        self._workers: list[tuple[threading.Thread, Subscription]] = []
        self._closing = threading.Lock()
        self._inner = self._made(urls, options)
        self._loop = LoopThread()
        try:
            self._loop.call(self._opened())
        except BaseException:
            self._loop.stop()
            raise

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
        with self._closing:
            if self._loop.stopped:
                return
            for _, subscription in self._workers:
                subscription.stop()
            for thread, _ in self._workers:
                if thread is not threading.current_thread():
                    thread.join(self._options.linger)
            self._loop.call(self._inner.close())
            self._loop.stop()

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
        return self._loop.call(self._inner.publish_written(written(topic, messages, durable=durable)), timeout)

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
                    confirmed += len(future.result().codes)
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
        return Subscription(self._loop, self._loop.call(self._inner.subscribe_on(topic, wanted)))

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

        def decorated(handler: Handler) -> Handler:
            wanted = terms(group, credit, start, touch_every=touch_every, handled=True)
            subscription = self._subscribed(topic, wanted)
            for _ in range(concurrency):
                thread = threading.Thread(target=self._handle, args=(subscription, handler), daemon=True)
                self._workers.append((thread, subscription))
                thread.start()
            return handler

        return decorated

    def _handle(self, subscription: Subscription, handler: Handler) -> None:
        for message in subscription:
            failure = None
            try:
                handler(message)
            except Exception as error:  # noqa: BLE001 -- whatever users do
                failure = error
                _log.exception("the handler of %s failed", message.topic)
            settle(message, subscription.inbox.in_hand, failure)

    def run(self) -> None:
        """Wait while handlers run."""
        for thread, _ in self._workers:
            thread.join()
