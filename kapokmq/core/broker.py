"""The broker: what comes in, who is due it, and what the store is to keep.

Every method takes the moment it happens at and gives the effects to carry out, in order. Nothing here waits: a publish
is pending until the commit that holds it is reported (`take_commit`, then `committed` or `commit_failed`), and messages
that are not in memory are asked for with effects and come back through `arrivals`.

    publish -> pending -> (commit) -> Confirm, Deliver -> ack -> (commit) -> consumed

This is the front; the work is in the parts that it puts together.
"""

from collections.abc import Sequence

from kapokmq.core.arrivals import Arrivals
from kapokmq.core.catalog import Catalog
from kapokmq.core.codes import Codes
from kapokmq.core.commit import Outcome
from kapokmq.core.consuming import Consuming
from kapokmq.core.dealer import Dealer
from kapokmq.core.effects import Effect, Sweep, SweepDelayed, SweepExpired
from kapokmq.core.emptying import Emptying
from kapokmq.core.engine import Counts, Figures, Wish
from kapokmq.core.errors import Draining, Full, StoreUnavailable
from kapokmq.core.group import Choose, Group
from kapokmq.core.ledger import Ledger, Taken
from kapokmq.core.member import Consumer
from kapokmq.core.memory import Memory
from kapokmq.core.message import Drafts
from kapokmq.core.moment import Moment
from kapokmq.core.peers import Publisher, Receiver
from kapokmq.core.publishing import PLAIN, Call, Publishing
from kapokmq.core.query import Remnant, TopicCounts
from kapokmq.core.recovered import Recovered
from kapokmq.core.retention import Retention
from kapokmq.core.rules import Rules
from kapokmq.core.schedule import Schedule
from kapokmq.core.settling import Settling
from kapokmq.core.steering import Steering
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic


