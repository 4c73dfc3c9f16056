"""How long messages are kept: consumed ones, old ones, and those that somebody deletes."""

from collections import deque
from collections.abc import Sequence

from kapokmq.core.catalog import Catalog
from kapokmq.core.commit import RemovedRow
from kapokmq.core.effects import Effect, Sweep, SweepDelayed
from kapokmq.core.group import Group
from kapokmq.core.ledger import Ledger
from kapokmq.core.message import OFFSET_MASK, Message, make_id, topic_of
from kapokmq.core.moment import Moment
from kapokmq.core.ranges import RangeSet, Run, runs_of
from kapokmq.core.rules import SLICE, Rules
from kapokmq.core.schedule import Schedule
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic

SWEPT_AT_ONCE = 100  # topics a sweep looks at; the next one goes on with others


class Retention:
    """Removes messages through commits, in slices: one slice is read at a time, however many topics there are."""

    def __init__(self, rules: Rules, catalog: Catalog, ledger: Ledger, tally: Tally, schedule: Schedule) -> None:
        self._rules = rules
        self._catalog = catalog
        self._ledger = ledger
        self._tally = tally
        self._schedule = schedule
        self._going = RangeSet()  # ids removed here that the store, or an answer of its, may still have
        self._uncommitted = 0  # rows of them that no commit has taken to the store yet
        self._round: deque[Topic] = deque()  # topics that no sweep of this round has come to
        self._todo: deque[Topic] = deque()  # topics of the sweep under way
        self._sweeping = False
        self._delayed_left = False  # the last slice of delayed messages was full
        self._looked_up = 0  # messages that the store is asked for in order to delete them

    # ---- consumed

    def consumed(self, topic: Topic, runs: list[Run], now: Moment) -> None:
        """Every group is done with these offsets."""
        count = sum(last - first + 1 for first, last in runs)
        if not count:
            return
        self._tally.settled(topic, count, now)
        if not self._rules.clean_consumed:
            self._ledger.consume([topic.consumed_row(first, last, now.wall) for first, last in runs])
            return
        self._tally.removed(topic, count, count, now, by_age=False)
        self._remove(topic, runs)

    # ---- deleted

    def look_up(self) -> None:
        """Somebody asks the store for a message, in order to `delete` it then."""
        self._looked_up += 1

    def delete(self, message: Message | None, now: Moment) -> bool:
        """Delete the message that was looked up; None if it was not found. False if it is gone already."""
        self._looked_up -= 1
        if message is None:
            return False
        return bool(self._drop(self._catalog.by_number[topic_of(message.id)], [message], now, by_age=False))

    # ---- old

    def sweep(self, now: Moment) -> list[Effect]:
        """Start looking for messages past their time, unless that is under way."""
        if self._rules.clean_seconds is None or self._sweeping:
            return []
        self._sweeping = True
        if not self._round:
            self._round.extend(topic for topic in self._catalog.by_number.values() if topic.stored)
        self._todo.extend(self._round.popleft() for _ in range(min(SWEPT_AT_ONCE, len(self._round))))
        return self._next_slice(now)

    def swept(self, asked: Sweep, messages: Sequence[Message] | None, stop: int, now: Moment) -> list[Effect]:
        """A slice of a topic: what is old in it, up to the id `stop` (None: it could not be read)."""
        if messages is None:
            return self._stop()
        asked.topic.swept = max(asked.topic.swept, stop)
        self._drop(asked.topic, messages, now, by_age=True)
        if stop > asked.first:
            self._todo.appendleft(asked.topic)
        return self._next_slice(now)

    def swept_delayed(self, asked: SweepDelayed, messages: Sequence[Message] | None, now: Moment) -> list[Effect]:
        """A slice of the messages that were delayed and are old (None: it could not be read)."""
        by_topic: dict[int, list[Message]] = {}
        for message in messages or ():
            by_topic.setdefault(topic_of(message.id), []).append(message)
        for number, theirs in by_topic.items():
            self._drop(self._catalog.by_number[number], theirs, now, by_age=True)
        # What is removed leaves the store with a commit; only then can the next slice be read.
        self._delayed_left = len(messages or ()) >= asked.limit
        return self._stop()

    def spare(self, topic: Topic, group: Group) -> None:
        """Have a group, which may be new, done with what is removed and may still be read from the store."""
        start = make_id(topic.number, 0)
        for first, last in self._going.within(start, start | OFFSET_MASK):
            self._ledger.acknowledge(group, group.position.settle(first & OFFSET_MASK, last & OFFSET_MASK))

    def committed(self, removed: int, now: Moment) -> list[Effect]:
        """A commit is durable that took that many rows of removals along; after the last the store has nothing left."""
        self._uncommitted -= removed
        if self._uncommitted:
            return []
        self._schedule.removed()
        if self._sweeping:
            return []
        if not self._looked_up:
            self._going = RangeSet()
        if not self._delayed_left:
            return []
        self._delayed_left, self._sweeping = False, True
        return self._next_slice(now)

    # ---- inside

    def _next_slice(self, now: Moment) -> list[Effect]:
        before = now.wall - int((self._rules.clean_seconds or 0) * 1000)
        if self._todo:
            topic = self._todo.popleft()
            return [Sweep(topic, topic.swept, before, SLICE)]
        return [SweepDelayed(before, SLICE)]

    def _stop(self) -> list[Effect]:
        self._todo.clear()
        self._sweeping = False
        return []

    def _drop(self, topic: Topic, messages: Sequence[Message], now: Moment, *, by_age: bool) -> int:
        """Remove messages that the store has, and end what groups do with them. Gives how many."""
        going = [message for message in messages if message.id not in self._going]
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
            for group in topic.groups.values():
                self._ledger.acknowledge(group, group.removed(first, last))
        if delayed:
            self._tally.fell_due(topic, delayed)
        if going:
            self._tally.removed(topic, len(going), consumed, now, by_age=by_age)
            self._remove(topic, runs)
        return len(going)

    def _remove(self, topic: Topic, runs: list[Run]) -> None:
        topic.removed()
        rows = [RemovedRow(make_id(topic.number, first), make_id(topic.number, last)) for first, last in runs]
        self._ledger.remove(rows)
        self._uncommitted += len(rows)
        for first, last in rows:
            self._going.add(first, last)
