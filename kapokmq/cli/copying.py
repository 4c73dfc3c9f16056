"""Copying a store while a node runs on it, and putting a copy in a store's place.

SQLite's backup begins anew whenever somebody else commits, and would not end under load. So the source is read in one
transaction, which sees one moment: the copy is of when it began, and each page is read once. The log can't be folded
until then, and grows by what is published meanwhile.
"""

import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import apsw

from kapokmq.core.errors import StoreRefused
from kapokmq.storage import foreign
from kapokmq.storage.aside import set_aside
from kapokmq.storage.checking import Census, check_store, connected
from kapokmq.storage.directories import make_directory, sync_directory
from kapokmq.storage.foreign import Kind
from kapokmq.storage.lock import FileLock

PAGES = 2_000  # that one step copies
LATER = 1 << 16  # epochs that a restored store skips: those that were begun after the backup, and gave codes
_BESIDE = ("-wal", "-shm", "-journal")

Told = Callable[[int, int], None]


def back_up(store: Path, copy: Path, told: Told = lambda *_: None) -> Census:
    """Copy a store to a file that is not there yet, and look that over. `told` gets the pages done, and all there are.

    Raises StoreRefused, and leaves no file then.
    """
    looked = foreign.look(store)
    if looked.kind is not Kind.OURS:
        foreign.refuse_others(store, looked.kind)
        raise StoreRefused(f"{store} is not there, or empty: name the node's persistentFile")
    part = _begun(copy)
    try:
        _copied(store, part, told)
        census = _checked(part, store)
        _named(part, copy)
    except (apsw.Error, OSError) as error:
        raise StoreRefused(
            f"{store} can't be copied to {copy} ({getattr(error, 'strerror', None) or error})"
        ) from error
    finally:
        _removed(part)
    return census


def restore(copy: Path, store: Path) -> tuple[Census, str | None]:
    """Put a backup in the place of a store; gives what it holds, and the name that the old one has now, if any.

    Raises StoreRefused where the backup is not whole or a node runs on the store, which then stays as it was.
    """
    census = _checked(copy, copy)
    store = store.resolve()
    part = _part(store)
    try:
        make_directory(store.parent)
        _fresh(part)
        _copied(copy, part, lambda *_: None)
        _skip_epochs(part)
        return census, _put(part, store)
    except (apsw.Error, OSError) as error:
        raise StoreRefused(f"{store} can't be restored ({getattr(error, 'strerror', None) or error})") from error
    finally:
        _removed(part)


def _put(part: Path, store: Path) -> str | None:
    """Give the copy its name, once nobody has the store. Gives the old one's."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = set_aside(str(store), stamp)  # raises StoreRefused where a node has it
    lock = FileLock(store)
    lock.take()
    try:
        # A log without its file is of no use, and would be taken for the new one's.
        for beside in _BESIDE:
            lost = store.with_name(store.name + beside)
            if lost.exists():
                lost.rename(store.with_name(f"{store.name}.{stamp}{beside}"))
        _named(part, store)
    except OSError as error:
        kept = f"; what was there is {aside} now" if aside else ""
        raise StoreRefused(f"{store} could not be put in its place ({error.strerror}){kept}") from error
    finally:
        lock.release()
    return aside


def _copied(source: Path, part: Path, told: Told) -> None:
    with closing(connected(source)) as reading, closing(apsw.Connection(str(part))) as writing:
        reading.execute("begin")
        reading.execute("select count(*) from sqlite_schema").fetchall()  # only now the moment is fixed
        with writing.backup("main", reading, "main") as work:
            while not work.done:
                work.step(PAGES)
                told(work.page_count - work.remaining, work.page_count)
        # One file and nothing beside it; a node makes it what it needs when it starts.
        writing.execute("pragma journal_mode = delete").fetchall()


def _skip_epochs(part: Path) -> None:
    with closing(apsw.Connection(str(part))) as connection:
        connection.execute("update meta set epoch = epoch + ?", (LATER,))


def _checked(copy: Path, named: Path) -> Census:
    census = check_store(copy)
    if census.faults:
        raise StoreRefused(f"{named} is not whole ({census.faults[0]}, and {len(census.faults) - 1} faults more)")
    return census


def _begun(copy: Path) -> Path:
    """An empty file beside the one to be, readable for its owner only."""
    if os.path.lexists(copy):
        raise StoreRefused(f"{copy} is there already: name another file")
    part = _part(copy)
    try:
        _fresh(part)
    except OSError as error:
        raise StoreRefused(f"{part} can't be made ({error.strerror})") from error
    return part


def _part(name: Path) -> Path:
    """What a file is called until it is whole."""
    return name.with_name(f"{name.name}.{os.getpid()}.part")


def _fresh(part: Path) -> None:
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _named(part: Path, name: Path) -> None:
    """Make a whole file durable, then give it its name, unless somebody else has taken that meanwhile."""
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(part, name)  # unlike a rename it never replaces anything
        part.unlink()
    except PermissionError:  # the file system has no such links
        part.rename(name)
    sync_directory(name.resolve().parent)


def _removed(part: Path) -> None:
    for name in (part, *(part.with_name(part.name + beside) for beside in _BESIDE)):
        with suppress(FileNotFoundError):
            name.unlink()
