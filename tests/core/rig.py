"""A broker with everything around it in memory: a naive store, scripted consumers, a clock that tests move."""

from kapokmq.core import sessions as remembering
from kapokmq.core.broker import Broker
from kapokmq.core.effects import (
    Confirm,
    Deliver,
    Dismiss,
    Effect,
    FetchMessages,
    LoadSchedule,
    ReadPage,
    Refuse,
    Sweep,
    SweepDelayed,
    SweepExpired,
)
from kapokmq.core.engine import Wish
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.ledger import Taken
from kapokmq.core.message import OFFSET_MASK, Draft, Message, Text, make_id
from kapokmq.core.moment import Moment
from kapokmq.core.overview import split_delayed
from kapokmq.core.peers import Receipt
from kapokmq.core.publishing import Call
from kapokmq.core.rules import Rules
from tests.core.naive_store import NaiveStore, remnants
from tests.core.scripted import Consumer, Producer

START = Moment(1_800_000_000_000, 1000.0)


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
        if not isinstance(effect, (Confirm, Refuse, Deliver, Dismiss)):
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
                    consumer = member.consumer.receiver
                    consumer.attempts += delivery.attempts or [1] * len(delivery.codes)
                    for code, message in zip(delivery.codes, delivery.messages, strict=True):
                        self.delivered.append((consumer, code, message))
                        consumer.got.append((code, message.data))
                        if member.owes:
                            consumer.held.append(code)
            case Dismiss(receiver, reason):
                receiver.reason = reason
                receiver.held.clear()
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
            case Sweep() | SweepDelayed() | SweepExpired() if self.reads_fail:
                return (
                    broker.swept(effect, None, 0, now)
                    if isinstance(effect, Sweep)
                    else broker.swept_apart(effect, None, now)
                )
            case Sweep(topic, first, before, limit, every):
                ids = sorted(i for i in store.messages if first <= i < make_id(topic.number + 1, 0))[:limit]
                old, stop = [], first
                for message_id in ids:
                    message = store.messages[message_id]
                    if message.due is None and message.created >= before:
                        break
                    stop = message_id + 1
                    if message.due is None or every:
                        old.append(message)
                return broker.swept(effect, remnants(old), stop, now)
            case SweepDelayed(before, limit):
                late = [m for m in store.messages.values() if m.due and m.due < before and m.expire is None]
                return broker.swept_apart(effect, remnants(sorted(late, key=lambda m: m.due)[:limit]), now)
            case SweepExpired(before, limit):
                late = [m for m in store.messages.values() if m.expire is not None and m.expire < before]
                return broker.swept_apart(effect, remnants(sorted(late, key=lambda m: m.expire)[:limit]), now)
            case _:
                raise AssertionError(effect)
        return []

    # ---- what happens

    def publish(self, topic: str, bodies: list[str], delay: int = 0, producer: Producer | None = None) -> Producer:
        drafts = [Draft(body, delay, delay * 1000) if delay else Text(body) for body in bodies]
        return self.send(topic, drafts, producer)

    def send(self, topic: str, drafts: list[Draft], producer: Producer | None = None, **call) -> Producer:
        """Publish drafts; what else is given makes the Call."""
        producer = producer or Producer()
        self.run(self.broker.publish(producer, topic, drafts, None, self.now, Call(**call)))
        return producer

    def session(self, name: str):
        """The open session of that name."""
        sessions = self.broker.publishing.sessions
        found = sessions.open(name)
        if found is None:
            codes = self.broker.codes
            calls = [
                (
                    number,
                    Receipt(
                        None,
                        first,
                        count,
                        codes.prefix(epoch),
                        "fsync",
                        {i: codes.code(o, e) for i, o, e in theirs} or None,
                    ),
                    crc,
                )
                for number, (first, epoch, count, crc, theirs) in self.store.remembered(name)[-remembering.REMEMBERED :]
            ]
            found = sessions.loaded(name, calls)
        return found

    def begin_commit(self) -> None:
        if self.taken is None and self.broker.ledger:
            self.taken = self.broker.take_commit()

    def end_commit(self) -> None:
        if self.taken is not None:
            taken, self.taken = self.taken, None
            outcome = self.store.apply(taken.commit)
            self.run(self.broker.committed(taken, self.now, outcome))

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
        consumer.consumer, effects = self.broker.subscribe(consumer, topic, credit, self.now)
        self.consumers.append(consumer)
        self.run(effects)
        return consumer

    def join(self, topic: str, group: str | None, credit: int | None = 10, **wish) -> Consumer:
        """Become a member as wished, and flow."""
        consumer = Consumer(topic, credit)
        wanted = Wish(group, credit, **wish)
        starts = {each: self.since(each, wanted.start) for each in self.broker.consuming.seeks(topic, wanted)}
        consumer.consumer, effects = self.broker.join(consumer, topic, wanted, starts, self.now)
        self.consumers.append(consumer)
        self.run(effects)
        self.flow(consumer, flowing=True)
        return consumer

    def since(self, topic, created: int) -> int:
        later = [
            i & OFFSET_MASK for i, m in self.store.messages.items() if i >> 40 == topic.number and m.created >= created
        ]
        return min(later, default=topic.visible)

    def disconnect(self, consumer: Consumer) -> None:
        self.consumers.remove(consumer)
        consumer.held.clear()
        self.run(self.broker.unsubscribe(consumer.consumer, self.now))

    def ack(self, consumer: Consumer, codes: list[str]) -> list[str]:
        self._drop_held(consumer, codes)
        ignored, effects = self.broker.ack(consumer.consumer, codes, self.now)
        self.run(effects)
        return ignored

    def nack(self, consumer: Consumer, codes: list[str], wait: float | None = None, reason: str = "no") -> list[str]:
        self._drop_held(consumer, codes)
        ignored, effects = self.broker.nack(consumer.consumer, codes, wait, reason, self.now)
        self.run(effects)
        return ignored

    def touch(self, consumer: Consumer, codes: list[str]) -> list[str]:
        return self.broker.touch(consumer.consumer, codes, self.now)

    def credit(self, consumer: Consumer, credit: int) -> None:
        self.run(self.broker.credit(consumer.consumer, credit, self.now))

    def flow(self, consumer: Consumer, *, flowing: bool) -> None:
        self.run(self.broker.flow(consumer.consumer, flowing=flowing, now=self.now))

    @staticmethod
    def _drop_held(consumer: Consumer, codes: list[str]) -> None:
        for code in codes:
            if code in consumer.held:
                consumer.held.remove(code)

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
        self.run(self.broker.check(self.now))

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
        outcome = self.store.apply(taken.commit)
        self.taken = self.broker.take_commit() if self.broker.ledger else None
        self.run(self.broker.committed(taken, self.now, outcome))

    def topic(self, name: str):
        return self.broker.catalog.by_name[name]

    def group(self, topic: str, name: str = "default"):
        return self.topic(topic).groups[name]

    def delayed(self, topic: str):
        """The offsets of those that are still to fall due."""
        offsets = {}
        split_delayed(self.broker.schedule.waiting(), offsets)
        return offsets.get(self.topic(topic).number, [])

    def stored(self, body: str) -> Message:
        return next(message for message in self.store.messages.values() if message.data == body)

    def delete(self, body: str) -> bool:
        self.broker.retention.look_up()
        return bool(self.broker.retention.delete(remnants([self.stored(body)]), self.now))

    def jump(self, seconds: float) -> None:
        """The wall clock is set, forward or back."""
        self.now = self.now._replace(wall=self.now.wall + int(seconds * 1000))
        self.run(self.broker.advance(self.now))
        self.settle()

    def offsets(self) -> set[int]:
        return {message_id & OFFSET_MASK for message_id in self.store.messages}
