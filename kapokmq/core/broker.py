"""The broker: what comes in, who is due it, and what the store is to keep.

Every method takes the moment it happens at and gives the effects to carry out, in order. Nothing here waits: a publish
is pending until the commit that holds it is reported (`take_commit`, then `committed` or `commit_failed`), and messages
that are not in memory are asked for with effects and come back through `page_read`, `fetched` and `schedule_loaded`.

    publish -> pending -> (commit) -> Confirm, Deliver -> ack -> (commit) -> consumed
"""

from collections.abc import Sequence

from kapokmq.core.catalog import Catalog
from kapokmq.core.commit import AttemptRow, Recovered
from kapokmq.core.dealer import Dealer, Place
from kapokmq.core.effects import Confirm, Effect, FetchMessages, LoadSchedule, ReadPage, Refuse
from kapokmq.core.engine import Counts, Figures, Publisher, Receipt, Receiver
from kapokmq.core.errors import Full, StoreUnavailable
from kapokmq.core.group import Choose, Codes
from kapokmq.core.ledger import Ledger, Published, Taken
from kapokmq.core.member import Member
from kapokmq.core.message import OFFSET_MASK, OVERHEAD, Draft, Message, make_id, topic_of
from kapokmq.core.moment import Moment
from kapokmq.core.position import Memory
from kapokmq.core.query import TopicCounts
from kapokmq.core.retention import Retention
from kapokmq.core.rules import Rules
from kapokmq.core.schedule import Due, Schedule
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic

_READ_AGAIN = 1.0  # seconds until a read that failed is tried again


