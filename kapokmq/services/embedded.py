"""The embedded engine: runs a Broker's effects against a Store, with one timer and one commit at a time.

While a commit runs, the next one fills: group commit that adjusts itself to the load. What arrives in one turn of the
reactor is handed over together at its end.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kapokmq.core.broker import Broker
from kapokmq.core.effects import (
    Confirm,
    Deliver,
    Effect,
    FetchMessages,
    LoadSchedule,
    ReadPage,
    Refuse,
    Sweep,
    SweepDelayed,
)
from kapokmq.core.engine import Counts, Figures, Health, Publisher, Receiver, Subscription
from kapokmq.core.errors import MisuseError, StoreUnavailable
from kapokmq.core.group import Choose
from kapokmq.core.member import Member
from kapokmq.core.message import Draft, Found, Status
from kapokmq.core.moment import Moment
from kapokmq.core.query import TopicCounts
from kapokmq.core.rules import Rules
from kapokmq.services.guarding import guarded
from kapokmq.services.pipeline import CommitPipeline
from kapokmq.services.publishers import Publishers
from kapokmq.services.questions import Questions
from kapokmq.services.reads import Reads
from kapokmq.storage.store import Store


class EmbeddedEngine:
    """Broker and Store behind the Engine interface (core/engine.py).

    `clock` must go forward only; `wall` gives wall milliseconds; `observe` is told of each commit (seconds, messages).
    """

    log = Logger()

    def __init__(
        self,
        rules: Rules,
        store: Store,
        *,
        clock: IReactorTime,
        wall: Callable[[], int],
        choose: Choose,
        observe: Callable[[float, int], None],
    ) -> None:
        self._rules = rules
        self._store = store
        self._clock = clock
        self._wall = wall
        self._choose = choose
        self._observe = observe
        self._publishers = Publishers(clock, eager=rules.eager)
        self._frozen = False
        self._timer: IDelayedCall | None = None
        self._calls: dict[type, Callable[[Any], None]] = {}

    # ---- life

    def open(self) -> None:
        """Open the store and stand where it says we stood. Raises StoreRefused."""
        now = self._now()
        recovered = self._store.open(now.wall)
        self.broker = Broker(self._rules, recovered, self._choose, now)
        self._reads = reads = Reads(self.broker, self._store, self._clock, self._now, self._run)
        self._pipeline = CommitPipeline(
            self.broker,
            self._store,
            clock=self._clock,
            now=self._now,
            run=self._run,
            observe=self._observe,
            give_up=self._publishers.give_up,
        )
        self._questions = Questions(self.broker, self._store, self._now, self._pipeline.settled)
        self._calls = {
            Confirm: self._publishers.confirm,
            Refuse: self._publishers.refuse,
            Deliver: self._deliver,
            ReadPage: reads.page,
            FetchMessages: reads.fetch,
            LoadSchedule: reads.schedule,
            Sweep: reads.sweep,
            SweepDelayed: reads.sweep_delayed,
        }
        self.tick()

    def tick(self) -> None:
        """Do what is due; called by the timer, and by the check loop in case the wall clock jumped."""
        self._run(self.broker.advance(self._now()))

    def check(self) -> None:
        """What the check loop does every few seconds: look for what is due, and for what is past its time."""
        self.tick()
        self._run(self.broker.retention.sweep(self._now()))

    def persist(self) -> None:
        """What the persist loop does (isPersistent: 1)."""
        self._pipeline.flush()

    def refill(self, count: int) -> None:
        """What the push loop does under a throttle."""
        self._run(self.broker.refill(count, self._now()))

    def freeze(self) -> Deferred[None]:
        """The node stops: take no more, commit what there is and confirm it. Who leaves now gives nothing back."""
        self._frozen = True
        self.broker.dealer.halt()
        self._press()
        return self._pipeline.settled()

    async def close(self) -> None:
        """Commit what is left and close the store."""
        self._frozen = True
        await self._pipeline.finish()
        self._publishers.stop()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        await self._store.close()

    # ---- publishers

    def attach(self, publisher: Publisher) -> None:
        """See Engine."""
        self._publishers.attach(publisher)

    def detach(self, publisher: Publisher) -> None:
        """See Engine."""
        self._publishers.detach(publisher)

    def publish(self, publisher: Publisher, topic: str, drafts: Sequence[Draft], reference: object = None) -> None:
        """See Engine."""
        if self._frozen:
            if not publisher.positional:
                raise StoreUnavailable("this node stops")
            return  # not confirmed, and about to be closed
        self._run(self.broker.publish(publisher, topic, drafts, reference, self._now()))

    def send(self, topic: str, drafts: Sequence[Draft]) -> Awaitable[list[str]]:
        """See Engine."""
        return self._questions.send(self, topic, drafts)

    # ---- receivers

    def subscribe(self, receiver: Receiver, topic: str, credit: int | None) -> Subscription:
        """See Engine."""
        member, effects = self.broker.subscribe(receiver, topic, credit, self._now())
        self._run(effects)
        if self._rules.eager:
            self._pipeline.flush()  # what came while nobody was there is read from the store
        return member

    def unsubscribe(self, subscription: Subscription) -> None:
        """See Engine."""
        if not self._frozen:
            self._run(self.broker.unsubscribe(_member(subscription), self._now()))

    def ack(self, subscription: Subscription, codes: Sequence[str]) -> None:
        """See Engine."""
        self._run(self.broker.ack(_member(subscription), codes, self._now()))

    def stall(self, subscription: Subscription) -> None:
        """See Engine."""
        self._run(self.broker.flow(_member(subscription), flowing=False, now=self._now()))

    def drained(self, subscription: Subscription) -> None:
        """See Engine."""
        self._run(self.broker.flow(_member(subscription), flowing=True, now=self._now()))

    # ---- questions

    def search(
        self,
        *,
        start: int,
        end: int,
        topic: str | None,
        status: int | None,
        with_data: bool,
        limit: int,
        offset: int,
    ) -> Awaitable[list[Found]]:
        """See Engine."""
        wanted = None if status is None else Status(status)
        return self._questions.search(
            start=start, end=end, topic=topic, status=wanted, with_data=with_data, limit=limit, offset=offset
        )

    def find(self, code: str) -> Awaitable[Found | None]:
        """See Engine."""
        return self._questions.find(code)

    def delete(self, code: str) -> Awaitable[bool]:
        """See Engine."""
        return self._questions.delete(code)

    def counts(self) -> Counts:
        """See Engine."""
        return self.broker.counts()

    def topics(self) -> list[TopicCounts]:
        """See Engine."""
        return self.broker.topics()

    def health(self) -> Health:
        """See Engine."""
        failure = self.broker.failure
        if failure is not None:
            return Health(ready=False, reason=str(failure))
        if self._frozen:
            return Health(ready=False, reason="the node stops")
        if self._reads.failure is not None:
            return Health(ready=False, reason=self._reads.failure)
        # Consumers must reach a full node, or it stays full.
        full = "the broker is full: messages must be consumed before more are taken"
        return Health(ready=True, reason=full if self.broker.full else "")

    def figures(self) -> Figures:
        """See Engine."""
        return self.broker.figures()

    # ---- effects

    def _run(self, effects: Sequence[Effect]) -> None:
        calls = self._calls
        for effect in effects:
            try:
                calls[type(effect)](effect)
            except Exception:  # noqa: BLE001 -- ours; one effect that fails must not cost the others
                self.log.failure("a peer's {kind} failed: this is a bug", kind=type(effect).__name__)
        self._pipeline.kick_soon()
        self._press()
        self._arm()

    def _deliver(self, effect: Deliver) -> None:
        for member in effect.members:
            guarded(self.log, partial(member.receiver.deliver, effect.delivery))

    # ---- pressure and time

    def _press(self) -> None:
        self._publishers.press(pressed=self._frozen or self._pipeline.failing or self.broker.full)

    def _arm(self) -> None:
        wait = self.broker.next_wait(self._now())
        timer = self._timer
        if wait is None or self._frozen:
            return
        when = self._clock.seconds() + wait
        if timer is not None and timer.active():
            if timer.getTime() <= when:
                return
            timer.cancel()
        self._timer = self._clock.callLater(wait, guarded, self.log, self.tick)

    def _now(self) -> Moment:
        return Moment(self._wall(), self._clock.seconds())


def _member(subscription: Subscription) -> Member:
    if not isinstance(subscription, Member):
        raise MisuseError("a subscription of another engine")
    return subscription
