"""Whose fault an exception of SQLite's is: the world's, or ours."""

import apsw

from kapokmq.core.errors import MisuseError, StoreUnavailable

# What a disk, a file system or another process can bring about. Anything else is a bug of ours.
WORLD = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
    OSError,
    MemoryError,
)


def explained(path: object, error: Exception) -> StoreUnavailable | MisuseError:
    """The error of ours that says what `error` means for the store at `path`."""
    kind = StoreUnavailable if isinstance(error, WORLD) else MisuseError
    ours = kind(f"{path}: {type(error).__name__}: {error}")
    ours.__cause__ = error
    return ours
