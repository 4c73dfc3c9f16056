"""A broker with everything around it in memory: a naive store, scripted consumers, a clock that tests move."""

from collections import defaultdict
from dataclasses import dataclass, field

from kapokmq.core.broker import Broker
from kapokmq.core.commit import Commit, Recovered, RecoveredGroup, RecoveredTopic, Totals
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
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.ledger import Taken
from kapokmq.core.member import Member
from kapokmq.core.message import OFFSET_MASK, Draft, Message, make_id
from kapokmq.core.moment import Moment
from kapokmq.core.ranges import runs_of
from kapokmq.core.rules import Rules

STORE_ID = 0xABCDEF
START = Moment(1_800_000_000_000, 1000.0)


class NaiveStore:
    """Sets and dicts; nothing clever. What a store has to do, in the plainest way."""

    def __init__(self) -> None:
        self.epoch = 0
        self.topics: dict[int, str] = {}
        self.nexts: dict[int, int] = {}
        self.groups: dict[int, tuple] = {}
        self.marks: dict[int, int] = {}
        self.acked: dict[int, set[int]] = defaultdict(set)
        self.messages: dict[int, Message] = {}
        self.consumed: set[int] = set()
        self.attempts: dict[tuple[int, int], object] = {}
        self.hours: dict[int, list[int]] = defaultdict(lambda: [0] * 7)
        self.commits = 0

    def apply(self, commit: Commit) -> None:
        self.commits += 1
        self.topics.update((row.number, row.name) for row in commit.topics)
        for row in commit.groups:
            self.groups[row.number] = row
            self.marks[row.number] = row.start
        self.nexts.update((row.topic, row.next) for row in commit.nexts)
        for message in commit.publishes:
            assert message.id not in self.messages, "an id was given twice"
            self.messages[message.id] = message
        for row in commit.marks:
            assert row.mark >= self.marks[row.group], "a mark went back"
            self.marks[row.group] = row.mark
        for row in commit.acks:
            self.acked[row.group].update(range(row.first, row.last + 1))
        for row in commit.consumed:
            self.consumed.update(range(row.first, row.last + 1))
        for row in commit.attempts:
            self.attempts[row.group, row.offset] = row
        for row in commit.removed:
            for message_id in range(row.first, row.last + 1):
                self.messages.pop(message_id, None)
                self.consumed.discard(message_id)
        for row in commit.hours:
            self.hours[row.topic] = [a + b for a, b in zip(self.hours[row.topic], row[2:], strict=True)]

    def recover(self, now: int) -> Recovered:
        self.epoch += 1
        topics = []
        for number, name in self.topics.items():
            published, _, consumed, _, expired, deleted, cleaned = self.hours[number]
            left = [m for m in self.messages.values() if m.id >> 40 == number and m.id not in self.consumed]
            delayed = sum(1 for m in left if m.due and m.due > now)
            totals = Totals(published, consumed, expired, deleted, cleaned, delayed)
            topics.append(RecoveredTopic(number, name, self.nexts.get(number, 0), 0, totals))
        groups = []
        for number, row in self.groups.items():
            mark = self.marks[number]
            runs = runs_of(offset for offset in self.acked[number] if offset >= mark)
            attempts = [attempt for (group, _), attempt in self.attempts.items() if group == number]
            groups.append(RecoveredGroup(number, row.topic, row.name, row.kind, mark, runs, attempts))
        return Recovered(STORE_ID, self.epoch, topics, groups)

    def read(self, first: int, end: int, limit: int) -> tuple[list[Message], int]:
        found = sorted(message_id for message_id in self.messages if first <= message_id < end)
        page = found[:limit]
        return [self.messages[i] for i in page], (page[-1] + 1 if len(found) > limit else end)


@dataclass(eq=False)
class Producer:
    positional: bool = True
    confirmed_count: int = 0
    refused_count: int = 0
    firsts: list[int] = field(default_factory=list)

    def confirmed(self, receipts):
        self.confirmed_count += sum(receipt.count for receipt in receipts)
        self.firsts += [receipt.first for receipt in receipts]

    def refused(self, receipts, reason):
        self.refused_count += sum(receipt.count for receipt in receipts)

    def pause(self):
        """The engine's business."""

    def resume(self):
        """The engine's business."""