class Broker:
    """One node's messages. See the head of this file."""

    def __init__(self, rules: Rules, recovered: Recovered, choose: Choose, now: Moment) -> None:
        self.rules = rules
        self.epoch = recovered.epoch
        self.store_id = recovered.store_id
        self.codes = Codes(recovered.store_id)
        self.ledger = Ledger()
        self.schedule = Schedule(now.wall)
        self.tally = Tally(self.ledger)
        self._memory = Memory(rules.memory_budget)
        self.catalog = Catalog(rules, self.ledger, self._memory, self.codes, choose)
        self.catalog.recover(recovered, now)
        for topic in self.catalog.by_number.values():
            self.tally.found(topic)
        catalog, ledger, tally, schedule = self.catalog, self.ledger, self.tally, self.schedule
        self.retention = Retention(rules, catalog, ledger, tally, schedule)
        self.emptying = Emptying(self.retention, schedule)
        settling = Settling(ledger, tally, self.retention)
        self.dealer = Dealer(throttled=rules.throttled, settled=settling.settled, dealt=tally.delivered)
        self.arrivals = Arrivals(rules, self._memory, schedule, catalog, ledger, tally, self.dealer, self.retention)
        self.consuming = Consuming(rules, catalog, tally, self.dealer, self.retention, settling)
        self.publishing = Publishing(rules, self.epoch, self.codes, catalog, ledger, tally, self.arrivals)
        self.steering = Steering(
            catalog, ledger, tally, schedule, self.retention, self.emptying, self.dealer, self.consuming, settling
        )
        self._failure: StoreUnavailable | None = None
        self.draining = False
        self.held_by_store = 0
        self._full = False
        for group in catalog.groups.values():
            self.dealer.watch(group)

    # ---- publishing

    def publish(
        self,
        publisher: Publisher,
        topic_name: str,
        drafts: Drafts,
        reference: object,
        now: Moment,
        call: Call = PLAIN,
    ) -> list[Effect]:
        """Take a batch. Raises what Engine.publish raises, with nothing taken."""
        # What was taken before is never refused now: whoever is would publish it anew, and it would be stored twice.
        if call.session is None or call.number not in call.session.calls:
            self._check_open(publisher)
        return self.publishing.publish(publisher, topic_name, drafts, reference, call, now) + self.dealer.deal(now)

    def _check_open(self, publisher: Publisher) -> None:
        """Refuse, where nothing new is taken."""
        if self.draining:
            raise Draining("this node stops: publish to another one")
        if not publisher.positional:
            if self._failure is not None:
                raise StoreUnavailable(str(self._failure))
            if self.full:
                raise Full("the broker is full: messages must be consumed before more are taken")

    @property
    def full(self) -> bool:
        """Whether publishers must wait. Once full, there must be a tenth of room before it is over."""
        rules = self.rules
        least = 0.9 if self._full else 1.0
        self._full = (
            self.tally.waiting >= rules.buffer * least
            or self.ledger.bytes >= rules.pending_bytes * least
            or self.held_by_store >= rules.memory_budget * least
        )
        return self._full

    # ---- commits

    def take_commit(self) -> Taken:
        """What the next commit holds."""
        return self.ledger.take()

    def committed(self, taken: Taken, now: Moment, outcome: Outcome | None = None) -> list[Effect]:
        """A commit is durable: confirm, then deliver."""
        self._failure = None
        self.steering.moved(taken.commit.dues)
        effects = self.publishing.committed(taken, outcome or Outcome(), now)
        effects += self.retention.committed(len(taken.commit.removed), now)
        for topic in {entry.topic: None for entry in taken.published}:
            if topic.effective.overflow == "dropOldest":
                self.emptying.trim(topic)
        return effects + self.steering.finish() + self.dealer.deal(now)

    def dropped(self, topics: Sequence[tuple[int, int]], now: Moment) -> None:
        """The store had no room left for consumed messages: (topic number, how many) are gone."""
        for number, count in topics:
            topic = self.catalog.by_number.get(number)
            if topic is not None:
                self.tally.removed(topic, count, count, now, by_age=False)
                self.ledger.shrink(topic)

    def commit_failed(self, taken: Taken, reason: StoreUnavailable, *, give_up: bool) -> list[Effect]:
        """A commit failed. Who can be told so is; the rest stays, to be tried again.

        With `give_up` positional publishers are refused too, who must then be closed.
        """
        self._failure = reason
        self.ledger.put_back(taken, self.catalog.groups, self.catalog.by_number)
        return self.publishing.refused(self.ledger.drop(positional=give_up), reason)

    @property
    def failure(self) -> StoreUnavailable | None:
        """Why the last commit failed; None when it did not."""
        return self._failure

    # ---- consuming

    def subscribe(
        self, receiver: Receiver, topic_name: str, credit: int | None, now: Moment
    ) -> tuple[Consumer, list[Effect]]:
        """Join the topic's default group."""
        consumer = self.consuming.subscribe(receiver, topic_name, credit)
        consumer.since = now.wall
        return consumer, self.dealer.deal(now)

    def join(
        self, receiver: Receiver, pattern: str, wish: Wish, starts: dict[Topic, int], now: Moment
    ) -> tuple[Consumer, list[Effect]]:
        """Become a member as wished. See Consuming.join."""
        consumer = self.consuming.join(receiver, pattern, wish, starts)
        consumer.since = now.wall
        return consumer, self.dealer.deal(now)

    def unsubscribe(self, consumer: Consumer, now: Moment) -> list[Effect]:
        """A consumer went: what it holds is given back."""
        self.consuming.leave(consumer, now)
        return self.dealer.deal(now)

    def ack(self, consumer: Consumer, codes: Sequence[str], now: Moment) -> tuple[list[str], list[Effect]]:
        """A consumer is done with these. Gives the codes that were ignored."""
        return self.consuming.acknowledge(consumer, codes, now), self.dealer.deal(now)

    def nack(
        self, consumer: Consumer, codes: Sequence[str], wait: float | None, reason: str, now: Moment
    ) -> tuple[list[str], list[Effect]]:
        """A consumer could not do these: deal them again after `wait` seconds, None: as the group's terms say."""
        return self.consuming.reject(consumer, codes, wait, reason, now), self.dealer.deal(now)

    def touch(self, consumer: Consumer, codes: Sequence[str], now: Moment) -> list[str]:
        """A consumer is still at work on these. Gives the codes that it does not hold."""
        return self.consuming.touch(consumer, codes, now)

    def credit(self, consumer: Consumer, credit: int, now: Moment) -> list[Effect]:
        """A consumer may hold so many."""
        self.consuming.allow(consumer, credit)
        return self.dealer.deal(now)

    def flow(self, consumer: Consumer, *, flowing: bool, now: Moment) -> list[Effect]:
        """A consumer's transport takes bytes, or takes no more."""
        self.consuming.flow(consumer, flowing=flowing)
        return self.dealer.deal(now) if flowing else []

    # ---- time

    def advance(self, now: Moment) -> list[Effect]:
        """Do what has fallen due, and another round of dealing."""
        self.dealer.new_turn()
        self.arrivals.fall_due(now)
        self.consuming.go_on()
        for group in self.dealer.deadlines.pop(now.steady):
            self._look_at(group, now)
        return self.arrivals.load_schedule(now) + self.dealer.deal(now)

    def check(self, now: Moment) -> list[Effect]:
        """Look for what is past its time, every few seconds."""
        for topic in self.catalog.limited:
            self.emptying.trim(topic)
        return self.retention.sweep(now) + self.steering.finish()

    def swept(self, asked: Sweep, found: Sequence[Remnant] | None, stop: int, now: Moment) -> list[Effect]:
        """A slice of a topic came, up to the id `stop` (None: it could not be read)."""
        if asked.every:
            effects = self.emptying.swept(asked, found, stop, now)
            return effects if found is None else effects + self.steering.finish()
        return self.retention.swept(asked, found, stop, now)

    def swept_apart(
        self, asked: SweepDelayed | SweepExpired, found: Sequence[Remnant] | None, now: Moment
    ) -> list[Effect]:
        """A slice of what was delayed, or of what has expired, came (None: it could not be read)."""
        if isinstance(asked, SweepDelayed):
            return self.retention.swept_delayed(asked, found, now)
        return self.retention.swept_expired(asked, found, now)

    def refill(self, count: int, now: Moment) -> list[Effect]:
        """Under a throttle: that many messages may be dealt until the next refill."""
        self.dealer.refill(count)
        return self.dealer.deal(now)

    def next_wait(self, now: Moment) -> float | None:
        """Seconds until `advance` is to be called; None when nothing will fall due."""
        if self.dealer.wants_turn or self.consuming.joining:
            return 0.0
        waits = self.arrivals.waits(now)
        deadline = self.dealer.deadlines.next()
        if deadline is not None:
            waits.append(deadline - now.steady)
        return max(0.0, min(waits)) if waits else None

    # ---- questions

    @property
    def in_flight(self) -> int:
        """How many messages are held, counted once a member."""
        return self._memory.leases

    @property
    def held_since(self) -> int | None:
        """Since when the message is held that has been held for longest, in wall milliseconds."""
        return self._memory.held_since

    @property
    def dead(self) -> int:
        """How many dead letters there are, counted once a group."""
        return self._memory.dead

    def counts(self) -> Counts:
        """All topics together."""
        return Counts(self.tally.stored, self.tally.consumed, self.tally.delayed, self.tally.waiting)

    def topics(self) -> list[TopicCounts]:
        """Topic by topic, sorted by name."""
        return [topic.counts() for _, topic in sorted(self.catalog.by_name.items())]

    def figures(self) -> Figures:
        """For metrics."""
        # Eagerly dealt messages are in both places, but they are the same ones.
        held, pending = self._memory.held, self.ledger.bytes
        memory = max(held, pending) if self.rules.eager else held + pending
        return self.tally.figures(self.in_flight, memory, len(self.catalog.by_name), len(self.catalog.groups))

    # ---- inside

    def _look_at(self, group: Group, now: Moment) -> None:
        """A group's deadline is reached."""
        place = (self.catalog.by_name[group.topic], group)
        self.consuming.timed_out(place, now)
        group.position.resume(now.steady)
        self.dealer.watch(group)
        self.dealer.stir(place)
