"""The client for Twisted: a service.

mq = connect("ws://127.0.0.1:8011", key="test")
mq.startService()
mq.publish("orders", {"id": 17}).addCallback(print)
"""

from asyncio import CancelledError as Cancelled
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, Self, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as Late
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from kapokmq.client.base import BATCH, BaseClient, Progress, one
from kapokmq.client.options import Options, addresses
from kapokmq.client.subscription import TOUCH_EVERY, BaseSubscription, check_concurrency, settle, terms
from kapokmq.client.tx_link import Link, Promise
from kapokmq.core.client.errors import Closed, Unreachable
from kapokmq.core.client.frames import Start
from kapokmq.core.client.inbox import Inbox
from kapokmq.core.client.message import Message, Publish, Receipt, written

__all__ = ["Client", "Subscription", "connect"]

T = TypeVar("T")
Handler = Callable[[Message], Any]


def connect(url: str | Sequence[str], reactor: Any = None, **options: Any) -> "Client":
    """A client of the broker at `ws://host:port` or `wss://…`; of several, the first that is there, then the next.

    It is a service that was not started. The options are those of `kapokmq.client.Options`, except for `ssl`. Raises
    ValueError for an address that is none.
    """
    if reactor is None:
        from twisted.internet import reactor  # noqa: PLC0415 -- not before somebody wants that one
    return Client(reactor, addresses(url), Options(**options))


def _run(work: Coroutine[Any, Any, T]) -> "Deferred[T]":
    return Deferred.fromCoroutine(work)


class Subscription(BaseSubscription):
    """Messages as they come: `get`, or `async for` in a coroutine."""

    def started(self) -> "Deferred[None]":
        """Fires once the broker has it; with Refused if it won't."""
        return _run(self._started())

    def get(self) -> "Deferred[Message]":
        """The next message. Fails with Closed at the end, and with what the broker said where that ended it."""
        return _run(self._next())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self._next()
        except Closed:
            raise StopAsyncIteration from None

    def close(self) -> "Deferred[None]":
        """Want no more; what was acknowledged is told before. What was not goes to others."""
        self._owner.unsubscribe(self.inbox)
        return _run(self._ended())


