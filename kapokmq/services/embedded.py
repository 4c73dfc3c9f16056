"""The embedded engine: runs a Broker's effects against a Store, with one timer and one commit at a time.

While a commit runs, the next one fills: group commit that adjusts itself to the load. What arrives in one turn of the
reactor is handed over together at its end.
"""

from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kapokmq.core.broker import Broker
from kapokmq.core.effects import (
    Confirm,
    Effect,
    FetchMessages,
    LoadSchedule,
    ReadPage,
    Refuse,
    Sweep,
    SweepDelayed,
    SweepExpired,
)
from kapokmq.core.engine import Counts, Figures, Session
from kapokmq.core.errors import Draining, MisuseError
from kapokmq.core.group import Choose
from kapokmq.core.message import Drafts, Found, Status
from kapokmq.core.moment import Moment
from kapokmq.core.peers import Publisher, Receipt
from kapokmq.core.publishing import Call
from kapokmq.core.query import TopicCounts
from kapokmq.core.rules import Rules
from kapokmq.core.sessions import PublishSession
from kapokmq.services.admin import Administration, Backstage
from kapokmq.services.pipeline import CommitPipeline
from kapokmq.services.publishers import Publishers
from kapokmq.services.questions import Questions
from kapokmq.services.reads import Reads
from kapokmq.services.receiving import Receiving
from kapokmq.services.tidying import Tidying
from kapokmq.services.turns import Turns
from kapokmq.storage.store import Store
from serena.core.health import Health


class EmbeddedEngine(Receiving):
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
        dead_letter_rate: float = 1000.0,
    ) -> None:
        self._rules = rules
        self._store = store
        self._clock = clock
        self._wall = wall
        self._choose = choose
        self._observe = observe
        self._publishers = Publishers(clock, eager=rules.eager)
        self.frozen = False
        self._turns = Turns(
            clock,
            over=self._over,
            next_wait=self._next_wait,
            tick=self.tick,
            turned=lambda: self.broker.dealer.new_turn(),  # noqa: PLW0108 -- made by `open`
        )
        self.run = self._turns.run
        self.admin = Administration(dead_letter_rate)

    # ---- life

    def open(self) -> None:
        """Open the store and stand where it says we stood. Raises StoreRefused."""
        now = self.now()
        recovered = self._store.open(now.wall)
        self.broker = Broker(self._rules, recovered, self._choose, now)
        self._reads = reads = Reads(self.broker, self._store, self._clock, self.now, self.run)
        self._pipeline = CommitPipeline(
            self.broker,
            self._store,
            clock=self._clock,
            now=self.now,
            run=self.run,
            observe=self._observe,
            give_up=self._publishers.give_up,
        )
        self._questions = Questions(self.broker, self._store, self.now, self._pipeline.settled)
        self._turns.use(
            {
                Confirm: self._publishers.confirm,
                Refuse: self._publishers.refuse,
                ReadPage: reads.page,
                FetchMessages: reads.fetch,
                LoadSchedule: reads.schedule,
                Sweep: reads.sweep,
                SweepDelayed: reads.sweep_delayed,
                SweepExpired: reads.sweep_expired,
            }
        )
        self.admin.open(
            Backstage(
                self.broker, self._store, self._questions, self._clock, self.now, self.run, self._pipeline.settled
            )
        )
        self._tidying = Tidying(self.broker, self._store, self.now)
        self.tick()

    def tick(self) -> None:
        """Do what is due; called by the timer, and by the check loop in case the wall clock jumped."""
        self.run(self.broker.advance(self.now()))

    def check(self) -> None:
        """What the check loop does every few seconds: look for what is due, and for what is past its time."""
        self.tick()
        self.run(self.broker.check(self.now()))
        self._tidying.look()

    def persist(self) -> None:
        """What the persist loop does (isPersistent: 1)."""
        self._pipeline.flush()

    def refill(self, count: int) -> None:
        """What the push loop does under a throttle."""
        self.run(self.broker.refill(count, self.now()))

    def drain(self) -> None:
        """The node is about to stop: take and deal nothing more. What is held may still be acknowledged."""
        self.broker.draining = True
        self.broker.dealer.halt()

    def freeze(self) -> Deferred[None]:
        """The node stops: take no more, commit what there is and confirm it. Who leaves now gives nothing back."""
        self.frozen = True
        self.broker.dealer.halt()
        self._press()
        return self._pipeline.settled()

    async def close(self) -> None:
        """Commit what is left and close the store."""
        self.frozen = True
        await self._pipeline.finish()
        self._publishers.stop()
        self._turns.stop()
        await self._store.close()

    # ---- publishers

    def attach(self, publisher: Publisher) -> None:
        """See Engine."""
        self._publishers.attach(publisher)

    def detach(self, publisher: Publisher) -> None:
        """See Engine."""
        self._publishers.detach(publisher)

    async def open_session(self, name: str) -> PublishSession:
        """See Engine."""
        known = self.broker.publishing.sessions.open(name)
        if known is not None:
            return known
        if self._rules.eager:
            await self.committed()  # the store is to know what was confirmed
        return await self._questions.session(name)

    def close_session(self, session: Session) -> None:
        """See Engine."""
        self.broker.publishing.sessions.close(_session(session))

    def publish(
        self,
        publisher: Publisher,
        topic: str,
        drafts: Drafts,
        reference: object = None,
        *,
        session: Session | None = None,
        number: int = 0,
        durable: bool = False,
    ) -> None:
        """See Engine."""
        if self.frozen:
            if not publisher.positional:
                raise Draining("this node stops")
            return  # not confirmed, and about to be closed
        call = Call(None if session is None else _session(session), number, durable)
        self._publishers.gathering = True
        try:
            self.run(self.broker.publish(publisher, topic, drafts, reference, self.now(), call))
        finally:
            self._publishers.gathering = False

    def send(self, topic: str, drafts: Drafts, *, durable: bool = False) -> Awaitable[Receipt]:
        """See Engine."""
        return self._questions.send(self, topic, drafts, durable=durable)

    def committed(self) -> Awaitable[None]:
        """See Engine."""
        return self._questions.committed()

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
        if self.frozen or self.broker.draining:
            return Health(ready=False, reason="the node stops")
        if self._reads.failure is not None:
            return Health(ready=False, reason=self._reads.failure)
        # Consumers must reach a full node, or it stays full.
        full = "the broker is full: messages must be consumed before more are taken"
        return Health(ready=True, reason=full if self.broker.full else "")

    def figures(self) -> Figures:
        """See Engine."""
        since = self.broker.held_since
        held = 0.0 if since is None else max(0.0, (self._wall() - since) / 1000)
        return self.broker.figures()._replace(oldest_unacked=held)

    # ---- inside

    def joined(self, effects: Sequence[Effect]) -> None:
        """See Receiving."""
        self.run(effects)
        if self._rules.eager:
            self._pipeline.flush()  # what came while nobody was there is read from the store

    def _over(self) -> None:
        """A turn's effects are carried out."""
        self._pipeline.kick_soon()
        self._press()

    def _press(self) -> None:
        self._publishers.press(pressed=self.frozen or self._pipeline.failing or self.broker.full)

    def _next_wait(self) -> float | None:
        return None if self.frozen else self.broker.next_wait(self.now())

    def now(self) -> Moment:
        """Both clocks."""
        return Moment(self._wall(), self._clock.seconds())


def _session(session: Session) -> PublishSession:
    if not isinstance(session, PublishSession):
        raise MisuseError("a session of another engine")
    return session
