"""A subscription as all faces have it: who waits for the next message, and what is told of those handed out."""

from collections import deque
from typing import Any, Protocol

from kapokmq.core.client.errors import ClientError, Closed
from kapokmq.core.client.frames import CREDIT, Start
from kapokmq.core.client.inbox import Inbox, Terms
from kapokmq.core.client.message import Message

TOUCH_EVERY = 10.0  # seconds
CREDIT_OF_HANDLERS = 100
LONGEST_REASON = 1000  # characters


class Owner(Protocol):
    """The client, as its subscriptions see it."""

    def promise(self) -> Any:
        """Something to be awaited."""

    def keep(self, promise: Any, value: Any = None) -> None:
        """It is so."""

    def break_(self, promise: Any, error: Exception) -> None:
        """It won't be."""

    def stirred(self, inbox: Inbox) -> None:
        """There is something to be said of its messages."""

    def unsubscribe(self, inbox: Inbox) -> None:
        """Want no more messages."""

    def set_credit(self, inbox: Inbox, credit: int) -> None:
        """Let it hold so many messages."""


class BaseSubscription:
    """Messages of one subscription, as they come, over all connections."""

    def __init__(self, owner: Owner, inbox: Inbox) -> None:
        self._owner = owner
        self._waiters: deque[Any] = deque()
        self._starts = owner.promise()
        self._ends: list[Any] = []
        self._over = False
        self._error: ClientError | None = None
        self.stopped = False
        self.inbox = inbox

    async def _started(self) -> None:
        """Wait until the broker has it. Who is cancelled wants it no more."""
        try:
            await self._starts
        except BaseException:
            if not self._over:
                self._owner.unsubscribe(self.inbox)
            raise

    def get_nowait(self) -> Message | None:
        """The next message, None if there is none."""
        message = None if self.stopped else self.inbox.next()
        if message is not None:
            message.source = self
            self.taken()
        return message

    def taken(self) -> None:
        """One was handed out: without acks more may come."""
        if not self.inbox.acks:
            self._owner.stirred(self.inbox)

    async def _next(self) -> Message:
        """The next message. Raises Closed at the end, and what the broker said where that ended it."""
        while True:
            message = self.get_nowait()
            if message is not None:
                return message
            await self.arrival()

    async def arrival(self) -> None:
        """Wait until there may be a message. Raises what `_next` does."""
        if self.inbox.messages and not self.stopped:
            return
        if self._over or self.stopped:
            raise self._error or Closed("the subscription is over")
        waiter = self._owner.promise()
        self._waiters.append(waiter)
        try:
            await waiter
        except BaseException:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            self.arrived()  # what it was woken for is somebody else's
            raise

    def stop(self) -> None:
        """Hand out no more, while what is in hand can still be settled."""
        self.stopped = True
        self._wake_all()

    def _wake_all(self) -> None:
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            self._owner.keep(waiter)

    async def _ended(self) -> None:
        """Wait for the end."""
        if not self._over:
            promise = self._owner.promise()
            self._ends.append(promise)
            await promise

    def set_credit(self, credit: int) -> None:
        """Let it hold so many messages unacknowledged, 0 to 100,000; 0 pauses it."""
        self._owner.set_credit(self.inbox, credit)

    # ------------------------------------------------------------------------------------- from the client

    def joined(self) -> None:
        """The broker has it, perhaps again."""
        self._owner.keep(self._starts)

    def arrived(self) -> None:
        """There may be messages."""
        for _ in range(min(len(self._waiters), len(self.inbox.messages))):
            self._owner.keep(self._waiters.popleft())

    def ended(self, error: ClientError | None) -> None:
        """There are no more."""
        self._over, self._error = True, error
        self._owner.break_(self._starts, error or Closed("the subscription is over"))
        self._wake_all()
        for promise in self._ends:
            self._owner.keep(promise)

    # --------------------------------------------------------------------------------------- from messages

    def ack(self, code: str) -> None:
        """It is done."""
        self.inbox.ack(code)
        self._owner.stirred(self.inbox)

    def nack(self, code: str, delay: float | None, reason: str) -> None:
        """It was not done."""
        self.inbox.nack(code, delay, reason[:LONGEST_REASON])
        self._owner.stirred(self.inbox)

    def touch(self, code: str) -> None:
        """It takes longer."""
        self.inbox.touch(code)
        self._owner.stirred(self.inbox)


def settle(message: Message, in_hand: set[str], error: BaseException | None) -> None:
    """Ack what a handler has done, nack what it has not; unless it did either itself."""
    if message.code not in in_hand:
        return
    if error is None:
        message.ack()
    else:
        message.nack(reason=_reason(error))


def _reason(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return f"{name}: {error}"
    except Exception:  # noqa: BLE001 -- whatever users do: who can't say why has failed all the same
        return name


def check_concurrency(concurrency: int) -> None:
    """Raise ValueError for a number of workers that would leave messages to nobody."""
    if concurrency < 1:
        raise ValueError(f"concurrency: {concurrency!r} is less than 1")


def terms(
    group: str | None,
    credit: int | None,
    start: Start | None,
    *,
    acks: bool = True,
    touch_every: float | None = TOUCH_EVERY,
    handled: bool = False,
) -> Terms:
    """What a subscription should be like, with what is usual for what is left out."""
    if credit is None:
        credit = CREDIT_OF_HANDLERS if handled else CREDIT
    return Terms(group, credit, start, acks, touch_every, handled)
