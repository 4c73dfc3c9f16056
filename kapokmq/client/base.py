"""What all faces have in common: who waits for which answer. Promises are asyncio's futures or Twisted's Deferreds.

    publish ─▶ [waits for room] ─▶ session ─▶ frames      events ─▶ promises kept, messages handed out

The `async def`s here await nothing but promises, so both loops can run them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from kapokmq.client.asked import Asked
from kapokmq.client.endurance import Endurance, caused
from kapokmq.client.face import Face
from kapokmq.client.options import Options, session_of
from kapokmq.client.subscription import BaseSubscription
from kapokmq.client.telling import State, Telling, undone
from kapokmq.core.client.errors import ClientError, Closed, Unreachable
from kapokmq.core.client.events import (
    Arrived,
    Complaint,
    Confirmed,
    Connected,
    Denied,
    Draining,
    Ended,
    Event,
    Failed,
    Joined,
)
from kapokmq.core.client.inbox import Inbox, Terms
from kapokmq.core.client.message import Publish, Receipt, outgoing, written

Progress = Callable[[int], None]
BATCH = 100
UNDER_WAY = 32  # publishes of a publish_many


class BaseClient(Face):
    """A client without its loop and its socket. Not to be shared between threads."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.session = session_of(options)
        self._answers: dict[int, Asked] = {}
        self._queue: deque[Asked] = deque()  # waits for room
        self._subscriptions: dict[int, BaseSubscription] = {}
        self._flushes: list[Any] = []
        self._first: Any = None  # waits for the first connection
        self._over: ClientError | None = None
        self._endurance = Endurance(options.tries, options.absence)
        self.telling = Telling(self._say, options.on_state)

    # ------------------------------------------------------------------------------------------- publishing

    def post(self, publish: Publish) -> Asked:
        """Want it stored. Raises Refused for what no node takes."""
        if self._over is not None:
            raise self._over
        self.session.check(publish)
        asked = Asked(publish, self.promise())
        self._queue.append(asked)
        self._admit()
        self._wake()
        return asked

    def _admit(self) -> None:
        """Let those in there is room for, in order."""
        while self._queue and (self._queue[0].given_up or self.session.room(self._queue[0].publish)):
            asked = self._queue.popleft()
            if not asked.given_up:
                asked.number = self.session.publish(asked.publish)
                self._answers[asked.number] = asked

    async def answered(self, asked: Asked) -> Receipt:
        """Its answer. Who is cancelled takes it back, if it was not sent."""
        try:
            receipt: Receipt = await asked.promise
        except BaseException:
            self._give_up(asked)
            raise
        return receipt

    def _give_up(self, asked: Asked) -> None:
        asked.given_up = True
        if asked.number is not None and self.session.withdraw(asked.number):
            self._answers.pop(asked.number, None)  # at the end nobody waits any more
        self._admit()

    async def _publish_many(
        self, topic: str, messages: Iterable[Any], batch: int, progress: Progress | None, *, durable: bool
    ) -> int:
        """Publish in batches, several under way. Gives how many messages were confirmed."""
        check_many(messages, batch)
        under_way: deque[Asked] = deque()
        confirmed, source = 0, iter(messages)
        try:
            while True:
                some = list(islice(source, batch))
                if some:
                    under_way.append(self.post(written(topic, some, durable=durable)))
                if under_way and (not some or len(under_way) >= UNDER_WAY or self.crowded):
                    confirmed += len((await self.answered(under_way.popleft())).codes)
                    if progress is not None:
                        progress(confirmed)
                elif not some:
                    return confirmed
        finally:
            for asked in under_way:
                self._give_up(asked)

    # ----------------------------------------------------------------------------------------- subscribing

    def _open(self, subscription: BaseSubscription) -> None:
        """Ask for what it wants."""
        self._subscriptions[subscription.inbox.sub] = subscription
        self._wake()

    def _inbox(self, topic: str, terms: Terms) -> Inbox:
        if self._over is not None:
            raise self._over
        return self.session.subscribe(topic, terms)

    def unsubscribe(self, inbox: Inbox) -> None:
        """Want no more messages."""
        self._happened(self.session.unsubscribe(inbox))

    def set_credit(self, inbox: Inbox, credit: int) -> None:
        """Let it hold so many messages."""
        self.session.set_credit(inbox, credit)
        self._wake()

    def stirred(self, inbox: Inbox) -> None:
        """There is something to be said of its messages."""
        self.session.stir(inbox)
        self._wake()

    # ---------------------------------------------------------------------------------------------- waiting

    @property
    def pending(self) -> int:
        """Messages that were published and neither confirmed nor refused; without those that wait for room."""
        return self.session.pending

    @property
    def crowded(self) -> bool:
        """Whether publishes wait for room: to write more ahead would only take memory."""
        return bool(self._queue)

    def _undone(self) -> str:
        """What is left undone, for people."""
        unconfirmed = self.pending + sum(each.publish.count for each in self._queue)
        in_hand = sum(len(each.inbox.in_hand) for each in self._subscriptions.values() if each.stopped)
        return undone(unconfirmed, in_hand)

    async def _settled(self) -> None:
        """Wait until all publishes, acks and nacks were answered. Raises why they won't be."""
        if self._over is not None:
            raise self._over
        if self._queue or not self.session.settled:
            promise = self.promise()
            self._flushes.append(promise)
            await promise

    # ------------------------------------------------------------------------------------------ the link

    def heard(self, frame: bytes) -> None:
        """Read a frame. Raises BadEncoding."""
        self._happened(self.session.received(frame, self._now()))

    def not_dialled(self, error: Exception) -> None:
        """There never was a connection, and this dial failed as well: it may be the last."""
        if self._endurance.failed():
            self.end(caused(Unreachable(str(error)), error))

    def went_down(self, reason: str) -> float:
        """The connection ended, or there was none. Gives in how many seconds to try again."""
        self._happened(self.session.lost())
        wait = self._endurance.away(self.session.backoff.failed(), self._now())
        if wait is None:
            self.end(Unreachable(f"away for {self._options.absence:g} s: {reason}"))
            return 0.0
        self.telling.away("", State("lost", reason, wait))
        return wait

    def broken(self, error: Exception) -> None:
        """What should never happen is told to whoever waits, too: to dial again would only repeat it."""
        self._fault(error)
        self.end(caused(Closed(f"a bug: {error!r}"), error))

    def _happened(self, events: Sequence[Event]) -> None:
        """Tell those who wait."""
        if self._over is not None:
            return
        for event in events:
            self._on[type(event)](self, event)
        self._admit()
        if self._flushes and not self._queue and self.session.settled:
            flushes, self._flushes = self._flushes, []
            for promise in flushes:
                self.keep(promise)
        self._wake()
        if self.session.dispensable:
            self._hang_up(for_good=False)

    def _on_confirmed(self, event: Confirmed) -> None:
        self.keep(self._answers.pop(event.number).promise, event.receipt)

    def _on_denied(self, event: Denied) -> None:
        self.break_(self._answers.pop(event.number).promise, event.error)

    def _on_connected(self, event: Connected) -> None:
        self._endurance.there()
        self.telling.there("", event.node)
        self.telling.tell(State("connected", event.node))
        if self._first is not None:
            self.keep(self._first)

    def _on_draining(self, event: Draining) -> None:
        self.telling.tell(State("draining", event.reason))

    def _on_complaint(self, event: Complaint) -> None:
        self.telling.tell(State("complaint", str(event.error)), loud=True)

    def _on_failed(self, event: Failed) -> None:
        self.end(event.error)

    def _on_joined(self, event: Joined) -> None:
        self._subscriptions[event.sub].joined()

    def _on_arrived(self, event: Arrived) -> None:
        self._subscriptions[event.sub].arrived()

    def _on_ended(self, event: Ended) -> None:
        self._subscriptions.pop(event.sub).ended(event.error)

    _on: dict[type, Callable[[Any, Any], None]] = {  # noqa: RUF012 -- a table, never written to
        Confirmed: _on_confirmed,
        Denied: _on_denied,
        Connected: _on_connected,
        Draining: _on_draining,
        Complaint: _on_complaint,
        Failed: _on_failed,
        Joined: _on_joined,
        Arrived: _on_arrived,
        Ended: _on_ended,
    }

    def end(self, error: ClientError) -> None:
        """It is over: whoever waits is told why."""
        if self._over is not None:
            return
        self._over = error
        self.telling.tell(State("closed", str(error)), loud=not isinstance(error, Closed))
        waiting = [each.promise for each in (*self._answers.values(), *self._queue)] + self._flushes
        if self._first is not None:
            waiting.append(self._first)
        self._answers.clear()
        self._queue.clear()
        for promise in waiting:
            self.break_(promise, error)
        subscriptions, self._subscriptions = self._subscriptions, {}
        for subscription in subscriptions.values():
            subscription.ended(None if isinstance(error, Closed) else error)
        self._hang_up(for_good=True)


def check_many(messages: Iterable[Any], batch: int) -> None:
    """Raise ValueError and TypeError for what publish_many would make nothing sensible of."""
    if batch < 1:
        raise ValueError(f"batch: {batch!r} is less than 1")
    if isinstance(messages, (str, bytes, bytearray)):
        raise TypeError("messages: that is one, not many")


def one(topic: str, data: Any, *, durable: bool, **options: Any) -> Publish:
    """A publish of one message."""
    return written(topic, [outgoing(data, **options)], durable=durable)
