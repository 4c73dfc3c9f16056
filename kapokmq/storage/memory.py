"""The store in memory, for nodes that keep nothing: the same answers, gone with the process."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import islice, takewhile
from typing import TypeVar

import msgspec
from twisted.internet.defer import Deferred, fail, succeed

from kapokmq.core.commit import Commit, Recovered
from kapokmq.core.errors import MisuseError
from kapokmq.core.message import OFFSET_MASK, Message, Status, make_id, topic_of
from kapokmq.core.query import MessageQuery, Stored
from kapokmq.storage.blocks import SortedBlocks
from kapokmq.storage.runs import ConsumedRuns
from kapokmq.storage.searches import newest_first, status_of
from kapokmq.storage.store import Due, Page

T = TypeVar("T")


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
        self._topics: list[int] = []
        self._messages: dict[int, Message] = {}
        self._ids: SortedBlocks[int] = SortedBlocks()
        self._delayed: SortedBlocks[int] = SortedBlocks()
        self._dues: SortedBlocks[tuple[int, int]] = SortedBlocks()
        self._consumed = ConsumedRuns()
        self._oldest: deque[tuple[int, int]] = deque()  # runs of ids, in the order in which they were consumed
        self._dropped: Counter[int] = Counter()  # by topic

    def open(self, now: int) -> Recovered:
        """See Store.open: there is never anything."""
        return Recovered(int.from_bytes(self._entropy(8), "big"), 1, [], [])

    def commit(self, commit: Commit) -> Deferred[None]:
        """See Store.commit. What only a restart would ask for (groups, acks, attempts, hours) is not kept."""
        ids = [message.id for message in commit.publishes]
        if len(set(ids)) < len(ids) or not self._messages.keys().isdisjoint(ids):
            return fail(MisuseError("a message of this id is stored already"))
        self._topics += [row.number for row in commit.topics]
        self._publish(ids, commit.publishes)
        for first, last, at in commit.consumed:
            self._consume(first, last, at)
        for first, last in commit.removed:
            self._remove(first, last)
        while self._oldest and self._is_empty(*self._oldest[0]):
            self._oldest.popleft()
        self._make_room()
        return succeed(None)

    def read(self, first: int, end: int, limit: int, max_bytes: int) -> Deferred[Page]:
        """See Store.read."""
        ids = takewhile(end.__gt__, self._ids.ascending(first))
        messages = _fitting((self._messages[message_id] for message_id in islice(ids, limit)), max_bytes, _size)
        after = self._ids.ceiling(messages[-1].id + 1 if messages else first)
        more = bool(messages) and after is not None and after < end
        return succeed(Page(messages, messages[-1].id + 1 if more else end))

    def fetch(self, ids: Sequence[int], max_bytes: int) -> Deferred[Page]:
        """See Store.fetch."""
        there = sorted(self._messages.keys() & set(ids))
        messages = _fitting((self._messages[message_id] for message_id in there), max_bytes, _size)
        if len(messages) < len(there):
            return succeed(Page(messages, messages[-1].id + 1))
        return succeed(Page(messages, max(ids, default=-1) + 1))

    def scheduled(self, after: Due, limit: int) -> Deferred[list[Due]]:
        """See Store.scheduled."""
        return succeed([Due(*key) for key in islice(self._dues.ascending((after.due, after.id + 1)), limit)])

    def find(self, message_id: int, now: int) -> Deferred[Stored | None]:
        """See Store.find."""
        message = self._messages.get(message_id)
        return succeed(None if message is None else self._stored(message, now))

    def search(self, query: MessageQuery) -> Deferred[list[Stored]]:
        """See Store.search."""
        if query.status is Status.DEAD:
            return succeed([])
        topics = self._topics if query.topic is None else [query.topic]
        walks = (self._walk(topic, query) for topic in topics)
        found: Iterator[Stored] = islice(
            merge(*walks, key=newest_first, reverse=True), query.offset, query.offset + max(query.limit, 0)
        )
        if not query.with_data:
            found = (stored._replace(message=_bare(stored.message)) for stored in found)
        return succeed(_fitting(found, query.max_bytes, lambda stored: stored.message.size))

    def aged(self, topic: int, first: int, before: int, limit: int) -> Deferred[Page]:
        """See Store.aged."""
        end = make_id(topic, OFFSET_MASK)
        old: list[Message] = []
        stop = first
        for message_id in islice(takewhile(end.__ge__, self._ids.ascending(first)), limit):
            message = self._messages[message_id]
            if message.created >= before:
                stop = message_id
                break
            if message.due is None:
                old.append(_bare(message))
            stop = message_id + 1
        return succeed(Page(old, stop))

    def aged_delayed(self, before: int, limit: int) -> Deferred[list[Message]]:
        """See Store.aged_delayed."""
        dues = takewhile(lambda key: key[0] < before, self._dues)
        return succeed([_bare(self._messages[message_id]) for _, message_id in islice(dues, limit)])

    def dropped(self) -> list[tuple[int, int]]:
        """See Store.dropped."""
        told = sorted(self._dropped.items())
        self._dropped.clear()
        return told

    def close(self) -> Deferred[None]:
        """See Store.close."""
        return succeed(None)

    # ---- what a commit does

    def _publish(self, ids: list[int], messages: Sequence[Message]) -> None:
        self._messages.update(zip(ids, messages, strict=True))
        self._ids.add(sorted(ids))
        dues = [(message.due, message.id) for message in messages if message.due is not None]
        self._dues.add(sorted(dues))
        self._delayed.add(sorted(message_id for _, message_id in dues))
        self.held += sum([message.size for message in messages])

    def _consume(self, first: int, last: int, at: int) -> None:
        for run in self._consumed.add(first, last, at):
            size = self._bytes(run.first, run.last)
            self.held -= size
            self._consumed_bytes += size
            if self._oldest and self._oldest[-1][1] + 1 == run.first:
                self._oldest.append((self._oldest.pop()[0], run.last))
            else:
                self._oldest.append((run.first, run.last))

    def _remove(self, first: int, last: int) -> list[int]:
        consumed = sum(
            self._bytes(max(run.first, first), min(run.last, last)) for run in self._consumed.within(first, last)
        )
        self._consumed_bytes -= consumed
        self.held += consumed
        gone = self._ids.remove(first, last)
        for message_id in gone:
            message = self._messages.pop(message_id)
            self.held -= message.size
            if message.due is not None:
                key = (message.due, message_id)
                self._dues.remove(key, key)
        self._delayed.remove(first, last)
        self._consumed.forget(first, last, self._is_empty)
        return gone

    def _make_room(self) -> None:
        while self._oldest and self.held + self._consumed_bytes > self._budget:
            first, last = self._oldest.popleft()
            excess = self.held + self._consumed_bytes - self._budget
            for message_id in takewhile(last.__ge__, self._ids.ascending(first)):
                excess -= self._messages[message_id].size
                if excess <= 0:
                    if message_id < last:
                        self._oldest.appendleft((message_id + 1, last))
                    last = message_id
                    break
            self._dropped.update(map(topic_of, self._remove(first, last)))

    def _bytes(self, first: int, last: int) -> int:
        messages = self._messages
        return sum([messages[message_id].size for message_id in takewhile(last.__ge__, self._ids.ascending(first))])

    def _is_empty(self, first: int, last: int) -> bool:
        found = self._ids.ceiling(first)
        return found is None or found > last

    # ---- what a query does

    def _stored(self, message: Message, now: int) -> Stored:
        run = self._consumed.covering(message.id)
        at = 0 if run is None else run.at
        return Stored(message, status_of(message.due, at, now), at)

    def _walk(self, topic: int, query: MessageQuery) -> Iterator[Stored]:
        """A topic's messages that a query wants, from its newest down (searches.py says how)."""
        low = make_id(topic, 0)
        ids = self._delayed if query.status is Status.DELAYED else self._ids
        upper: int | None = self._newest(topic, query.end)
        while upper is not None:
            message_id = ids.floor(upper)
            if message_id is None or message_id < low:
                break
            stored = self._stored(self._messages[message_id], query.now)
            if stored.message.created < query.start:
                break
            if query.status is None or stored.status is query.status:
                yield stored
            upper = self._next(stored, query.status)

    def _next(self, stored: Stored, wanted: Status | None) -> int | None:
        """The id to go on at or below: runs of what is not wanted are left out."""
        run = self._consumed.below(stored.message.id)
        if wanted is Status.CONSUMED and stored.status is not wanted:
            return None if run is None else run.last
        if wanted not in (None, Status.CONSUMED) and stored.status is Status.CONSUMED and run is not None:
            return run.first - 1
        return stored.message.id - 1

    def _newest(self, topic: int, end: int) -> int:
        """An id with the topic's messages created until `end` at or below it, and those created later above."""
        low, high = make_id(topic, 0), make_id(topic, OFFSET_MASK)
        newest = self._ids.floor(high)
        if newest is None or newest < low or self._messages[newest].created <= end:
            return high
        while low <= high:
            middle = low + (high - low) // 2
            found = self._ids.ceiling(middle)
            if found is not None and found <= high and self._messages[found].created <= end:
                low = found + 1
            else:
                high = middle - 1
        return high


def _fitting(given: Iterator[T], max_bytes: int, size_of: Callable[[T], int]) -> list[T]:
    """The first of what is given, until it has reached `max_bytes`."""
    taken: list[T] = []
    size = 0
    for one in given:
        taken.append(one)
        size += size_of(one)
        if size >= max_bytes:
            break
    return taken


def _size(message: Message) -> int:
    return message.size


def _bare(message: Message) -> Message:
    return msgspec.structs.replace(message, data="")
