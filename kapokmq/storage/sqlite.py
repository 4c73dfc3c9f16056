"""The store in a file: SQLite, one thread that writes, one that reads, and one that folds the log into the file.

A commit is one SQL statement whatever its size (schema/commit.sql), and a read is one that gives one row (queries.py),
because each step of SQLite's lets go of the GIL, and a busy reactor gives it back only after a switch interval.

SQLite appends commits to a log beside the file (`-wal`), and syncs that before a commit's Deferred fires. checkpoint.py
says how the log is folded into the file.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kapokmq.core.commit import Commit, Outcome
from kapokmq.core.errors import MisuseError, StoreRefused, StoreUnavailable
from kapokmq.core.message import Message
from kapokmq.core.query import (
    COMPARED,
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
from kapokmq.storage import queries
from kapokmq.storage.calls import Call, Calls
from kapokmq.storage.checkpoint import Checkpoints
from kapokmq.storage.commits import Handed
from kapokmq.storage.faults import explained
from kapokmq.storage.inquiries import FIRST_DUE, HOURS, HOURS_OF, SENT, read_first_due, read_hours, read_sent
from kapokmq.storage.inspection import as_bytes
from kapokmq.storage.keys import Keys
from kapokmq.storage.opening import Connect, Manner, Opened, closed, connect, opened
from kapokmq.storage.reads import Reads
from kapokmq.storage.rows import encoded
from kapokmq.storage.store import Due, Page, Remembered, Remnants
from kapokmq.storage.tidying import tidy
from kapokmq.storage.worker import Worker

T = TypeVar("T")
Callback = Callable[[Callable[[], None]], Any]


class _Open(NamedTuple):
    """What there is while the store is open."""

    files: Opened
    reads: Reads
    keys: Keys


class SQLiteStore:
    """The Store in the file `path`, on a local disk. See Store for what it promises.

    `entropy` gives that many random bytes; `callback` takes a function to call on the reactor's thread
    (`reactor.callFromThread`); `checkpoint_bytes` is the size of the log at which it is folded into the file.
    `synchronous` and `connect` are for tests to weaken and to break.
    """

    paged = True
    held = 0
    _log = Logger()

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
        folding = Worker("kapokmq-store-folder", callback, self._explained)
        self._checkpoints = Checkpoints(self._writing, folding, checkpoint_bytes)
        self._calls = Calls(path, self._end)
        self._opened: _Open | None = None
        self._is_learning = False

    def open(self, now: int) -> Recovered:
        """See Store.open."""
        if self._opened is not None or self._calls.closing:
            raise MisuseError("a store is opened once")
        try:
            path = Path(self._path).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise StoreRefused(f"persistentFile can't be {self._path!r} ({error})") from error
        files = opened(path, self._manner, now)
        keys = Keys(*files.parts)
        self._opened = _Open(files, Reads(self._reading, files.reader), keys)
        self._checkpoints.watch(files.writer, files.folder)
        self._learn()
        return files.recovered

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """See Store.commit."""
        return self._calls.run(self._commit(Handed(commit)))

    def read(self, first: int, end: int, limit: int, max_bytes: int) -> Deferred[Page]:
        """See Store.read."""
        return self._ask(lambda reads: reads.page(first, end, limit, max_bytes))

    def fetch(self, ids: Sequence[int], max_bytes: int) -> Deferred[Page]:
        """See Store.fetch."""
        return self._ask(lambda reads: reads.fetch(sorted(ids), max_bytes))

    def scheduled(self, after: Due, limit: int) -> Deferred[list[Due]]:
        """See Store.scheduled."""
        return self._ask(lambda reads: reads.ask(queries.read_due, queries.SCHEDULED, *after, limit))

    def find(self, message_id: int, now: int) -> Deferred[Stored | None]:
        """See Store.find."""
        return self._ask(lambda reads: reads.find(message_id, now))

    def search(self, query: MessageQuery) -> Deferred[list[Stored]]:
        """See Store.search."""
        return self._ask(lambda reads: reads.search(query))

    def aged(self, topic: int, first: int, before: int, limit: int, *, every: bool = False) -> Deferred[Remnants]:
        """See Store.aged."""
        return self._ask(lambda reads: reads.aged(topic, first, before, limit, every=every))

    def aged_delayed(self, before: int, limit: int) -> Deferred[list[Remnant]]:
        """See Store.aged_delayed."""
        return self._ask(lambda reads: reads.ask(queries.read_remnants, queries.AGED_DELAYED, before, limit))

    def expired(self, before: int, limit: int) -> Deferred[list[Remnant]]:
        """See Store.expired."""
        return self._ask(lambda reads: reads.ask(queries.read_remnants, queries.EXPIRED, before, limit))

    def inspect(self, search: Search) -> Deferred[SearchPage]:
        """See Store.inspect."""
        return self._ask(lambda reads: reads.inspect(search))

    def delayed(self, topic: int | None, now: int, after: Due, limit: int, max_bytes: int) -> Deferred[list[Message]]:
        """See Store.delayed."""
        return self._ask(lambda reads: reads.delayed(topic, now, after, limit, max_bytes))

    def due_counts(self, query: DueQuery) -> Deferred[DuePage]:
        """See Store.due_counts."""
        return self._ask(lambda reads: reads.due_counts(query))

    def dead(self, query: DeadQuery) -> Deferred[DeadPage]:
        """See Store.dead."""
        return self._ask(lambda reads: reads.dead(query))

    def trace(self, message_id: int) -> Deferred[Trace]:
        """See Store.trace."""
        return self._ask(lambda reads: reads.trace(message_id))

    def since(self, topic: int, created: int) -> Deferred[int | None]:
        """See Store.since."""
        return self._ask(lambda reads: reads.since(topic, created))

    def first_due(self, ranges: Sequence[tuple[int, int]], now: int, look: int) -> Deferred[list[int | None]]:
        """See Store.first_due."""
        return self._ask(lambda reads: reads.ask(read_first_due, FIRST_DUE, encoded(ranges), now, look, COMPARED))

    def sent(self, session: str, limit: int) -> Deferred[list[Remembered]]:
        """See Store.sent."""
        return self._ask(lambda reads: reads.ask(read_sent, SENT, as_bytes(session), limit))

    def hours(self, topic: int | None, first: int, last: int) -> Deferred[list[HourCounts]]:
        """See Store.hours."""
        if topic is None:
            return self._ask(lambda reads: reads.ask(read_hours, HOURS, first, last))
        return self._ask(lambda reads: reads.ask(read_hours, HOURS_OF, first, last, topic))

    def tidy(self, sessions_before: int, buckets: Sequence[tuple[int, int]], limit: int) -> Deferred[int]:
        """See Store.tidy."""
        return self._calls.run(self._tidy(sessions_before, list(buckets), limit))

    def dropped(self) -> list[tuple[int, int]]:
        """See Store.dropped: a file has room."""
        return []

    def close(self) -> Deferred[None]:
        """See Store.close."""
        return self._calls.close()

    async def _commit(self, handed: Handed) -> Outcome:
        opened = self._open()
        outcome = await self._writing.call(lambda: handed.write(opened.files.writer, opened.keys))
        self._checkpoints.committed()
        self._learn()
        return outcome

    async def _tidy(self, sessions_before: int, buckets: list[tuple[int, int]], limit: int) -> int:
        opened = self._open()
        writer = opened.files.writer
        taken = await self._writing.call(lambda: tidy(writer, opened.keys, sessions_before, buckets, limit))
        self._checkpoints.committed()
        return taken

    def _learn(self) -> None:
        """See to it that the estimate of keys knows what there is."""
        if not self._is_learning and not self._open().keys.is_read and not self._calls.closing:
            self._is_learning = True
            self._calls.run(self._read_keys())

    async def _read_keys(self) -> None:
        files, _, keys = self._open()
        try:
            while not keys.is_read and not self._calls.closing:
                await self._writing.call(lambda: keys.read(files.writer))  # a part at a time: commits take their turns
            self._is_learning = False
        except (StoreUnavailable, MisuseError) as error:
            self._log.warn("commits with keys will be slow, for the keys there are can't be read: {error}", error=error)

    def _ask(self, question: Callable[[Reads], Call[T] | Deferred[T]]) -> Deferred[T]:
        """Have a question answered, once the store is open."""

        async def answer() -> T:
            return await question(self._open().reads)

        return self._calls.run(answer())

    async def _end(self) -> None:
        if self._opened is not None:
            files = self._opened.files
            await self._checkpoints.stop()
            await self._opened.reads.stop()
            await self._writing.call(lambda: closed(files))
            await self._writing.stop()

    def _open(self) -> "_Open":
        if self._opened is None:
            raise MisuseError("the store is not open")
        return self._opened

    def _explained(self, error: Exception) -> Exception:
        return explained(self._path, error)
