"""The store: where a node's commits go, and what can be asked of what it holds.

The contract, which `tests/storage/contract.py` holds every provider to:

- A commit is whole or absent. When its Deferred fires it is as durable as the provider promises; when it fails, nothing
  of it is stored, the store stays usable, and the same commit may be handed in again.
- Commits are applied in the order in which they were handed in. The caller hands in one at a time.
- Reads see all that was committed before they were asked, and nothing that was not.
- No content fails a commit: every text comes back as it went in, U+0000 and lone surrogates included.
- What a call costs in Python does not grow with the number of rows: one statement a commit, one result row a read (the
  GIL is lost at every row stepped: docs/architecture.md). Nothing blocks the reactor: all but `open` works on threads
  of the store's own, or takes no longer than a slice.
- `open` is synchronous, because a node that can't open its store must not start. It raises StoreRefused with the file
  and the remedy, and leaves the file untouched then, and what lies beside it too.
- Everything else returns a Deferred that fires on the reactor's thread, and fails with StoreUnavailable where the world
  is to blame (full disk, I/O error) with a text that names the file and the cause.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from kapokmq.core.commit import Commit, Recovered
from kapokmq.core.message import Message
from kapokmq.core.query import MessageQuery, Stored


class Page(NamedTuple):
    """A run of a topic's messages, ascending. `next` is the first id that the page says nothing of."""

    messages: list[Message]
    next: int


class Due(NamedTuple):
    """A delayed message: when it falls due (wall milliseconds), and its id."""

    due: int
    id: int


class Store(Protocol):
    """Takes commits, gives pages. See the head of this file for what every provider promises."""

    @property
    def paged(self) -> bool:
        """Whether what is not kept by the caller can be read back cheaply (False: the store itself is memory)."""
        ...

    @property
    def held(self) -> int:
        """Bytes of memory that messages not yet consumed take in the store, counted as `Message.size`; 0 when paged."""
        ...

    def open(self, now: int) -> Recovered:
        """Open or make the store, raise the epoch, and say what is there without reading messages.

        `now` (wall ms) decides which messages are still delayed. Raises StoreRefused.
        """
        ...

    def commit(self, commit: Commit) -> Deferred[None]:
        """Make a commit durable. Fails with StoreUnavailable."""
        ...

    def read(self, first: int, end: int, limit: int, max_bytes: int) -> Deferred[Page]:
        """The messages with `first` <= id < `end`, ascending: at most `limit`, and no more once they reach `max_bytes`.

        `next` is `end` when there are no more in the range, else one past the last message given. At least one message
        comes back where there is one. Bytes are counted as `Message.size`; a store that keeps text as UTF-8 may count
        that.
        """
        ...

    def fetch(self, ids: Sequence[int], max_bytes: int) -> Deferred[Page]:
        """The messages with these ids (in any order) that exist, ascending, and no more once they reach `max_bytes`.

        Of ids from the page's `next` on it says nothing. At least one message comes back where there is one.
        """
        ...

    def scheduled(self, after: Due, limit: int) -> Deferred[list[Due]]:
        """The delayed messages whose (due, id) is greater than `after`, ascending, at most `limit`."""
        ...

    def find(self, message_id: int, now: int) -> Deferred[Stored | None]:
        """One message, by id."""
        ...

    def search(self, query: MessageQuery) -> Deferred[list[Stored]]:
        """What a query asks for, newest create time first.

        A store reads for one search at a time; others wait for it, so that only one of them is in memory.
        """
        ...

    def aged(self, topic: int, first: int, before: int, limit: int) -> Deferred[Page]:
        """A slice of what retention may remove: messages never delayed, created before `before` (wall ms).

        Looks at no more than `limit` of the topic's messages from the id `first` up, and stops at the first that is
        too young. Bodies are left out (`data` is ""). `next` is where the next slice goes on.
        """
        ...

    def aged_delayed(self, before: int, limit: int) -> Deferred[list[Message]]:
        """The same for messages that were delayed: those due before `before`, any topic, oldest due first."""
        ...

    def dropped(self) -> list[tuple[int, int]]:
        """What the store gave up of its own accord since this was asked last: (topic number, how many messages).

        Only consumed messages, and only where they are kept as long as there is room (`paged` False). Whoever counts
        messages takes this off after each commit.
        """
        ...

    def close(self) -> Deferred[None]:
        """Finish what was handed in, close the files, end the threads."""
        ...
