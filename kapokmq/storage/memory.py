"""The store in memory, for nodes that keep nothing: the same answers, gone with the process."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import islice, takewhile

from twisted.internet.defer import Deferred, fail, succeed

from kapokmq.core.commit import Commit, DroppedRow, Outcome
from kapokmq.core.errors import MisuseError
from kapokmq.core.message import OFFSET_MASK, Message, make_id, topic_of
from kapokmq.core.query import (
    DeadPage,
    DeadQuery,
    DuePage,
    DueQuery,
    HourCounts,
    MessageQuery,
    Remnant,
    Search,
    SearchPage,
    Stored,
    Trace,
)
from kapokmq.core.recovered import Recovered
from kapokmq.storage.memory_hours import Hours
from kapokmq.storage.memory_keys import MemoryKeys, MemorySessions
from kapokmq.storage.memory_lives import Lives
from kapokmq.storage.memory_searches import Searches
from kapokmq.storage.memory_shelf import Shelf, fitting
from kapokmq.storage.store import Due, Page, Remembered, Remnants


class MemoryStore:
    """The Store of a node that promises nothing beyond its own life. See Store for the rest.

    Consumed messages can still be found while there is room: once all messages together take more than `budget` bytes,
    those consumed first go, and `dropped` tells. Unconsumed ones are never dropped here: `held` says what they take,
    and the broker stops producers. `entropy` gives that many random bytes.
    """

    paged = False

    def __init__(self, budget: int, *, entropy: Callable[[int], bytes]) -> None:
        self.held = 0
        self._budget = budget
        self._entropy = entropy
        self._consumed_bytes = 0
        self._topics: dict[int, None] = {}
        self._shelf = Shelf()
        self._lives = Lives(self._shelf.messages.__contains__)
        self._searches = Searches(self._shelf, self._lives)
        self._keys = MemoryKeys()
        self._sessions = MemorySessions()
        self._hours = Hours()
        self._oldest: deque[tuple[int, int]] = deque()  # runs of ids, in the order in which they were consumed
        self._dropped: Counter[int] = Counter()  # by topic

    def open(self, now: int) -> Recovered:
        """See Store.open: there is never anything."""
        return Recovered(int.from_bytes(self._entropy(8), "big"), 1, [], [])

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """See Store.commit. What only a restart asks for (policies, patterns, marks, acks, attempts) is not kept."""
        ids = [message.id for message in commit.publishes]
        if len(set(ids)) < len(ids) or not self._shelf.messages.keys().isdisjoint(ids):
            return fail(MisuseError("a message of this id is stored already"))
        self._topics.update((row.number, None) for row in commit.topics)
        self._lives.join(commit.groups)
        duplicates = self._keys.duplicates(commit.keys)
        left_out = {one.id for one in duplicates}
        self._keys.remember([row for row in commit.keys if row.id not in left_out])
        self._publish([message for message in commit.publishes if message.id not in left_out])
        self._sessions.remember(commit.sent, duplicates)
        for due in commit.dues:
            self._shelf.reschedule(due)
        for first, last, at in commit.consumed:
            self._consume(first, last, at)
        self._lives.ack(commit.acked)
        self._lives.die(commit.dead)
        self._lives.revive(commit.revived)
        self._lives.happen(commit.events)
        for first, last in commit.removed:
            self._remove(first, last)
        self._sessions.forget(commit.forgotten)
        self._hours.add(commit.hours)
        self._hours.leave_out(commit.hours, duplicates)
        for row in commit.dropped:
            self._drop(row)
        while self._oldest and self._shelf.is_empty(*self._oldest[0]):
            self._oldest.popleft()
        self._make_room()
        topics = sorted({row.topic for row in commit.sizes} & self._topics.keys())
        return succeed(Outcome(duplicates, [(topic, self._shelf.sizes[topic]) for topic in topics]))

    def read(self, first: int, end: int, limit: int, max_bytes: int) -> Deferred[Page]:
        """See Store.read."""
        messages = fitting(islice(self._shelf.within(first, end - 1), limit), max_bytes, _size)
        after = self._shelf.ids.ceiling(messages[-1].id + 1 if messages else first)
        more = bool(messages) and after is not None and after < end
        return succeed(Page(messages, messages[-1].id + 1 if more else end))

    def fetch(self, ids: Sequence[int], max_bytes: int) -> Deferred[Page]:
        """See Store.fetch."""
        there = sorted(self._shelf.messages.keys() & set(ids))
        messages = fitting(map(self._shelf.messages.__getitem__, there), max_bytes, _size)
        if len(messages) < len(there):
            return succeed(Page(messages, messages[-1].id + 1))
        return succeed(Page(messages, max(ids, default=-1) + 1))

    def scheduled(self, after: Due, limit: int) -> Deferred[list[Due]]:
        """See Store.scheduled."""
        return succeed([Due(*key) for key in islice(self._shelf.dues.ascending((after.due, after.id + 1)), limit)])

    def find(self, message_id: int, now: int) -> Deferred[Stored | None]:
        """See Store.find."""
        message = self._shelf.messages.get(message_id)
        return succeed(None if message is None else self._searches.stored(message, now))

    def search(self, query: MessageQuery) -> Deferred[list[Stored]]:
        """See Store.search."""
        return succeed(self._searches.search(query, self._asked(query.topic)))

    def inspect(self, search: Search) -> Deferred[SearchPage]:
        """See Store.inspect."""
        return succeed(self._searches.inspect(search, self._asked(search.topic)))

    def aged(self, topic: int, first: int, before: int, limit: int, *, every: bool = False) -> Deferred[Remnants]:
        """See Store.aged."""
        old: list[Remnant] = []
        stop = first
        for message in islice(self._shelf.within(first, make_id(topic, OFFSET_MASK)), limit):
            if message.created >= before:
                stop = message.id
                break
            if every or message.due is None:
                old.append(_remnant(message))
            stop = message.id + 1
        return succeed(Remnants(old, stop))

    def aged_delayed(self, before: int, limit: int) -> Deferred[list[Remnant]]:
        """See Store.aged_delayed."""
        early = takewhile(lambda key: key[0] < before, self._shelf.dues)
        messages = (self._shelf.messages[message_id] for _, message_id in early)
        return succeed([_remnant(one) for one in islice((m for m in messages if m.expire is None), limit)])

    def expired(self, before: int, limit: int) -> Deferred[list[Remnant]]:
        """See Store.expired."""
        early = takewhile(lambda key: key[0] < before, self._shelf.expiries)
        return succeed([_remnant(self._shelf.messages[message_id]) for _, message_id in islice(early, limit)])

    def delayed(self, topic: int | None, now: int, after: Due, limit: int, max_bytes: int) -> Deferred[list[Message]]:
        """See Store.delayed."""
        dues = self._shelf.dues_of(topic).ascending(max((after.due, after.id + 1), (now + 1, 0)))
        waiting = (key for _, key in dues if self._shelf.consumed.covering(key) is None)
        messages = map(self._shelf.messages.__getitem__, islice(waiting, limit))
        return succeed(fitting(messages, max_bytes, _size))

    def due_counts(self, query: DueQuery) -> Deferred[DuePage]:
        """See Store.due_counts."""
        return succeed(self._shelf.due_counts(query))

    def dead(self, query: DeadQuery) -> Deferred[DeadPage]:
        """See Store.dead."""
        return succeed(self._searches.dead(query))

    def trace(self, message_id: int) -> Deferred[Trace]:
        """See Store.trace."""
        return succeed(self._lives.trace(message_id))

    def since(self, topic: int, created: int) -> Deferred[int | None]:
        """See Store.since."""
        older = self._shelf.newest(topic, created - 1)
        found = self._shelf.ids.ceiling(older + 1)
        return succeed(found & OFFSET_MASK if found is not None and topic_of(found) == topic else None)

    def first_due(self, ranges: Sequence[tuple[int, int]], now: int, look: int) -> Deferred[list[int | None]]:
        """See Store.first_due."""
        return succeed([self._shelf.first_due(first, end, now, look) for first, end in ranges])

    def sent(self, session: str, limit: int) -> Deferred[list[Remembered]]:
        """See Store.sent."""
        return succeed(self._sessions.sent(session, limit))

    def hours(self, topic: int | None, first: int, last: int) -> Deferred[list[HourCounts]]:
        """See Store.hours."""
        return succeed(self._hours.within(self._asked(topic), first, last))

    def tidy(self, sessions_before: int, buckets: Sequence[tuple[int, int]], limit: int) -> Deferred[int]:
        """See Store.tidy."""
        taken = self._sessions.tidy(sessions_before, limit)
        return succeed(taken + self._keys.tidy(buckets, max(limit - taken, 0)))

    def dropped(self) -> list[tuple[int, int]]:
        """See Store.dropped."""
        told = sorted(self._dropped.items())
        self._dropped.clear()
        return told

    def close(self) -> Deferred[None]:
        """See Store.close."""
        return succeed(None)

    # ---- what a commit does

    def _publish(self, messages: Sequence[Message]) -> None:
        self._shelf.put(messages)
        self.held += sum([message.size for message in messages])

    def _consume(self, first: int, last: int, at: int) -> None:
        for run in self._shelf.consumed.add(first, last, at):
            size = self._shelf.size(run.first, run.last)
            self.held -= size
            self._consumed_bytes += size
            if self._oldest and self._oldest[-1][1] + 1 == run.first:
                self._oldest.append((self._oldest.pop()[0], run.last))
            else:
                self._oldest.append((run.first, run.last))

    def _remove(self, first: int, last: int) -> list[Message]:
        consumed = sum(
            self._shelf.size(max(run.first, first), min(run.last, last))
            for run in self._shelf.consumed.within(first, last)
        )
        self._consumed_bytes -= consumed
        self.held += consumed
        gone = self._shelf.take(first, last)
        self.held -= sum([message.size for message in gone])
        self._lives.remove(gone, first, last, self._shelf.is_empty)
        return gone

    def _drop(self, row: DroppedRow) -> None:
        if row.kind == "group":
            self._lives.drop_group(row.number)
        else:
            self._lives.drop_topic(row.number)
            self._keys.drop(row.number)
            self._hours.drop(row.number)
            self._topics.pop(row.number, None)

    def _make_room(self) -> None:
        while self._oldest and self.held + self._consumed_bytes > self._budget:
            first, last = self._oldest.popleft()
            excess = self.held + self._consumed_bytes - self._budget
            for message in self._shelf.within(first, last):
                excess -= message.size
                if excess <= 0:
                    if message.id < last:
                        self._oldest.appendleft((message.id + 1, last))
                    last = message.id
                    break
            self._dropped.update(topic_of(message.id) for message in self._remove(first, last))

    # ---- what is asked

    def _asked(self, topic: int | None) -> list[int]:
        return list(self._topics) if topic is None else [topic]


def _size(message: Message) -> int:
    return message.size


def _remnant(message: Message) -> Remnant:
    return Remnant(message.id, message.due, message.size)
