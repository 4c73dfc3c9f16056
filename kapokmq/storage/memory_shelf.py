"""The messages of the store in memory, in the orders in which they are asked for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, takewhile
from typing import TypeVar

import msgspec

from kapokmq.core.commit import DueRow
from kapokmq.core.message import OFFSET_MASK, Message, make_id, topic_of
from kapokmq.core.query import COMPARED, DuePage, DueQuery
from kapokmq.storage.blocks import SortedBlocks
from kapokmq.storage.runs import ConsumedRuns

T = TypeVar("T")


class Shelf:
    """Messages by id, by due time (delayed ones) and by expiry; which of them are consumed; what each topic takes."""

    def __init__(self) -> None:
        self.messages: dict[int, Message] = {}
        self.ids: SortedBlocks[int] = SortedBlocks()
        self.delayed: SortedBlocks[int] = SortedBlocks()
        self.dues: SortedBlocks[tuple[int, int]] = SortedBlocks()
        self.expiries: SortedBlocks[tuple[int, int]] = SortedBlocks()
        self.consumed = ConsumedRuns()
        self.sizes: Counter[int] = Counter()  # bytes by topic
        self._dues_of: dict[int, SortedBlocks[tuple[int, int]]] = {}  # by topic

    def put(self, messages: Sequence[Message]) -> None:
        """Take in messages whose ids are not there yet."""
        self.messages.update((message.id, message) for message in messages)
        self.ids.add(sorted([message.id for message in messages]))
        self._put_delayed([message for message in messages if message.due is not None])
        self.expiries.add(sorted((message.expire, message.id) for message in messages if message.expire is not None))
        for message in messages:
            self.sizes[topic_of(message.id)] += message.size

    def take(self, first: int, last: int) -> list[Message]:
        """Take out the messages with ids from `first` to `last`, both included."""
        gone = [self.messages.pop(message_id) for message_id in self.ids.remove(first, last)]
        for message in gone:
            self.sizes[topic_of(message.id)] -= message.size
            if message.due is not None:
                self._take_due(message.due, message.id)
            if message.expire is not None:
                self.expiries.remove((message.expire, message.id), (message.expire, message.id))
        self.delayed.remove(first, last)
        self.consumed.forget(first, last, self.is_empty)
        return gone

    def reschedule(self, row: DueRow) -> None:
        """Let a delayed message fall due at another time."""
        message_id = row.id
        message = self.messages.get(message_id)
        if message is not None and message.due is not None:
            if message.expire is not None:
                self.expiries.remove((message.expire, message_id), (message.expire, message_id))
            if row.expire is not None:
                self.expiries.add([(row.expire, message_id)])
            self._take_due(message.due, message_id)
            self.delayed.remove(message_id, message_id)
            # A new one, for somebody may still hold what was read before.
            self.messages[message_id] = message = msgspec.structs.replace(message, due=row.due, expire=row.expire)
            self._put_delayed([message])

    def dues_of(self, topic: int | None) -> SortedBlocks[tuple[int, int]]:
        """(due, id) of the delayed messages of a topic, or of all."""
        return self.dues if topic is None else self._dues_of.get(topic, SortedBlocks())

    def due_counts(self, query: DueQuery) -> DuePage:
        """See Store.due_counts."""
        counts: Counter[int] = Counter()
        for looked, (due, message_id) in enumerate(self.dues_of(query.topic).ascending(query.begin)):
            if due >= query.end:
                break
            if looked == query.look:
                return DuePage(list(counts.items()), (due, message_id))
            if self.consumed.covering(message_id) is None:
                counts[(due - query.first) // query.step] += 1
        return DuePage(list(counts.items()), None)

    def within(self, first: int, last: int) -> Iterator[Message]:
        """The messages with ids from `first` to `last`, ascending."""
        return map(self.messages.__getitem__, takewhile(last.__ge__, self.ids.ascending(first)))

    def first_due(self, first: int, end: int, now: int, look: int) -> int | None:
        """Since when messages from `first` to before `end` are due, looking at so many. See Store.first_due."""
        looked = islice(self.within(first, end - 1), look)
        due = (message.since for message in looked if message.due is None or message.due <= now)
        return min(islice(due, COMPARED), default=None)

    def size(self, first: int, last: int) -> int:
        """The bytes that these take."""
        return sum([message.size for message in self.within(first, last)])

    def is_empty(self, first: int, last: int) -> bool:
        """Whether there is none of these."""
        found = self.ids.ceiling(first)
        return found is None or found > last

    def newest(self, topic: int, end: int) -> int:
        """An id with the topic's messages created until `end` at or below it, and those created later above."""
        low, high = make_id(topic, 0), make_id(topic, OFFSET_MASK)
        newest = self.ids.floor(high)
        if newest is None or newest < low or self.messages[newest].created <= end:
            return high
        while low <= high:
            middle = low + (high - low) // 2
            found = self.ids.ceiling(middle)
            if found is not None and found <= high and self.messages[found].created <= end:
                low = found + 1
            else:
                high = middle - 1
        return high

    def _put_delayed(self, messages: Iterable[Message]) -> None:
        by_topic: dict[int, list[tuple[int, int]]] = {}
        for message in messages:
            if message.due is not None:
                by_topic.setdefault(topic_of(message.id), []).append((message.due, message.id))
        for topic, dues in by_topic.items():
            dues.sort()
            self.dues.add(dues)
            self._dues_of.setdefault(topic, SortedBlocks()).add(dues)
            self.delayed.add(sorted([message_id for _, message_id in dues]))

    def _take_due(self, due: int, message_id: int) -> None:
        key = (due, message_id)
        self.dues.remove(key, key)
        topic = topic_of(message_id)
        self._dues_of[topic].remove(key, key)
        if self._dues_of[topic].floor((1 << 63, 0)) is None:
            del self._dues_of[topic]


def fitting(given: Iterable[T], max_bytes: int, size_of: Callable[[T], int]) -> list[T]:
    """The first of what is given, until it has reached `max_bytes`."""
    taken: list[T] = []
    size = 0
    for one in given:
        taken.append(one)
        size += size_of(one)
        if size >= max_bytes:
            break
    return taken
