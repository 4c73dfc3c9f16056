"""The store in a file: SQLite, one thread that writes, one that reads, and one that folds the log into the file.

A commit is one SQL statement whatever its size (schema/commit.sql), and a read is one that gives one row (queries.py),
because each step of SQLite's lets go of the GIL, and a busy reactor gives it back only after a switch interval.

SQLite appends commits to a log beside the file (`-wal`), and syncs that before a commit's Deferred fires. checkpoint.py
says how the log is folded into the file.
"""

from bisect import bisect_right
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock, fail, succeed

from kapokmq.core.commit import Commit, Recovered
from kapokmq.core.errors import MisuseError, StoreRefused, StoreUnavailable
from kapokmq.core.message import OFFSET_MASK, Message, make_id
from kapokmq.core.query import MessageQuery, Stored
from kapokmq.storage import queries
from kapokmq.storage.checkpoint import Checkpoints
from kapokmq.storage.faults import explained
from kapokmq.storage.opening import Connect, Manner, Opened, closed, connect, opened
from kapokmq.storage.rows import Reader, encoded
from kapokmq.storage.searches import HEADS, Walk, read_heads, read_walk, status_of
from kapokmq.storage.store import Due, Page
from kapokmq.storage.worker import Worker

T = TypeVar("T")
Callback = Callable[[Callable[[], None]], Any]
PIECE = 8 << 20  # bytes of messages that one statement of a search reads


