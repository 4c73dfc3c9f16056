"""The broker: what comes in, who is due it, and what the store is to keep.

Every method takes the moment it happens at and gives the effects to carry out, in order. Nothing here waits: a publish
is pending until the commit that holds it is reported (`take_commit`, then `committed` or `commit_failed`), and messages
that are not in memory are asked for with effects and come back through `arrivals`.

    publish -> pending -> (commit) -> Confirm, Deliver -> ack -> (commit) -> consumed
"""

from collections.abc import Sequence

from kapokmq.core.arrivals import Arrivals
from kapokmq.core.catalog import Catalog
from kapokmq.core.commit import Recovered
from kapokmq.core.dealer import Dealer, Place
from kapokmq.core.effects import Confirm, Effect, Refuse
from kapokmq.core.engine import Counts, Figures, Publisher, Receipt, Receiver
from kapokmq.core.errors import Full, MisuseError, StoreUnavailable
from kapokmq.core.group import Choose, Codes, Lost
from kapokmq.core.ledger import Ledger, Published, Taken
from kapokmq.core.member import Member
from kapokmq.core.message import OFFSET_MASK, OVERHEAD, Draft, Message, make_id
from kapokmq.core.moment import Moment
from kapokmq.core.position import Memory
from kapokmq.core.query import TopicCounts
from kapokmq.core.retention import Retention
from kapokmq.core.rules import Rules
from kapokmq.core.schedule import Schedule
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic


