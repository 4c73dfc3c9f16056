"""When and how the log of commits (`-wal`) is folded into the file.

SQLite can begin the log anew at its start only when all of it is in the file at the moment a commit begins. Folding
takes time, in which commits lengthen the log: so a thread of its own folds while commits and reads go on, again until
little is left, and the writing thread folds that little between two commits. Else the log would grow for ever under
load.
"""

import apsw
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kapokmq.core.errors import MisuseError, StoreUnavailable
from kapokmq.storage.worker import Worker

PASSES = 4  # on the folding thread, at most
LITTLE = 4 << 20  # bytes that commits may wait for


class Checkpoints:
    """Folds the log whenever it has grown by `bytes_between`."""

    def __init__(self, writing: Worker, folding: Worker, bytes_between: int) -> None:
        self._writing = writing
        self._folding = folding
        self._between = bytes_between
        self._threshold = bytes_between
        self._page = 0  # bytes
        self._pages = 0  # of the log, as of the last commit
        self._busy = False
        self._stopping = False
        self._log = Logger()

    def watch(self, writer: apsw.Connection, folder: apsw.Connection) -> None:
        """Begin with these connections; `folder` is closed by `stop`."""
        self._writer = writer
        self._folder = folder
        self._page = int(writer.pragma("page_size"))
        writer.set_wal_hook(self._grown)

    def committed(self) -> None:
        """A commit has ended: see whether it is time."""
        if self._pages * self._page >= self._threshold and not self._busy:
            self._busy = True
            Deferred.fromCoroutine(self._fold())

    async def stop(self) -> None:
        """End what is under way as soon as that can be, and the folding thread. Nothing may be committed any more."""
        self._stopping = True
        await self._folding.call(self._folder.close)
        await self._folding.stop()

    def _grown(self, connection: apsw.Connection, database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    async def _fold(self) -> None:
        left = 1
        try:
            for _ in range(PASSES):
                done = await self._folding.call(lambda: _checkpoint(self._folder)[1])
                if self._stopping:
                    return  # closing the store folds all that is left
                if (self._pages - done) * self._page <= LITTLE:
                    break
            size, done = await self._writing.call(lambda: _checkpoint(self._writer))
            left = size - done
        except (StoreUnavailable, MisuseError) as error:
            # Nothing is lost: the commits stay in the log.
            self._log.warn("the store's log can't be folded into its file, which is tried again: {error}", error=error)
        # What is left is in the way of somebody's long look with an sqlite3 shell: try again later.
        self._threshold = self._between + (self._pages * self._page if left else 0)
        self._busy = False


def _checkpoint(connection: apsw.Connection) -> tuple[int, int]:
    """Fold what can be folded without waiting; gives the pages of the log, and how many of them are in the file."""
    return connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
