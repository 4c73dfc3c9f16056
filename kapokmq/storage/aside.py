"""Setting a store aside, so that a node begins with an empty one and nothing is lost (recoveryStrategy 0)."""

import os
from itertools import chain, count
from pathlib import Path

from kapokmq.core.errors import StoreRefused
from kapokmq.storage import foreign
from kapokmq.storage.directories import sync_directory
from kapokmq.storage.foreign import Kind
from kapokmq.storage.lock import FileLock

# The file itself goes last. A crash in between leaves a store without its latest commits, to be set aside at the next
# start; the other way round SQLite would find the log of a store that is gone, and delete it.
_PARTS = ("-wal", "-shm", "-journal", "")


def set_aside(path: str, stamp: str) -> str | None:
    """Rename the store to `PATH.STAMP`, or `PATH.STAMP.2`, … where that is taken; never overwrites.

    Gives the new name, None where there is no store. A store may be damaged, and a file of the original is one. Raises
    StoreRefused where the file is anything else, where the store is in use, or where the directory does not allow it.
    """
    old = Path(path).resolve()
    if not old.exists():
        return None
    lock = FileLock(old)
    try:
        _check(old)
        lock.take()
        new = _free(old, stamp)
        for part in _PARTS:
            source = old.with_name(old.name + part)
            if source.exists():
                source.rename(new.with_name(new.name + part))
        sync_directory(old.parent)
    except OSError as error:
        raise StoreRefused(f"{old} can't be set aside ({error.strerror}): make its directory writable") from error
    finally:
        lock.release()
    return str(new)


def _check(old: Path) -> None:
    kind = foreign.look(old).kind
    if kind is not Kind.ORIGINAL:
        foreign.refuse_others(old, kind)
    log = old.with_name(old.name + "-wal")
    if kind is Kind.BEGUN and log.exists() and log.stat().st_size:
        # Ours is made before it gets a log, so this is most likely what somebody else has just begun.
        raise foreign.somebody_elses(old)


def _free(old: Path, stamp: str) -> Path:
    names = (old.with_name(f"{old.name}.{stamp}{suffix}") for suffix in chain([""], map(".{}".format, count(2))))
    return next(name for name in names if not any(os.path.lexists(f"{name}{part}") for part in _PARTS))
