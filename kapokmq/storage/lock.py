"""One process, one store: a lock beside the store's file, which ends with the process however that ends.

It is a file of its own because SQLite locks the store with POSIX locks, which a process loses as soon as it closes
*any* descriptor of that file. `flock` belongs to the descriptor, so that a second store in the same process is kept out
too.
"""

import errno
import fcntl
import os
from pathlib import Path

from kapokmq.core.errors import StoreRefused

LONGEST_OWNER = 20  # bytes read of what the owner wrote: its process id


class FileLock:
    """Holds `PATH.lock` from `take` to `release`."""

    def __init__(self, path: Path) -> None:
        self._store = path
        self._path = path.with_name(path.name + ".lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock. Raises StoreRefused where somebody else has it, OSError where the file can't be made."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                owner = os.read(descriptor, LONGEST_OWNER).decode("ascii", "replace").strip()
                os.close(descriptor)
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
                raise StoreRefused(
                    f"{self._store} is in use by another process ({owner or 'unknown'}): stop that one, or give this"
                    " node a persistentFile of its own"
                ) from error
            if self._is_there(descriptor):
                break
            os.close(descriptor)  # its owner removed the file between our opening and our locking it
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back and remove its file. Does nothing where it is not held."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False
