"""Searching the messages in memory: newest first, by the same rules as searches.py, inspection.py and letters.py."""

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import NamedTuple

import msgspec

from kapokmq.core.message import Message, Status, make_id, topic_of
from kapokmq.core.query import DeadLetter, DeadPage, DeadQuery, Mark, MessageQuery, Search, SearchPage, Stored
from kapokmq.storage.memory_lives import Lives
from kapokmq.storage.memory_shelf import Shelf, fitting
from kapokmq.storage.searches import newest_first, status_of

# What one call looks at, as it holds up the reactor's thread: the caller goes on from where the page ends.
SLICE = 5_000  # messages
LOOKED = 32 << 20  # characters of bodies


class Step(NamedTuple):
    """A message that was walked over, and what it counts as created at (searches.py)."""

    created: int
    id: int
    stored: Stored


class Searches:
    """Looks through a shelf, and what is known of its messages' lives."""

    def __init__(self, shelf: Shelf, lives: Lives) -> None:
        self._shelf = shelf
        self._lives = lives

    def stored(self, message: Message, now: int) -> Stored:
        """A message with its status."""
        run = self._shelf.consumed.covering(message.id)
        at = 0 if run is None else run.at
        return Stored(message, status_of(message.due, at, now, dead=self._lives.is_dead(message.id)), at)

    def search(self, query: MessageQuery, topics: Sequence[int]) -> list[Stored]:
        """See Store.search."""
        walks = (self._wanted(topic, query) for topic in topics)
        found: Iterator[Stored] = islice(
            merge(*walks, key=newest_first, reverse=True), query.offset, query.offset + max(query.limit, 0)
        )
        if not query.with_data:
            found = (stored._replace(message=_bare(stored.message)) for stored in found)
        return fitting(found, query.max_bytes, lambda stored: stored.message.size)

    def inspect(self, search: Search, topics: Sequence[int]) -> SearchPage:
        """See Store.inspect. Looks at no more than a slice, and says where to go on."""
        if search.limit <= 0 or search.look <= 0:
            return SearchPage([], search.after)
        walks = (self._walk(topic, search, search.after) for topic in topics)
        matches = _matcher(search)
        found: list[Stored] = []
        mark = None
        size = length = 0
        for looked, step in enumerate(merge(*walks, key=lambda step: step[:2], reverse=True)):
            full = len(found) >= search.limit or (found and size >= search.max_bytes)
            if full or looked >= min(search.look, SLICE) or length >= LOOKED:
                return SearchPage(found, mark)
            mark = Mark(step.created, step.id)
            if search.status in (None, step.stored.status):
                length += len(step.stored.message.data) if search.text is not None else 0
                if matches(step.stored.message):
                    found.append(step.stored)
                    size += step.stored.message.size
        return SearchPage(found, None)

    def dead(self, query: DeadQuery) -> DeadPage:
        """See Store.dead. Looks at no more than a slice, and says where to go on."""
        found: list[DeadLetter] = []
        after = query.first
        size = length = 0
        letters = self._lives.letters(query.group, make_id(query.topic, query.first))
        for looked, (message_id, death) in enumerate(letters):
            full = len(found) >= query.limit or (found and size >= query.max_bytes)
            if full or looked >= min(query.look, SLICE) or length >= LOOKED:
                return DeadPage(found, after)
            message = self._shelf.messages[message_id]
            after = message.offset + 1
            wanted = query.reason is None or query.reason in death.reason
            if wanted and (query.before is None or death.at < query.before):
                length += len(message.data) if query.text is not None else 0
                if query.text is None or query.text in message.data:
                    found.append(DeadLetter(message, *death))
                    size += message.size
        return DeadPage(found, None)

    def _wanted(self, topic: int, query: MessageQuery) -> Iterator[Stored]:
        """A topic's messages that a query wants, from its newest down."""
        for step in self._walk(topic, query, None):
            if query.status in (None, step.stored.status):
                yield step.stored

    def _walk(self, topic: int, query: MessageQuery | Search, after: Mark | None) -> Iterator[Step]:
        """A topic's messages from its newest down; runs of what is not wanted are left out."""
        shelf = self._shelf
        low = make_id(topic, 0)
        ids = {Status.DELAYED: shelf.delayed, Status.DEAD: self._lives.dead_ids}.get(query.status, shelf.ids)  # type: ignore[arg-type]
        created = query.end
        upper: int | None
        if after is None or after.created > query.end:
            upper = shelf.newest(topic, query.end)
        else:
            created = after.created
            upper = shelf.newest(topic, created - (topic > topic_of(after.id)))
            if topic == topic_of(after.id):
                upper = min(upper, after.id - 1)
        while upper is not None:
            message_id = ids.floor(upper)
            if message_id is None or message_id < low:
                break
            stored = self.stored(shelf.messages[message_id], query.now)
            if stored.message.created < query.start:
                break
            created = min(created, stored.message.created)
            yield Step(created, message_id, stored)
            upper = self._next(stored, query.status)

    def _next(self, stored: Stored, wanted: Status | None) -> int | None:
        """The id to go on at or below."""
        run = self._shelf.consumed.below(stored.message.id)
        if wanted is Status.CONSUMED and stored.status is not wanted:
            return None if run is None else run.last
        if wanted not in (None, Status.CONSUMED) and stored.status is Status.CONSUMED and run is not None:
            return run.first - 1
        return stored.message.id - 1


def _matcher(search: Search) -> Callable[[Message], bool]:
    """Whether a message is what is looked for."""

    def matches(message: Message) -> bool:
        if search.key is not None and message.key != search.key:
            return False
        if search.header is not None and not _has_header(message.headers, *search.header):
            return False
        return search.text is None or search.text in message.data

    return matches


def _has_header(headers: str | None, name: str, value: str | None) -> bool:
    try:
        given = msgspec.json.decode(headers or "{}")
    except (msgspec.DecodeError, UnicodeError):
        return False
    return isinstance(given, dict) and name in given and value in (None, given[name])


def _bare(message: Message) -> Message:
    return msgspec.structs.replace(message, data="")