class Broker:
    """One node's messages. See the head of this file."""

    def __init__(self, rules: Rules, recovered: Recovered, choose: Choose, now: Moment) -> None:
        self.rules = rules
        self.epoch = recovered.epoch
        self._memory = Memory(rules.memory_budget)
        self.codes = Codes(recovered.store_id)
        self.store_id = recovered.store_id
        self.ledger = Ledger()
        self.schedule = Schedule(now.wall)
        self.tally = Tally(self.ledger)
        self.catalog = Catalog(rules, self.ledger, self._memory, self.codes, choose)
        self.catalog.recover(recovered, now)
        for topic in self.catalog.by_number.values():
            self.tally.found(topic)
        self.dealer = Dealer(throttled=rules.throttled, settled=self._settled, dealt=self.tally.delivered)
        self.retention = Retention(rules, self.catalog, self.ledger, self.tally, self.schedule)
        self.arrivals = Arrivals(rules, self._memory, self.schedule, self.catalog, self.ledger, self.tally, self.dealer)
        self._places: dict[Member, Place] = {}
        self._failure: StoreUnavailable | None = None
        self.held_by_store = 0
        self._full = False
        for group in self.catalog.groups.values():
            self.dealer.watch(group)

    # ---- publishing

    def publish(
        self, publisher: Publisher, topic_name: str, drafts: Sequence[Draft], reference: object, now: Moment
    ) -> list[Effect]:
        """Take a batch.

        Raises Full or StoreUnavailable, with nothing taken, to publishers that are not positional; BadName where the
        node has too many topics.
        """
        if not drafts:
            raise MisuseError("a publish of nothing")
        if not publisher.positional:
            if self._failure is not None:
                raise StoreUnavailable(str(self._failure))
            if self.full:
                raise Full("the broker is full: messages must be consumed before more are taken")
        topic = self.catalog.topic(topic_name)
        first, epoch, wall = make_id(topic.number, topic.next), self.epoch, now.wall
        messages = [
            Message(
                message_id,
                epoch,
                wall,
                draft.delay,
                wall + draft.delay_ms if draft.delay_ms > 0 else None,
                None,
                None,
                None,
                draft.data,
            )
            for message_id, draft in enumerate(drafts, first)
        ]
        size = sum([len(draft.data) for draft in drafts]) + OVERHEAD * len(messages)
        receipt = Receipt(reference, first, len(messages))
        topic.next += len(messages)
        eager = self.rules.eager
        self.ledger.publish(Published(topic, publisher, receipt, messages, size, eager))
        if not eager:
            return []
        self.arrivals.appear(topic, messages, size)
        return [Confirm(publisher, [receipt]), *self.dealer.deal(now)]

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

    def committed(self, taken: Taken, now: Moment) -> list[Effect]:
        """A commit is durable: confirm, then deliver."""
        self._failure = None
        swept = self.retention.committed(len(taken.commit.removed), now)
        confirms: dict[Publisher, list[Receipt]] = {}
        arrived: dict[Topic, list[Published]] = {}
        for entry in taken.published:
            arrived.setdefault(entry.topic, []).append(entry)
            if not entry.confirmed:
                confirms.setdefault(entry.publisher, []).append(entry.receipt)
        for topic, entries in arrived.items():
            last = entries[-1].receipt
            topic.committed = (last.first + last.count) & OFFSET_MASK
            if self.rules.eager:
                self.arrivals.saved(topic, entries)
                continue
            messages = entries[0].messages if len(entries) == 1 else [m for entry in entries for m in entry.messages]
            self.arrivals.appear(topic, messages, sum(entry.size for entry in entries))
        effects: list[Effect] = [Confirm(publisher, receipts) for publisher, receipts in confirms.items()]
        return effects + swept + self.dealer.deal(now)

    def dropped(self, topics: Sequence[tuple[int, int]], now: Moment) -> None:
        """The store had no room left for consumed messages: (topic number, how many) are gone."""
        for number, count in topics:
            self.tally.removed(self.catalog.by_number[number], count, count, now, by_age=False)

    def commit_failed(self, taken: Taken, reason: StoreUnavailable, *, give_up: bool) -> list[Effect]:
        """A commit failed. Who can be told so is; the rest stays, to be tried again.

        With `give_up` positional publishers are refused too, who must then be closed.
        """
        self._failure = reason
        self.ledger.put_back(taken, self.catalog.groups, self.catalog.by_number)
        refused: dict[Publisher, list[Receipt]] = {}
        for entry in self.ledger.drop(positional=give_up):
            refused.setdefault(entry.publisher, []).append(entry.receipt)
        return [Refuse(publisher, receipts, reason) for publisher, receipts in refused.items()]

    @property
    def failure(self) -> StoreUnavailable | None:
        """Why the last commit failed; None when it did not."""
        return self._failure

    # ---- consuming

    def subscribe(
        self, receiver: Receiver, topic_name: str, credit: int | None, now: Moment
    ) -> tuple[Member, list[Effect]]:
        """Join the topic's default group."""
        topic = self.catalog.topic(topic_name)
        group = self.catalog.default_group(topic)
        self.retention.spare(topic, group)
        member = Member(receiver, topic_name, credit)
        group.join(member)
        self._places[member] = (topic, group)
        return member, self._stirred((topic, group), now)

    def unsubscribe(self, member: Member, now: Moment) -> list[Effect]:
        """A member went: what it holds is given back. A member that is gone already is ignored."""
        place = self._places.pop(member, None)
        if place is None:
            return []
        group = place[1]
        self._took_back(place, group.leave(member, now), now)
        if self.rules.paged and not group.members:
            group.position.let_go()
        self.dealer.watch(group)
        return self._stirred(place, now)

    def ack(self, member: Member, codes: Sequence[str], now: Moment) -> list[Effect]:
        """A member is done with these."""
        place = self._places.get(member)
        if place is None:
            return []
        done, ignored = place[1].acknowledge(member, codes)
        self.tally.acked += len(codes) - ignored
        self.tally.ignored_acks += ignored
        self._settled(place, done, now)
        return self._stirred(place, now)

    def flow(self, member: Member, *, flowing: bool, now: Moment) -> list[Effect]:
        """A member's transport takes bytes, or takes no more."""
        member.flowing = flowing
        place = self._places.get(member)
        if place is None:
            return []
        place[1].rate(member)
        return self._stirred(place, now) if flowing else []

    # ---- time

    def advance(self, now: Moment) -> list[Effect]:
        """Do what has fallen due, and another round of dealing."""
        self.arrivals.fall_due(now)
        for group in self.dealer.deadlines.pop(now.steady):
            place = (self.catalog.by_name[group.topic], group)
            self._took_back(place, group.expire(now), now)
            group.position.resume(now.steady)
            self.dealer.watch(group)
            self.dealer.stir(place)
        return self.arrivals.load_schedule(now) + self.dealer.deal(now)

    def refill(self, count: int, now: Moment) -> list[Effect]:
        """Under a throttle: that many messages may be dealt until the next refill."""
        self.dealer.refill(count)
        return self.dealer.deal(now)

    def next_wait(self, now: Moment) -> float | None:
        """Seconds until `advance` is to be called; None when nothing will fall due."""
        if self.dealer.wants_turn:
            return 0.0
        waits = self.arrivals.waits(now)
        deadline = self.dealer.deadlines.next()
        if deadline is not None:
            waits.append(deadline - now.steady)
        return max(0.0, min(waits)) if waits else None

    # ---- questions

    def counts(self) -> Counts:
        """All topics together."""
        return Counts(self.tally.stored, self.tally.consumed, self.tally.delayed, self.tally.waiting)

    def topics(self) -> list[TopicCounts]:
        """Topic by topic, sorted by name."""
        return [
            TopicCounts(
                topic.name,
                topic.stored,
                topic.consumed,
                topic.delayed,
                topic.waiting,
                sum(group.in_flight for group in topic.groups.values()),
            )
            for _, topic in sorted(self.catalog.by_name.items())
        ]

    def figures(self) -> Figures:
        """For metrics."""
        in_flight = sum(group.in_flight for group in self.catalog.groups.values())
        # Eagerly dealt messages are in both places, but they are the same ones.
        held, pending = self._memory.held, self.ledger.bytes
        memory = max(held, pending) if self.rules.eager else held + pending
        return self.tally.figures(in_flight, memory, len(self.catalog.by_name))

    # ---- inside

    def _stirred(self, place: Place, now: Moment) -> list[Effect]:
        self.dealer.stir(place)
        return self.dealer.deal(now)

    def _took_back(self, place: Place, lost: Lost, now: Moment) -> None:
        topic, group = place
        self.ledger.attempt(group, lost.rows)
        if lost.leases:
            self.tally.retried(topic, lost.leases, now)
        self._settled(place, lost.done, now)

    def _settled(self, place: Place, offsets: list[int], now: Moment) -> None:
        """A group is done with these: the store is to know, and perhaps they are consumed by that."""
        if not offsets:
            return
        topic, group = place
        runs = group.position.settle_all(offsets)
        self.ledger.acknowledge(group, runs)
        self.retention.consumed(topic, topic.consumed_by_all(group, runs), now)
