"""One process, one store: a lock beside the store's file, which ends with the process however that ends.

It is a file of its own because SQLite locks the store with POSIX locks, which a process loses as soon as it closes
*any* descriptor of that file. `flock` belongs to the descriptor, so that a second store in the same process is kept out
too.

The file holds its owner's process id in decimal and a line feed, or nothing. A file of that name with anything else in
it (the `uv.lock` of another program, beside a store named `uv`) is neither written to nor removed.
"""

import errno
import fcntl
import os
import re
import stat
from pathlib import Path

from kapokmq.core.errors import StoreRefused

_OURS = re.compile(rb"(?:\d{1,19}\n)?")
_LONGEST = 20  # bytes of it
_NO_FILE = (errno.ELOOP, errno.EISDIR, errno.ENXIO)  # a symbolic link, a directory, a socket
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FileLock:
    """Holds `PATH.lock` from `take` to `release`."""

    def __init__(self, path: Path) -> None:
        self._store = path
        self._path = path.with_name(path.name + ".lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock.

        Raises StoreRefused where somebody else has it, or where the file is no lock of ours; OSError where it can't be
        made.
        """
        while self._descriptor is None:
            descriptor = self._open()
            try:
                self._lock(descriptor)
                if self._is_there(descriptor):  # else its owner removed it between our opening and our locking it
                    self._owner(descriptor)
                    os.truncate(descriptor, 0)
                    os.write(descriptor, f"{os.getpid()}\n".encode())
                    self._descriptor = descriptor
            finally:
                if self._descriptor is None:
                    os.close(descriptor)

    def release(self) -> None:
        """Give the lock back, and remove its file if it is still what we wrote. Does nothing where it is not held."""
        if self._descriptor is not None:
            said = os.pread(self._descriptor, _LONGEST + 1, 0)
            if said == f"{os.getpid()}\n".encode() and self._is_there(self._descriptor):
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        try:
            return os.open(self._path, _FLAGS, 0o600)
        except OSError as error:
            if error.errno in _NO_FILE:
                raise self._foreign() from error
            raise

    def _lock(self, descriptor: int) -> None:
        owner = self._owner(descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise StoreRefused(
                f"{self._store} is in use by another process ({owner or 'unknown'}): stop that one, or give this node a"
                " persistentFile of its own"
            ) from error

    def _owner(self, descriptor: int) -> str:
        """What the file says. Raises StoreRefused where that is nothing that we write."""
        said = b"?"
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            said = os.pread(descriptor, _LONGEST + 1, 0)
        if not _OURS.fullmatch(said):
            raise self._foreign()
        return said.decode().strip()

    def _foreign(self) -> StoreRefused:
        return StoreRefused(
            f"{self._path} is in the way: the store's lock has this name, and this is no lock of KapokMQ's; move it"
            " away, or name another persistentFile"
        )

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.lstat())
        except FileNotFoundError:
            return False
