"""How long messages are kept: consumed ones, old ones, and those that somebody deletes."""

from collections import deque
from collections.abc import Sequence

from kapokmq.core.catalog import Catalog
from kapokmq.core.commit import RemovedRow
from kapokmq.core.effects import Effect, Sweep, SweepDelayed, SweepExpired
from kapokmq.core.group import Group
from kapokmq.core.ledger import Ledger
from kapokmq.core.message import OFFSET_MASK, make_id, topic_of
from kapokmq.core.moment import Moment
from kapokmq.core.query import Remnant
from kapokmq.core.ranges import RangeSet, Run, runs_of
from kapokmq.core.rules import SLICE, Rules
from kapokmq.core.schedule import Schedule
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic

SWEPT_AT_ONCE = 100  # topics a sweep looks at; the next one goes on with others


class Retention:
    """Removes messages through commits, in slices: one slice is read at a time, however many topics there are.

    `removed` counts rows of removals since the start, `committed_rows` those that the store has carried out: who has
    noted the first knows by the second when that is done, however much is removed meanwhile.
    """

    def __init__(self, rules: Rules, catalog: Catalog, ledger: Ledger, tally: Tally, schedule: Schedule) -> None:
        self._rules = rules
        self._catalog = catalog
        self._ledger = ledger
        self._tally = tally
        self._schedule = schedule
        # Ids removed here that the store, or an answer of its, may still have: lately, and before that.
        self._going = RangeSet()
        self._going_before = RangeSet()
        self._before_until = 0  # rows of removals that must be committed until nothing has those of before
        self.removed = 0
        self.committed_rows = 0
        self._round: deque[Topic] = deque()  # topics that no sweep of this round has come to
        self._todo: deque[Topic] = deque()  # topics of the sweep under way
        self._sweeping = False
        self._delayed_left = False  # the last slice of delayed messages, or of expired ones, was full
        self._delayed_until = 0  # rows that must be committed until the next one is worth reading
        self._looked_up = 0  # messages that the store is asked for in order to delete them

    # ---- consumed

    def consumed(self, topic: Topic, runs: list[Run], now: Moment) -> None:
        """Every group is done with these offsets."""
        count = sum(last - first + 1 for first, last in runs)
        if not count:
            return
        self._tally.settled(topic, count, now)
        if not self._rules.clean_consumed or topic.effective.retention == "log":
            self._ledger.consume([topic.consumed_row(first, last, now.wall) for first, last in runs])
            return
        self._tally.removed(topic, count, count, now, by_age=False)
        self._remove(topic, runs)

    # ---- deleted

    def look_up(self) -> None:
        """Somebody asks the store for messages, in order to `delete` or to `drop` them then."""
        self._looked_up += 1

    def looked(self) -> None:
        """The answer came, and what was to be dropped is."""
        self._looked_up -= 1

    def delete(self, remnants: Sequence[Remnant], now: Moment) -> int:
        """Delete what was looked up, as far as it was found. Gives how many there were."""
        self.looked()
        return self._drop_all(remnants, now, by_age=False)

    def is_going(self, message_id: int) -> bool:
        """Whether a message is on its way out of the store."""
        return message_id in self._going or message_id in self._going_before

    def drop(self, topic: Topic, messages: Sequence[Remnant], now: Moment, *, by_age: bool) -> int:
        """Remove messages that the store has, and end what groups do with them. Gives how many."""
        going = [message for message in messages if not self.is_going(message.id)]
        if by_age:  # one that is moved is not as old as the store has it yet
            going = [message for message in going if not self._schedule.is_moving(message.id)]
        delayed = 0
        for message in going:
            if message.due is not None and self._schedule.is_waiting(message.id, message.due):
                self._schedule.cancel(message.id)
                offset = message.id & OFFSET_MASK
                delayed += not topic.consumed_part(offset, offset)
        runs = runs_of(message.id & OFFSET_MASK for message in going)
        consumed = 0
        for first, last in runs:
            consumed += sum(end - start + 1 for start, end in topic.consumed_part(first, last))
            for group in topic.all_groups():
                self._ledger.acknowledge(group, group.removed(first, last))
        if delayed:
            self._tally.fell_due(topic, delayed)
        if going:
            self._tally.resized(topic, -sum(message.size for message in going))
            self._tally.removed(topic, len(going), consumed, now, by_age=by_age)
            self._remove(topic, runs)
        return len(going)

    # ---- old

    def sweep(self, now: Moment) -> list[Effect]:
        """Start looking for messages past their time, unless that is under way."""
        if self._sweeping:
            return []
        self._sweeping = True
        if not self._round:
            self._round.extend(topic for topic in self._catalog.by_number.values() if topic.stored)
        self._todo.extend(self._round.popleft() for _ in range(min(SWEPT_AT_ONCE, len(self._round))))
        return self._next_slice(now)

    def swept(self, asked: Sweep, messages: Sequence[Remnant] | None, stop: int, now: Moment) -> list[Effect]:
        """A slice of a topic: what is old in it, up to the id `stop` (None: it could not be read)."""
        if messages is None:
            return self._stop()
        asked.topic.swept = max(asked.topic.swept, stop)
        self.drop(asked.topic, messages, now, by_age=True)
        if stop > asked.first:
            self._todo.appendleft(asked.topic)
        return self._next_slice(now)

    def swept_delayed(self, asked: SweepDelayed, messages: Sequence[Remnant] | None, now: Moment) -> list[Effect]:
        """A slice of the messages that were delayed and are old (None: it could not be read)."""
        self._drop_all(messages or (), now, by_age=True)
        # What is removed leaves the store with a commit; only then can the next slice be read.
        self._delayed_left = len(messages or ()) >= asked.limit
        return self._next_expired(now)

    def swept_expired(self, asked: SweepExpired, messages: Sequence[Remnant] | None, now: Moment) -> list[Effect]:
        """A slice of the messages that have expired (None: it could not be read)."""
        self._drop_all(messages or (), now, by_age=True)
        self._delayed_left = self._delayed_left or len(messages or ()) >= asked.limit
        self._delayed_until = self.removed
        return self._stop()

    def spare(self, topic: Topic, group: Group) -> None:
        """Have a group, which may be new, done with what is removed and may still be read from the store."""
        start = make_id(topic.number, 0)
        for going in (self._going, self._going_before):
            for first, last in going.within(start, start | OFFSET_MASK):
                self._ledger.acknowledge(group, group.position.settle(first & OFFSET_MASK, last & OFFSET_MASK))

    def committed(self, removed: int, now: Moment) -> list[Effect]:
        """A commit is durable that took that many rows of removals along."""
        self.committed_rows += removed
        if self._sweeping:
            return []
        if not self._looked_up and self.committed_rows >= self._before_until:
            # Nothing has those of before any more: neither the store, nor an answer on its way.
            everything = self.committed_rows == self.removed
            self._going_before = RangeSet() if everything else self._going
            self._going, self._before_until = RangeSet(), self.removed
            self._schedule.removed(everything=everything)
        if not self._delayed_left or self.committed_rows < self._delayed_until:
            return []
        self._delayed_left, self._sweeping = False, True
        return self._next_slice(now)

    # ---- inside

    def _age(self, topic: Topic) -> float | None:
        """How long a topic keeps messages, in seconds."""
        age = topic.effective.max_age
        return self._rules.clean_seconds if age is None else age

    def _next_slice(self, now: Moment) -> list[Effect]:
        while self._todo:
            topic = self._todo.popleft()
            age = self._age(topic)
            if age is not None:
                return [Sweep(topic, topic.swept, now.wall - int(age * 1000), SLICE)]
        if self._rules.clean_seconds is None:
            return self._next_expired(now)
        return [SweepDelayed(now.wall - int(self._rules.clean_seconds * 1000), SLICE)]

    @staticmethod
    def _next_expired(now: Moment) -> list[Effect]:
        return [SweepExpired(now.wall, SLICE)]

    def _stop(self) -> list[Effect]:
        self._todo.clear()
        self._sweeping = False
        return []

    def _drop_all(self, remnants: Sequence[Remnant], now: Moment, *, by_age: bool) -> int:
        by_topic: dict[int, list[Remnant]] = {}
        for remnant in remnants:
            by_topic.setdefault(topic_of(remnant.id), []).append(remnant)
        return sum(
            self.drop(self._catalog.by_number[number], theirs, now, by_age=by_age)
            for number, theirs in by_topic.items()
            if number in self._catalog.by_number
        )

    def _remove(self, topic: Topic, runs: list[Run]) -> None:
        topic.removed(runs)
        rows = [RemovedRow(make_id(topic.number, first), make_id(topic.number, last)) for first, last in runs]
        self._ledger.remove(topic, rows)
        self.removed += len(rows)
        for first, last in rows:
            self._going.add(first, last)
