"""A disk that fails when told to: a VFS of SQLite's, in Python."""

import itertools
import threading

import apsw

_numbers = itertools.count()


class Disk:
    """Connections through it behave, until `failing` holds an exception's class for an operation.

    That is "write", "sync", "read", or "fold": writing to the store itself, as only the folding of its log does.
    `allowed` is how many of those operations still succeed before that. "fold" waits for `folding` to be set.
    """

    def __init__(self):
        self.failing = {}
        self.allowed = 0
        self.folding = threading.Event()
        self.folding.set()
        self.counts = dict.fromkeys(("write", "sync", "read", "fold"), 0)
        self.name = f"faulty-{next(_numbers)}"
        self._vfs = _VFS(self)

    def connect(self, path, flags):
        """A connection, as `opening.connect` makes them."""
        return apsw.Connection(path, flags=flags, vfs=self.name)

    def passes(self, operation):
        """Count an operation, and raise where it is to fail."""
        self.counts[operation] += 1
        if operation in self.failing:
            if self.allowed:
                self.allowed -= 1
            else:
                raise self.failing[operation]


class _VFS(apsw.VFS):
    def __init__(self, disk):
        self.disk = disk
        super().__init__(disk.name, "")

    def xOpen(self, name, flags):
        return _File(self.disk, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk, name, flags):
        self.disk = disk
        self.is_store = bool(flags[0] & apsw.SQLITE_OPEN_MAIN_DB)
        super().__init__("", name, flags)

    def xRead(self, amount, offset):
        self.disk.passes("read")
        return super().xRead(amount, offset)

    def xWrite(self, data, offset):
        self.disk.passes("write")
        if self.is_store:
            self.disk.folding.wait(60)
            self.disk.passes("fold")
        super().xWrite(data, offset)

    def xSync(self, flags):
        self.disk.passes("sync")
        super().xSync(flags)