class SQLiteStore:
    """The Store in the file `path`, on a local disk. See Store for what it promises.

    `entropy` gives that many random bytes; `callback` takes a function to call on the reactor's thread
    (`reactor.callFromThread`); `checkpoint_bytes` is the size of the log at which it is folded into the file.
    `synchronous` and `connect` are for tests to weaken and to break.
    """

    paged = True
    held = 0

    def __init__(
        self,
        path: str,
        *,
        entropy: Callable[[int], bytes],
        callback: Callback,
        checkpoint_bytes: int = 64 << 20,
        synchronous: str = "full",
        connect: Connect = connect,
    ) -> None:
        self._path = path
        self._manner = Manner(entropy, synchronous, connect)
        self._writing = Worker("kapokmq-store-writer", callback, self._explained)
        self._reading = Worker("kapokmq-store-reader", callback, self._explained)
        self._searching = DeferredLock()
        folding = Worker("kapokmq-store-folder", callback, self._explained)
        self._checkpoints = Checkpoints(self._writing, folding, checkpoint_bytes)
        self._files: Opened | None = None
        self._closing = False
        self._running: set[Deferred[Any]] = set()
        self._closers: list[Deferred[None]] | None = []  # None: closed

    def open(self, now: int) -> Recovered:
        """See Store.open."""
        if self._files is not None or self._closing:
            raise MisuseError("a store is opened once")
        try:
            path = Path(self._path).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise StoreRefused(f"persistentFile can't be {self._path!r} ({error})") from error
        self._files = opened(path, self._manner, now)
        self._checkpoints.watch(self._files.writer, self._files.folder)
        return self._files.recovered

    def commit(self, commit: Commit) -> Deferred[None]:
        """See Store.commit."""
        lists = (
            commit.topics,
            commit.groups,
            commit.nexts,
            commit.publishes,
            commit.marks,
            commit.acks,
            commit.consumed,
            commit.attempts,
            commit.removed,
            commit.hours,
        )
        return self._run(self._commit([encoded(rows) for rows in lists]))

    def read(self, first: int, end: int, limit: int, max_bytes: int) -> Deferred[Page]:
        """See Store.read."""
        return self._run(self._read(first, end, limit, max_bytes))

    def fetch(self, ids: Sequence[int], max_bytes: int) -> Deferred[Page]:
        """See Store.fetch."""
        return self._run(self._fetch(sorted(ids), max_bytes))

    def scheduled(self, after: Due, limit: int) -> Deferred[list[Due]]:
        """See Store.scheduled."""
        return self._run(self._ask(queries.read_due, queries.SCHEDULED, *after, limit))

    def find(self, message_id: int, now: int) -> Deferred[Stored | None]:
        """See Store.find."""
        return self._run(self._find(message_id, now))

    def search(self, query: MessageQuery) -> Deferred[list[Stored]]:
        """See Store.search."""
        return self._run(self._search_alone(query))

    def aged(self, topic: int, first: int, before: int, limit: int) -> Deferred[Page]:
        """See Store.aged."""
        return self._run(self._aged(topic, first, before, limit))

    def aged_delayed(self, before: int, limit: int) -> Deferred[list[Message]]:
        """See Store.aged_delayed."""
        return self._run(self._ask(queries.read_messages, queries.AGED_DELAYED, before, limit))

    def dropped(self) -> list[tuple[int, int]]:
        """See Store.dropped: a file has room."""
        return []

    def close(self) -> Deferred[None]:
        """See Store.close."""
        if self._closers is None:
            return succeed(None)
        closer: Deferred[None] = Deferred()
        self._closers.append(closer)
        if not self._closing:
            self._closing = True
            self._end_if_idle()
        return closer

    # ---- what a call does

    async def _commit(self, lists: list[bytes | None]) -> None:
        writer = self._open().writer

        def work() -> None:
            writer.execute(queries.COMMIT, lists)

        await self._writing.call(work)
        self._checkpoints.committed()

    async def _read(self, first: int, end: int, limit: int, max_bytes: int) -> Page:
        given = (max(first, 0), min(end - 1, queries.LAST_ID), limit, max_bytes)
        messages, there = await self._ask(queries.read_sized, queries.READ, *given)
        return Page(messages, messages[-1].id + 1 if messages and len(messages) < there else end)

    async def _fetch(self, ids: Sequence[int], max_bytes: int) -> Page:
        if not ids:
            return Page([], 0)
        given = (_known(ids), max_bytes, True)
        messages, there = await self._ask(queries.read_sized, queries.FETCH, *given)
        return Page(messages, (messages[-1].id if len(messages) < there else ids[-1]) + 1)

    async def _find(self, message_id: int, now: int) -> Stored | None:
        if not 0 <= message_id <= queries.LAST_ID:
            return None
        found = await self._ask(queries.read_found, queries.FIND, message_id)
        if found is None:
            return None
        message, consumed = found
        return Stored(message, status_of(message.due, consumed, now), consumed)

    async def _search_alone(self, query: MessageQuery) -> list[Stored]:
        async with self._searching:
            return await self._search(query)

    async def _search(self, query: MessageQuery) -> list[Stored]:
        walk = Walk(query, await self._ask(read_heads, HEADS, query.topic, query.end))
        while not walk.done:
            # Between the slices, other reads take their turn.
            sql, given = walk.slice()
            walk.looked(await self._ask(read_walk, sql, *given))
        ids = sorted(hit.id for hit in walk.hits)
        found: list[Message] = []
        while ids:
            messages, there = await self._ask(queries.read_sized, queries.FETCH, encoded(ids), PIECE, query.with_data)
            found += messages
            ids = ids[bisect_right(ids, messages[-1].id) :] if len(messages) < there else []
        return walk.found(found)

    async def _aged(self, topic: int, first: int, before: int, limit: int) -> Page:
        given = (first, make_id(topic, OFFSET_MASK), before, limit)
        messages, young, last = await self._ask(queries.read_aged, queries.AGED, *given)
        if young is not None:
            return Page(messages, young)
        return Page(messages, first if last is None else last + 1)

    async def _ask(self, read: Reader[T], sql: str, *given: bytes | int | None) -> T:
        """Run a query that gives one value, on the reading thread."""
        reader = self._open().reader

        def work() -> T:
            ((value,),) = reader.execute(sql, given)
            return read(value)

        return await self._reading.call(work)

    # ---- what is under way

    def _run(self, work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
        """Start a call, and know of it until it has ended: `close` waits for it."""
        if self._closing:
            work.close()
            return fail(StoreUnavailable(f"{self._path}: the store is closed"))
        running = Deferred.fromCoroutine(work)
        self._running.add(running)
        return running.addBoth(self._ran, running)

    def _ran(self, result: T, running: Deferred[Any]) -> T:
        self._running.discard(running)
        self._end_if_idle()
        return result

    def _end_if_idle(self) -> None:
        if self._closing and not self._running:
            Deferred.fromCoroutine(self._end()).addBoth(self._ended)

    async def _end(self) -> None:
        files = self._files
        if files is not None:
            await self._checkpoints.stop()
            await self._reading.call(files.reader.close)
            await self._reading.stop()
            await self._writing.call(lambda: closed(files))
            await self._writing.stop()

    def _ended(self, result: Any) -> None:
        closers, self._closers = self._closers, None
        for closer in closers or ():
            closer.callback(result)

    def _open(self) -> Opened:
        if self._files is None:
            raise MisuseError("the store is not open")
        return self._files

    def _explained(self, error: Exception) -> Exception:
        return explained(self._path, error)


def _known(ids: Sequence[int]) -> bytes | None:
    """Ids as JSON, without those that no message can have."""
    return encoded([message_id for message_id in ids if 0 <= message_id <= queries.LAST_ID])
