"""Reading the file, on a thread and a connection of its own: one statement, one row, one value for each question.

What takes several statements (search, inspection, dead letters) has only one at a time under way, so that only one
answer is in memory; between its statements other reads take their turn.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

import apsw
from twisted.internet.defer import Deferred, DeferredLock

from kapokmq.core.message import OFFSET_MASK, Message, make_id
from kapokmq.core.query import DeadPage, DeadQuery, DuePage, DueQuery, MessageQuery, Search, SearchPage, Stored, Trace
from kapokmq.storage import queries
from kapokmq.storage.inquiries import (
    DELAYED,
    DELAYED_OF,
    DUE_COUNTS,
    DUE_COUNTS_OF,
    SINCE,
    TRACE,
    read_due_counts,
    read_since,
    read_trace,
)
from kapokmq.storage.inspection import Inspection, read_ids
from kapokmq.storage.letters import Browsing, read_letters
from kapokmq.storage.rows import Reader, encoded
from kapokmq.storage.searches import HEADS, Walk, heads_given, read_heads, read_walk, status_of
from kapokmq.storage.store import Due, Page, Remnants
from kapokmq.storage.worker import Worker

T = TypeVar("T")
Given = bytes | str | int | None
PIECE = 8 << 20  # bytes of messages that one statement of a search reads


class Reads:
    """Asks questions of a connection that `reading` alone uses."""

    def __init__(self, reading: Worker, connection: apsw.Connection) -> None:
        self._reading = reading
        self._connection = connection
        self._searching = DeferredLock()

    def ask(self, read: Reader[T], sql: str, *given: Given) -> Deferred[T]:
        """Run a query that gives one value, on the reading thread."""

        def work() -> T:
            ((value,),) = self._connection.execute(sql, given)
            return read(value)

        return self._reading.call(work)

    async def stop(self) -> None:
        """Close the connection, end the thread. Nothing may be asked any more."""
        await self._reading.call(self._connection.close)
        await self._reading.stop()

    # ---- pages

    async def page(self, first: int, end: int, limit: int, max_bytes: int) -> Page:
        """See Store.read."""
        given = (max(first, 0), min(end - 1, queries.LAST_ID), limit, max_bytes)
        messages, there = await self.ask(queries.read_sized, queries.READ, *given)
        return Page(messages, messages[-1].id + 1 if messages and len(messages) < there else end)

    async def fetch(self, ids: Sequence[int], max_bytes: int) -> Page:
        """See Store.fetch. The ids ascend."""
        if not ids:
            return Page([], 0)
        given = (_known(ids), max_bytes, True)
        messages, there = await self.ask(queries.read_sized, queries.FETCH, *given)
        return Page(messages, (messages[-1].id if len(messages) < there else ids[-1]) + 1)

    async def find(self, message_id: int, now: int) -> Stored | None:
        """See Store.find."""
        if not 0 <= message_id <= queries.LAST_ID:
            return None
        found = await self.ask(queries.read_found, queries.FIND, message_id)
        if found is None:
            return None
        message, consumed, dead = found
        return Stored(message, status_of(message.due, consumed, now, dead=bool(dead)), consumed)

    async def aged(self, topic: int, first: int, before: int, limit: int, *, every: bool) -> Remnants:
        """See Store.aged."""
        given = (first, make_id(topic, OFFSET_MASK), before, limit, every)
        found, young, last = await self.ask(queries.read_aged, queries.AGED, *given)
        if young is not None:
            return Remnants(found, young)
        return Remnants(found, first if last is None else last + 1)

    def delayed(self, topic: int | None, now: int, after: Due, limit: int, max_bytes: int) -> Deferred[list[Message]]:
        """See Store.delayed."""
        given = (now, after.due, after.id, limit, max_bytes)
        if topic is None:
            return self.ask(queries.read_messages, DELAYED, *given)
        return self.ask(queries.read_messages, DELAYED_OF, *given, topic)

    def due_counts(self, query: DueQuery) -> Deferred[DuePage]:
        """See Store.due_counts."""
        given = (query.first, query.step, *query.begin, query.end, query.look)
        if query.topic is None:
            return self.ask(read_due_counts, DUE_COUNTS, *given)
        return self.ask(read_due_counts, DUE_COUNTS_OF, *given, query.topic)

    # ---- what is known

    async def trace(self, message_id: int) -> Trace:
        """See Store.trace."""
        if not 0 <= message_id <= queries.LAST_ID:
            return Trace([], [], [])
        return await self.ask(read_trace, TRACE, message_id)

    async def since(self, topic: int, created: int) -> int | None:
        """See Store.since."""
        (offset,) = await self.ask(read_since, SINCE, topic, created)
        return offset

    # ---- searches

    async def search(self, query: MessageQuery) -> list[Stored]:
        """See Store.search."""
        async with self._searching:
            walk = Walk(query, await self.ask(read_heads, HEADS, *heads_given(query, None)))
            while not walk.done:
                sql, given = walk.slice()
                walk.looked(await self.ask(read_walk, sql, *given))
            return walk.found(await self._fetched([hit.id for hit in walk.hits], with_data=query.with_data))

    async def inspect(self, search: Search) -> SearchPage:
        """See Store.inspect."""
        async with self._searching:
            given: tuple[Given, ...]
            inspection = Inspection(search, await self.ask(read_heads, HEADS, *heads_given(search, search.after)))
            while not inspection.done:
                sql, given = inspection.slice()
                inspection.looked(await self.ask(read_walk, sql, *given))
                while (piece := inspection.piece()) is not None:
                    sql, given = piece
                    inspection.matched(await self.ask(read_ids, sql, *given))
            return inspection.page(await self._fetched([hit.id for hit in inspection.hits]))

    async def dead(self, query: DeadQuery) -> DeadPage:
        """See Store.dead."""
        async with self._searching:
            browsing = Browsing(query)
            while not browsing.done:
                sql, given = browsing.slice()
                browsing.looked(await self.ask(read_letters, sql, *given))
                while (piece := browsing.piece()) is not None:
                    sql, given = piece
                    browsing.matched(await self.ask(read_ids, sql, *given))
            return browsing.page(await self._fetched([hit.id for hit in browsing.hits]))

    async def _fetched(self, ids: list[int], *, with_data: bool = True) -> list[Message]:
        """The messages with these ids, piece by piece."""
        ids.sort()
        found: list[Message] = []
        while ids:
            messages, there = await self.ask(queries.read_sized, queries.FETCH, encoded(ids), PIECE, with_data)
            found += messages
            ids = ids[bisect_right(ids, messages[-1].id) :] if len(messages) < there else []
        return found


def _known(ids: Sequence[int]) -> bytes | None:
    """Ids as JSON, without those that no message can have."""
    return encoded([message_id for message_id in ids if 0 <= message_id <= queries.LAST_ID])