class Client(BaseClient, Service):
    """A client as a service: it connects when it is started, and is closed when it is stopped, once. By `connect`."""

    _log = Logger()

    def __init__(self, reactor: Any, urls: Sequence[str], options: Options) -> None:
        if options.ssl is not None:
            raise ValueError("ssl: is not for Twisted, which has contexts of its own; use ca")
        super().__init__(options)
        self._reactor = reactor
        self._link = Link(reactor, urls, options, self)
        self._first = Promise()
        self._running: Deferred[None] | None = None
        self._handlers: list[tuple[Deferred[None], Subscription]] = []

    # ------------------------------------------------------------------------------------ starting, stopping

    def startService(self) -> None:
        """Connect."""
        super().startService()
        if self._running is None:
            self._running = _run(self._link.run())
            self._running.addErrback(self._broken)

    def _broken(self, failure: Any) -> None:
        self.broken(failure.value)

    def when_connected(self) -> "Deferred[None]":
        """Fires once the broker has welcomed us; with WrongKey, Untrusted (TLS) or Unreachable if that won't be."""
        return _run(self._connected())

    async def _connected(self) -> None:
        patience = self._options.patience
        waiting = _run(self._wait_for(self._first))
        waiting.addTimeout(patience, self._reactor)
        try:
            await waiting
        except Late:
            self.end(Unreachable(f"within {patience:g} s: {self._link.reason}"))
            raise self._over or Closed("was closed") from None

    @staticmethod
    async def _wait_for(promise: Promise) -> None:
        await promise

    def stopService(self) -> "Deferred[None]":
        """Wait up to `linger` seconds for handlers and answers, and end. Whoever waits for more gets Closed."""
        super().stopService()
        return _run(self._stopped())

    async def _stopped(self) -> None:
        if self._over is None:
            over = Promise()
            _run(self._done()).addBoth(over.settle)
            timer = self._reactor.callLater(self._options.linger, self._too_late, over)
            with suppress(CancelledError):  # so it is where a handler stops us, and waits for that
                await over
            if timer.active():
                timer.cancel()
        self.end(Closed("the client was closed"))
        if self._running is not None:
            await self._running

    def _too_late(self, over: Promise) -> None:
        """Cancel what handlers do, and wait no longer."""
        self._log.warn("closed with {what}", what=self._undone())
        self.end(Closed("the client was closed"))
        for worker, _ in self._handlers:
            worker.cancel()
        over.settle(None)

    async def _done(self) -> None:
        for _, subscription in self._handlers:
            subscription.stop()
        for worker, _ in self._handlers:
            await worker
        await self._settled()

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
    ) -> "Deferred[Receipt]":
        """Publish a text, or an object as JSON; fires when it is stored. The options are those of `Outgoing`.

        Waits as long as there is no broker, and while as much is unconfirmed as `bounds` says. Cancelled, it is taken
        back if it was not sent. Fails with Refused (of which TryLater may be tried again) and Closed. Raises ValueError
        and TypeError for what is no JSON. `durable`: on disk, where the node promises less.
        """
        asked = one(topic, data, durable=durable, delay=delay, at=at, expire=expire, key=key, headers=headers)
        return _run(self._publish(asked))

    def publish_batch(self, topic: str, messages: Sequence[Any], *, durable: bool = False) -> "Deferred[Receipt]":
        """Publish texts, objects and `Outgoing`s, all or none, up to 5,000. Fails as `publish` does."""
        return _run(self._publish(written(topic, messages, durable=durable)))

    async def _publish(self, publish: Publish) -> Receipt:
        return await self.answered(self.post(publish))

    def publish_many(
        self,
        topic: str,
        messages: Iterable[Any],
        *,
        batch: int = BATCH,
        progress: Progress | None = None,
        durable: bool = False,
    ) -> "Deferred[int]":
        """Publish any number, in batches of which several are under way. Gives how many were confirmed.

        `progress` is called with how many were so far. Fails as `publish` does: then earlier batches are stored, and
        later ones may be.
        """
        return _run(self._publish_many(topic, messages, batch, progress, durable=durable))

    def flush(self) -> "Deferred[None]":
        """Fires once all publishes, acks and nacks were answered."""
        return _run(self._settled())

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
        """Messages of a topic or pattern; docs/client.md has what the options mean."""
        wanted = terms(group, credit, start, acks=acks, touch_every=touch_every)
        return self._subscribed(self._inbox(topic, wanted))

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
        """Decorate a function that is given each message; so many run at a time, from now on.

        It may be a coroutine function, or return a Deferred. A message is acknowledged when that is done, and nacked
        when it fails. While it runs the lease is renewed.
        """
        check_concurrency(concurrency)

        def decorated(handler: Handler) -> Handler:
            wanted = terms(group, credit, start, touch_every=touch_every, handled=True)
            subscription = self._subscribed(self._inbox(topic, wanted))
            for _ in range(concurrency):
                worker = _run(self._handle(subscription, handler))
                worker.addErrback(lambda failure: self._log.failure("a handler has ended", failure))
                self._handlers.append((worker, subscription))
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
                if not isinstance(error, (Exception, Cancelled)):
                    raise
                if self._over is None:  # whatever users do; or they are cancelled, since we are over
                    self._log.failure("the handler of {topic} failed", topic=message.topic)
            finally:
                settle(message, subscription.inbox.in_hand, failure)

    # ----------------------------------------------------------------------------------------- the reactor

    def promise(self) -> Promise:
        """Something to be awaited."""
        return Promise()

    def keep(self, promise: Promise, value: Any = None) -> None:
        """It is so."""
        promise.settle(value)

    def break_(self, promise: Promise, error: Exception) -> None:
        """It won't be."""
        promise.settle(None, error)

    def _say(self, text: str, *, loud: bool = False) -> None:
        self._log.emit(LogLevel.warn if loud else LogLevel.info, "{text}", text=text)

    def _fault(self, error: Exception) -> None:
        self._log.failure("the client's link is broken", Failure(error))

    def _now(self) -> float:
        seconds: float = self._reactor.seconds()
        return seconds

    def _wake(self) -> None:
        self._link.wake()

    def _hang_up(self, *, for_good: bool) -> None:
        self._link.hang_up(for_good=for_good)
