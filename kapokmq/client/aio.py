"""The client for asyncio.

async with connect("ws://127.0.0.1:8011", key="test") as mq:
    await mq.publish("orders", {"id": 17})
    async for message in mq.subscribe("orders", group="billing"):
        message.ack()
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from kapokmq.client.aio_link import Link
from kapokmq.client.aio_subscription import Subscription
from kapokmq.client.base import BATCH, BaseClient, Progress, one
from kapokmq.client.options import Options, addresses
from kapokmq.client.subscription import TOUCH_EVERY, check_concurrency, settle, terms
from kapokmq.core.client.errors import ClientError, Closed, Unreachable
from kapokmq.core.client.frames import Start
from kapokmq.core.client.inbox import Inbox, Terms
from kapokmq.core.client.message import Message, Publish, Receipt, written

__all__ = ["Client", "Subscription", "connect"]

Handler = Callable[[Message], Any]
_CANCELLING = 1.0  # seconds that handlers may take to be cancelled
_log = logging.getLogger("kapokmq.client")


def connect(url: str | Sequence[str], **options: Any) -> "Client":
    """A client of the broker at `ws://host:port` or `wss://…`; of several, the first that is there, then the next.

    To be awaited, or used with `async with`, which closes it. The options are those of `kapokmq.client.Options`.
    Raises WrongKey, Untrusted (TLS) and Unreachable; ValueError for an address that is none.
    """
    return Client(addresses(url), Options(**options))


class Client(BaseClient):
    """A client in one asyncio loop. Made by `connect`."""

    def __init__(self, urls: Sequence[str], options: Options) -> None:
        super().__init__(options)
        self._link = Link(urls, options, self)
        self._running: asyncio.Task[None] | None = None
        self._handlers: list[asyncio.Task[None]] = []
        self._handled_by: list[Subscription] = []

    # ------------------------------------------------------------------------------------ opening, closing

    async def _opened(self) -> Self:
        if self._running is not None:  # somebody else opens it, or has
            await asyncio.shield(self._first)
            if self._over is not None:
                raise self._over
            return self
        self._first = self.promise()
        self._running = asyncio.create_task(self._link.run())
        self._running.add_done_callback(self._ran)
        try:
            async with asyncio.timeout(self._options.patience):
                await asyncio.shield(self._first)
        except TimeoutError as late:
            await self._closed(Unreachable(f"within {self._options.patience:g} s: {self._link.reason}"))
            raise self._over or Closed("was closed") from late
        except BaseException as error:
            await self._closed(Closed(f"was not opened: {error}"))
            raise
        return self

    def _ran(self, running: asyncio.Task[None]) -> None:
        error = None if running.cancelled() else running.exception()
        if isinstance(error, Exception):
            self.broken(error)

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._opened().__await__()

    async def __aenter__(self) -> Self:
        return await self._opened()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Wait up to `linger` seconds for handlers and answers, and end. Whoever waits for more gets Closed."""
        if self._over is None:
            try:
                async with asyncio.timeout(self._options.linger):
                    await self._handled()
                    await self._settled()
            except TimeoutError:
                _log.warning("closed with %s", self._undone())
            except ClientError:  # it is over meanwhile, and that was told
                pass
        for task in self._handlers:
            if task is not asyncio.current_task():
                task.cancel()
        await self._closed(Closed("the client was closed"))

    async def _handled(self) -> None:
        """Let handlers finish what they have."""
        for subscription in self._handled_by:
            subscription.stop()
        await self._wait_for(self._handlers)

    @staticmethod
    async def _wait_for(tasks: Iterable[asyncio.Task[None]], limit: float | None = None) -> None:
        """Wait until they have ended, except for the one that closes the client."""
        others = [task for task in tasks if task is not asyncio.current_task()]
        if others:
            _, late = await asyncio.wait(others, timeout=limit)
            if late:
                _log.warning("closed, and %d handlers go on although they were cancelled", len(late))

    async def _closed(self, error: ClientError) -> None:
        self.end(error)
        if self._running is not None:
            await self._wait_for([self._running])
            await self._wait_for(self._handlers, _CANCELLING)

    # ------------------------------------------------------------------------------------------ publishing

    async def publish(  # noqa: PLR0913 -- as many as a message has options
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
    ) -> Receipt:
        """Publish a text, or an object as JSON, and wait until it is stored. The options are those of `Outgoing`.

        Waits as long as there is no broker, and while as much is unconfirmed as `bounds` says. Who is cancelled takes
        it back if it was not sent. Raises Refused (of which TryLater may be tried again), Closed, and ValueError or
        TypeError for what is no JSON. `durable`: on disk, where the node promises less.
        """
        asked = one(topic, data, durable=durable, delay=delay, at=at, expire=expire, key=key, headers=headers)
        return await self.publish_written(asked)

    async def publish_written(self, publish: Publish) -> Receipt:
        """Publish what was checked and written already."""
        return await self.answered(self.post(publish))

    async def publish_batch(self, topic: str, messages: Sequence[Any], *, durable: bool = False) -> Receipt:
        """Publish texts, objects and `Outgoing`s, all or none, up to 5,000. Raises what `publish` does."""
        return await self.publish_written(written(topic, messages, durable=durable))

    async def publish_many(
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
        return await self._publish_many(topic, messages, batch, progress, durable=durable)

    async def flush(self) -> None:
        """Wait until all publishes, acks and nacks were answered."""
        await self._settled()

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
        """Messages of a topic or pattern; docs/client.md has what the options mean. Iterate it, or await it first."""
        wanted = terms(group, credit, start, acks=acks, touch_every=touch_every)
        return self._subscribed(self._inbox(topic, wanted))

    async def subscribe_on(self, topic: str, wanted: Terms) -> Subscription:
        """Likewise, once the broker has it."""
        return await self._subscribed(self._inbox(topic, wanted))

    def _subscribed(self, inbox: Inbox) -> Subscription:
        subscription = Subscription(self, inbox)
        self._open(subscription)
        return subscription

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
        """Decorate a function that is given each message, a coroutine function as a rule; so many run at a time.

        A message is acknowledged when it returns, and nacked when it raises. While it runs the lease is renewed. One
        that is no coroutine function must be quick: it is called in the loop.
        """
        check_concurrency(concurrency)

        def decorated(handler: Handler) -> Handler:
            wanted = terms(group, credit, start, touch_every=touch_every, handled=True)
            subscription = self._subscribed(self._inbox(topic, wanted))
            self._handled_by.append(subscription)
            for _ in range(concurrency):
                self._handlers.append(asyncio.create_task(self._handle(subscription, handler)))
            return handler

        return decorated

    async def _handle(self, subscription: Subscription, handler: Handler) -> None:
        async for message in subscription:
            failure: BaseException | None = None
            try:
                result = handler(message)
                if isinstance(result, Awaitable):
                    await result
            except BaseException as error:
                failure = error
                if not isinstance(error, (Exception, asyncio.CancelledError)) or _cancelled():
                    raise
                _log.exception("the handler of %s failed", message.topic)  # whatever users do
            finally:
                settle(message, subscription.inbox.in_hand, failure)

    async def run(self) -> None:
        """Wait while handlers run. Raises what ended one."""
        if self._handlers:
            ended, _ = await asyncio.wait(self._handlers, return_when=asyncio.FIRST_EXCEPTION)
            for task in ended:
                if not task.cancelled():
                    task.result()

    # -------------------------------------------------------------------------------------------- the loop

    def promise(self) -> asyncio.Future[Any]:
        """Something to be awaited."""
        return asyncio.get_running_loop().create_future()

    def keep(self, promise: asyncio.Future[Any], value: Any = None) -> None:
        """It is so."""
        if not promise.done():
            promise.set_result(value)

    def break_(self, promise: asyncio.Future[Any], error: Exception) -> None:
        """It won't be."""
        if not promise.done():
            promise.set_exception(error)
            promise.exception()  # nobody has to look

    def _say(self, text: str, *, loud: bool = False) -> None:
        _log.log(logging.WARNING if loud else logging.INFO, "%s", text)

    def _fault(self, error: Exception) -> None:
        _log.error("the client's link is broken", exc_info=error)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _wake(self) -> None:
        self._link.wake()

    def _hang_up(self, *, for_good: bool) -> None:
        self._link.hang_up(for_good=for_good)


def _cancelled() -> bool:
    """Whether this task was, and not only something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