class Broker:
    """One node's messages. See the head of this file."""

    def __init__(self, rules: Rules, recovered: Recovered, choose: Choose, now: Moment) -> None:
        self._rules = rules
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
        self._places: dict[Member, Place] = {}
        self._unsaved: dict[int, Message] = {}  # delayed, dealt with before their commit (eager only)
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
        eager = self._rules.eager
        self.ledger.publish(Published(topic, publisher, receipt, messages, size, eager))
        if not eager:
            return []
        self._appear(topic, messages, size)
        return [Confirm(publisher, [receipt]), *self.dealer.deal(now)]

    @property
    def full(self) -> bool:
        """Whether publishers must wait. Once full, there must be a tenth of room before it is over."""
        rules = self._rules
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
        self.retention.committed(len(taken.commit.removed))
        confirms: dict[Publisher, list[Receipt]] = {}
        arrived: dict[Topic, list[Published]] = {}
        for entry in taken.published:
            arrived.setdefault(entry.topic, []).append(entry)
            if not entry.confirmed:
                confirms.setdefault(entry.publisher, []).append(entry.receipt)
        for topic, entries in arrived.items():
            last = entries[-1].receipt
            topic.committed = (last.first + last.count) & OFFSET_MASK
            if self._rules.eager:
                self._saved(topic, entries)
                continue
            messages = entries[0].messages if len(entries) == 1 else [m for entry in entries for m in entry.messages]
            self._appear(topic, messages, sum(entry.size for entry in entries))
        effects: list[Effect] = [Confirm(publisher, receipts) for publisher, receipts in confirms.items()]
        return effects + self.dealer.deal(now)

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
        done, rows = place[1].leave(member, now)
        self.dealer.watch(place[1])
        self._attempted(place, rows, now)
        self._settled(place, done, now)
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
        return self._stirred(place, now) if flowing and place is not None else []

    # ---- time

    def advance(self, now: Moment) -> list[Effect]:
        """Do what has fallen due, and another round of dealing."""
        fallen = self.schedule.fall(now.wall)
        for message_id in fallen:
            self._fell_due(message_id)
        for group in self.dealer.deadlines.pop(now.steady):
            place = (self.catalog.by_name[group.topic], group)
            done, rows = group.expire(now)
            self._attempted(place, rows, now)
            self._settled(place, done, now)
            group.position.resume(now.steady)
            self.dealer.watch(group)
            self.dealer.stir(place)
        return self._load_schedule() + self.dealer.deal(now)

    def refill(self, count: int, now: Moment) -> list[Effect]:
        """Under a throttle: that many messages may be dealt until the next refill."""
        self.dealer.refill(count)
        return self.dealer.deal(now)

    def next_wait(self, now: Moment) -> float | None:
        """Seconds until `advance` is to be called; None when nothing will fall due."""
        if self.dealer.wants_turn:
            return 0.0
        waits: list[float] = []
        due, deadline = self.schedule.next(), self.dealer.deadlines.next()
        if due is not None:
            waits.append((due - now.wall) / 1000)
        if deadline is not None:
            waits.append(deadline - now.steady)
        return max(0.0, min(waits)) if waits else None

    # ---- what the store answers

    def page_read(self, asked: ReadPage, messages: Sequence[Message] | None, stop: int, now: Moment) -> list[Effect]:
        """A page came: the messages from `asked.first` to before the id `stop` (None: it could not be read)."""
        position = asked.group.position
        position.reading = False
        if messages is None:
            self.dealer.deadlines.sooner(asked.group, now.steady + _READ_AGAIN)
            return []
        size = sum([message.size for message in messages])
        place = (asked.topic, asked.group)
        fresh = position.feed(messages, stop - make_id(asked.topic.number, 0), self.schedule, size)
        self.ledger.acknowledge(asked.group, fresh)
        return self._stirred(place, now)

    def fetched(self, asked: FetchMessages, messages: Sequence[Message] | None, stop: int, now: Moment) -> list[Effect]:
        """Messages asked for by id came, those below the id `stop`; the others are to be asked for again."""
        position = asked.group.position
        offsets = [message_id & OFFSET_MASK for message_id in asked.ids]
        if messages is None:
            position.fetching = False
            position.wanted.extendleft(reversed(offsets))
            self.dealer.deadlines.sooner(asked.group, now.steady + _READ_AGAIN)
            return []
        answered = [message_id & OFFSET_MASK for message_id in asked.ids if message_id < stop]
        position.wanted.extendleft(message_id & OFFSET_MASK for message_id in reversed(asked.ids) if message_id >= stop)
        self.ledger.acknowledge(asked.group, position.fetched(messages, answered, self.schedule))
        return self._stirred((asked.topic, asked.group), now)

    def schedule_loaded(self, asked: LoadSchedule, found: list[Due] | None, now: Moment) -> list[Effect]:
        """The next delayed messages came (None: they could not be read)."""
        if found is None:
            self.schedule.failed()
            return []
        self.schedule.arrived(found, asked.limit)
        return self.advance(now)

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
        return self.tally.figures(in_flight, self._memory.held + self.ledger.bytes, len(self.catalog.by_name))

    # ---- inside

    def _stirred(self, place: Place, now: Moment) -> list[Effect]:
        self.dealer.stir(place)
        return self.dealer.deal(now)

    def _load_schedule(self) -> list[Effect]:
        wanted = self.schedule.wanted()
        return [LoadSchedule(*wanted)] if wanted else []

    def _appear(self, topic: Topic, messages: list[Message], size: int) -> None:
        """Let the groups of a topic see new messages."""
        before, stop = topic.visible, (messages[-1].id & OFFSET_MASK) + 1
        topic.visible = stop
        eager = self._rules.eager
        delayed = [message for message in messages if message.due is not None]
        for message in delayed:
            self.schedule.add(message.due or 0, message.id, stored=not eager)
            if eager:
                self._unsaved[message.id] = message
        self.tally.published(topic, len(messages), len(delayed))
        room = not self._rules.paged or self._memory.held + size <= self._rules.memory_budget
        for group in topic.groups.values():
            position = group.position
            if room and position.end == before:  # it has come so far, and what follows may stay in memory
                self.ledger.acknowledge(group, position.feed(messages, stop, self.schedule, size))
            self.dealer.stir((topic, group))

    def _saved(self, topic: Topic, entries: Sequence[Published]) -> None:
        """Messages that groups saw before are in the store now."""
        if self._unsaved:
            ids = [message.id for entry in entries for message in entry.messages]
            self.schedule.saved(ids)
            for message_id in ids:
                self._unsaved.pop(message_id, None)
        for group in topic.groups.values():
            self.dealer.stir((topic, group))

    def _fell_due(self, message_id: int) -> None:
        topic = self.catalog.by_number[topic_of(message_id)]
        offset = message_id & OFFSET_MASK
        if offset >= topic.visible:
            return  # the store has shown it before it has reported its commit: `_appear` schedules it anew
        self.tally.fell_due(topic)
        unsaved = self._unsaved.pop(message_id, None)
        for group in topic.groups.values():
            if unsaved is not None and offset < group.position.end:
                group.position.supply(unsaved)
            else:
                group.position.fall_due(offset)
            self.dealer.stir((topic, group))

    def _attempted(self, place: Place, rows: list[AttemptRow], now: Moment) -> None:
        if rows:
            self.ledger.attempt(place[1], rows)
            self.tally.retried(place[0], len(rows), now)

    def _settled(self, place: Place, offsets: list[int], now: Moment) -> None:
        """A group is done with these: the store is to know, and perhaps they are consumed by that."""
        if not offsets:
            return
        topic, group = place
        runs = group.position.settle_all(offsets)
        self.ledger.acknowledge(group, runs)
        self.retention.consumed(topic, topic.consumed_by_all(group, runs), now)
