"""Opening the file of a store: every reason not to is found before anything in it is changed."""

import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import apsw
from msgspec import ValidationError
from twisted.logger import Logger

from kapokmq.core.errors import StoreRefused
from kapokmq.core.recovered import Recovered
from kapokmq.storage import foreign, schema
from kapokmq.storage.directories import make_directory
from kapokmq.storage.keys import read_parts
from kapokmq.storage.lock import FileLock
from kapokmq.storage.recovery import read_groups, read_patterns, read_topics
from kapokmq.storage.rows import Reader

Connect = Callable[[str, int], apsw.Connection]
PATIENCE = 5_000  # milliseconds to wait for somebody with an sqlite3 shell to end a transaction
LOG_LIMIT = 64 << 20  # bytes that the log is cut back to when it begins anew
FLAGS = apsw.SQLITE_OPEN_READWRITE


def connect(path: str, flags: int) -> apsw.Connection:
    """A connection as it is outside of tests. Raises apsw.Error."""
    return apsw.Connection(path, flags=flags)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a store is opened. All but `entropy` (gives that many random bytes) is for tests to change."""

    entropy: Callable[[int], bytes]
    synchronous: str = "full"
    connect: Connect = connect
    steps: list[schema.Step] = field(default_factory=schema.steps)


_log = Logger()
_read_start = Reader(tuple[str, int])


class Opened(NamedTuple):
    """An open store: three connections, what keeps other processes out, what was found.

    `reader` only reads, `folder` only folds the log into the file. `parts` are those of the keys (keys.py).
    """

    writer: apsw.Connection
    reader: apsw.Connection
    folder: apsw.Connection
    lock: FileLock
    recovered: Recovered
    parts: tuple[list[tuple[int, int]], int]


def opened(path: Path, manner: Manner, now: int) -> Opened:
    """Open the file, or make it, bring its format up to date, read what is there, raise its epoch. All durably.

    Raises StoreRefused, and then leaves the file as it was.
    """
    try:
        with ExitStack() as undo:
            answer = _opened(path, manner, now, undo)
            undo.pop_all()
    except apsw.BusyError as error:
        raise StoreRefused(
            f"{path} is in use by another process: end whatever has it open, an sqlite3 shell?"
        ) from error
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, ValidationError) as error:
        raise foreign.damaged(path, error) from error
    except (apsw.Error, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreRefused(
            f"{path} can't be opened ({reason}): make it and its directory writable, with room on the disk"
        ) from error
    return answer


def closed(files: Opened) -> None:
    """Fold the log into the file, as far as nobody else looks at it, and end. The others must be closed before."""
    try:
        with ExitStack() as ending:
            ending.callback(files.lock.release)
            ending.callback(files.writer.close)
            files.writer.set_busy_timeout(0)
            files.writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.Error as error:
        _log.warn("the store's log stays beside it, for the next start to use: {error}", error=error)


def _opened(path: Path, manner: Manner, now: int, undo: ExitStack) -> Opened:
    probe = manner.connect(":memory:", FLAGS | apsw.SQLITE_OPEN_MEMORY)
    with closing(probe):
        schema.check_library(probe, path)
    # Before a lock is put beside it; once more with the lock, as it may have been in the making.
    foreign.refuse_others(path, foreign.look(path).kind)
    make_directory(path.parent)
    lock = FileLock(path)
    lock.take()
    undo.callback(lock.release)
    newest = manner.steps[-1][0]
    if not foreign.check(path, newest) and _make_file(path):
        undo.callback(path.unlink)
    logged = path.with_name(path.name + "-wal").exists()
    writer = _connected(path, manner, undo)
    # Until the store is accepted, closing must not fold its log into it: it is to be left as it was.
    writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(logged))
    version = schema.version_of(writer)
    if version is None:
        raise foreign.somebody_elses(path)
    if version > newest:
        raise foreign.newer(path, version, newest)
    # The tables come before the log, so that the file's own header always says whose it is.
    writer.execute(f"pragma synchronous = {manner.synchronous}")
    schema.upgrade(writer, version, manner.steps)
    ((mode,),) = writer.execute("pragma journal_mode = wal")
    if mode != "wal":
        raise StoreRefused(f"{path} is on a file system that SQLite can't share memory on ({mode}): use a local disk")
    writer.execute(f"pragma journal_size_limit = {LOG_LIMIT}")
    writer.execute(schema.commit_sql())
    reader = _connected(path, manner, undo)
    reader.execute("pragma query_only = on")
    topics, groups, patterns = read_topics(reader, now), read_groups(reader), read_patterns(reader)
    parts = read_parts(reader)
    folder = _connected(path, manner, undo)
    folder.execute("select only from meta").fetchall()  # so that it has the log open
    store_id, epoch = _start(writer, manner.entropy)
    writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
    return Opened(writer, reader, folder, lock, Recovered(store_id, epoch, topics, groups, patterns), parts)


def _connected(path: Path, manner: Manner, undo: ExitStack) -> apsw.Connection:
    connection = manner.connect(str(path), FLAGS)
    undo.callback(connection.close)
    connection.set_busy_timeout(PATIENCE)
    connection.execute("pragma wal_autocheckpoint = 0; pragma temp_store = memory")
    return connection


def _make_file(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False  # an empty one
    return True


def _start(writer: apsw.Connection, entropy: Callable[[int], bytes]) -> tuple[int, int]:
    if not writer.execute("select store_id from meta").fetchall():
        writer.execute("insert into meta (only, store_id, epoch) values (1, ?, 0)", (entropy(8).hex(),))
    row = writer.execute("update meta set epoch = epoch + 1 returning json_array(store_id, epoch)").fetchall()[0][0]
    store_id, epoch = _read_start(str(row).encode())
    return int(store_id, 16), epoch