@dataclass(eq=False)
class Consumer:
    """Collects what it gets; `held` are the codes it has not acknowledged."""

    topic: str
    credit: int | None
    member: Member = None
    got: list[tuple[str, str]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    @property
    def bodies(self) -> list[str]:
        return [body for _, body in self.got]

    def deliver(self, delivery):
        raise AssertionError("the rig delivers")


class Rig:
    """Runs effects at once; reads can be made to fail."""

    def __init__(self, rules: Rules, choose=lambda members, n: [members[i % len(members)] for i in range(n)]) -> None:
        self.rules = rules
        self.choose = choose
        self.now = START
        self.store = NaiveStore()
        self.reads_fail = False
        self.page_limit = 3
        self.kept: list[Effect] | None = None  # a list: reads go there unanswered, for a test to answer
        self.reads: list[Effect] = []
        self.writes: list[tuple[int, int]] = []  # (members, messages) of each delivery
        self.taken: Taken | None = None
        self.delivered: list[tuple[Consumer, str, Message]] = []
        self.start()

    def start(self) -> None:
        self.taken = None
        self.consumers: list[Consumer] = []
        self.broker = Broker(self.rules, self.store.recover(self.now.wall), self.choose, self.now)
        self.run(self.broker.advance(self.now))

    crash = start

    def run(self, effects: list[Effect]) -> None:
        queue = list(effects)
        while queue:
            queue += self._carry_out(queue.pop(0))

    def _carry_out(self, effect: Effect) -> list[Effect]:  # noqa: PLR0911, PLR0912 -- one case an effect
        broker, store, now = self.broker, self.store, self.now
        if not isinstance(effect, (Confirm, Refuse, Deliver)):
            self.reads.append(effect)
            if self.kept is not None:
                self.kept.append(effect)
                return []
        match effect:
            case Confirm(publisher, receipts):
                publisher.confirmed(receipts)
            case Refuse(publisher, receipts, reason):
                publisher.refused(receipts, reason)
            case Deliver(members, delivery):
                self.writes.append((len(members), len(delivery.messages)))
                for member in members:
                    consumer = member.receiver
                    for code, message in zip(delivery.codes, delivery.messages, strict=True):
                        self.delivered.append((consumer, code, message))
                        consumer.got.append((code, message.data))
                        if consumer.credit is not None:
                            consumer.held.append(code)
            case ReadPage() if self.reads_fail:
                return broker.arrivals.page_read(effect, None, 0, now)
            case ReadPage(_, _, first, end):
                return broker.arrivals.page_read(effect, *store.read(first, end, self.page_limit), now)
            case FetchMessages() if self.reads_fail:
                return broker.arrivals.fetched(effect, None, 0, now)
            case FetchMessages(topic, _, ids):
                ordered = sorted(ids)
                stop = ordered[self.page_limit] if len(ordered) > self.page_limit else make_id(topic.number + 1, 0)
                found = [store.messages[i] for i in ordered if i in store.messages and i < stop]
                return broker.arrivals.fetched(effect, found, stop, now)
            case LoadSchedule() if self.reads_fail:
                return broker.arrivals.schedule_loaded(effect, None, now)
            case LoadSchedule(after, limit):
                due = sorted(
                    (m.due, m.id) for m in store.messages.values() if m.due is not None and (m.due, m.id) > after
                )
                return broker.arrivals.schedule_loaded(effect, due[:limit], now)
            case Sweep(topic, first, before, limit):
                ids = sorted(i for i in store.messages if first <= i < make_id(topic.number + 1, 0))[:limit]
                old, stop = [], first
                for message_id in ids:
                    message = store.messages[message_id]
                    if message.due is None and message.created >= before:
                        break
                    stop = message_id + 1
                    if message.due is None:
                        old.append(message)
                return broker.retention.swept(effect, old, stop, now)
            case SweepDelayed(before, limit):
                old = sorted((m for m in store.messages.values() if m.due and m.due < before), key=lambda m: m.due)
                return broker.retention.swept_delayed(effect, old[:limit], now)
            case _:
                raise AssertionError(effect)
        return []

    # ---- what happens

    def publish(self, topic: str, bodies: list[str], delay: int = 0, producer: Producer | None = None) -> Producer:
        producer = producer or Producer()
        drafts = [Draft(body, delay, delay * 1000) for body in bodies]
        self.run(self.broker.publish(producer, topic, drafts, None, self.now))
        return producer

    def begin_commit(self) -> None:
        if self.taken is None and self.broker.ledger:
            self.taken = self.broker.take_commit()

    def end_commit(self) -> None:
        if self.taken is not None:
            taken, self.taken = self.taken, None
            self.store.apply(taken.commit)
            self.run(self.broker.committed(taken, self.now))

    def fail_commit(self, *, give_up: bool = False) -> None:
        if self.taken is not None:
            taken, self.taken = self.taken, None
            self.run(self.broker.commit_failed(taken, StoreUnavailable("full"), give_up=give_up))

    def commit(self) -> None:
        """Until nothing is left to commit."""
        self.end_commit()
        while self.broker.ledger:
            self.begin_commit()
            self.end_commit()

    def connect(self, topic: str, credit: int | None = 10) -> Consumer:
        consumer = Consumer(topic, credit)
        consumer.member, effects = self.broker.subscribe(consumer, topic, credit, self.now)
        self.consumers.append(consumer)
        self.run(effects)
        return consumer

    def disconnect(self, consumer: Consumer) -> None:
        self.consumers.remove(consumer)
        consumer.held.clear()
        self.run(self.broker.unsubscribe(consumer.member, self.now))

    def ack(self, consumer: Consumer, codes: list[str]) -> None:
        for code in codes:
            if code in consumer.held:
                consumer.held.remove(code)
        self.run(self.broker.ack(consumer.member, codes, self.now))

    def flow(self, consumer: Consumer, *, flowing: bool) -> None:
        self.run(self.broker.flow(consumer.member, flowing=flowing, now=self.now))

    def wait(self, seconds: float) -> None:
        self.now = Moment(self.now.wall + int(seconds * 1000), self.now.steady + seconds)
        self.run(self.broker.advance(self.now))
        self.settle()

    def settle(self) -> None:
        """Rounds of dealing until nobody wants another."""
        for _ in range(10_000):
            if self.broker.next_wait(self.now) != 0.0:
                return
            self.run(self.broker.advance(self.now))
        raise AssertionError("the broker never comes to rest")

    def sweep(self) -> None:
        self.run(self.broker.retention.sweep(self.now))

    def refill(self, count: int) -> None:
        self.run(self.broker.refill(count, self.now))

    def answer_kept(self) -> None:
        """Answer the reads that were kept, and all later ones at once."""
        kept, self.kept = self.kept or [], None
        self.run(kept)
        self.settle()

    def end_commit_into_the_next(self) -> None:
        """As the pipeline does: the next commit is taken before this one is reported."""
        taken = self.taken
        assert taken is not None
        self.store.apply(taken.commit)
        self.taken = self.broker.take_commit() if self.broker.ledger else None
        self.run(self.broker.committed(taken, self.now))

    def stored(self, body: str) -> Message:
        return next(message for message in self.store.messages.values() if message.data == body)

    def delete(self, body: str) -> bool:
        self.broker.retention.look_up()
        return self.broker.retention.delete(self.stored(body), self.now)

    def jump(self, seconds: float) -> None:
        """The wall clock is set, forward or back."""
        self.now = self.now._replace(wall=self.now.wall + int(seconds * 1000))
        self.run(self.broker.advance(self.now))
        self.settle()

    def offsets(self) -> set[int]:
        return {message_id & OFFSET_MASK for message_id in self.store.messages}
