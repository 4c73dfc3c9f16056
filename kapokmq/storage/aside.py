"""Setting a store aside, so that a node begins with an empty one and nothing is lost (recoveryStrategy 0)."""

import os
from itertools import chain, count
from pathlib import Path

from kapokmq.core.errors import StoreRefused
from kapokmq.storage.lock import FileLock

# The file itself goes last. A crash in between leaves a store without its latest commits, to be set aside at the next
# start; the other way round SQLite would find the log of a store that is gone, and delete it.
_PARTS = ("-wal", "-shm", "")


def set_aside(path: str, stamp: str) -> str | None:
    """Rename the store to `PATH.STAMP`, or `PATH.STAMP.2`, … where that is taken; never overwrites.

    Gives the new name, None where there is no store. Raises StoreRefused where the store is in use, or where the
    directory does not allow it.
    """
    old = Path(path).resolve()
    if not old.exists():
        return None
    if old.is_dir():
        raise StoreRefused(f"{old} is a directory: persistentFile must name a file")
    lock = FileLock(old)
    try:
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


def sync_directory(path: Path) -> None:
    """Make names that were given or changed in a directory durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _free(old: Path, stamp: str) -> Path:
    names = (old.with_name(f"{old.name}.{stamp}{suffix}") for suffix in chain([""], map(".{}".format, count(2))))
    return next(name for name in names if not any(os.path.lexists(f"{name}{part}") for part in _PARTS))
