"""Whose fault an exception of SQLite's is: the world's, or ours."""

import apsw
import msgspec

from kapokmq.core.errors import MisuseError, StoreUnavailable

# The file is not what was written. Rows of another shape are as well: the tables are strict.
DAMAGE = (apsw.CorruptError, apsw.NotADBError, msgspec.DecodeError, UnicodeDecodeError)
# What a disk, a file system or another process can bring about. Anything else is a bug of ours.
WORLD = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
    OSError,
    MemoryError,
)


def explained(path: object, error: Exception) -> StoreUnavailable | MisuseError:
    """The error of ours that says what `error` means for the store at `path`."""
    ours: StoreUnavailable | MisuseError
    if isinstance(error, DAMAGE):
        ours = StoreUnavailable(
            f"{path} is damaged ({type(error).__name__}: {error}): stop the node, then restore it from a backup, or"
            " start with recoveryStrategy 0, which sets it aside and begins with an empty store"
        )
    else:
        kind = StoreUnavailable if isinstance(error, WORLD) else MisuseError
        ours = kind(f"{path}: {type(error).__name__}: {error}")
    ours.__cause__ = error
    return ours
