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

from kapokmq.core.commit import Commit, Outcome
from kapokmq.core.message import Message
from kapokmq.core.query import (
    DeadPage,
    DeadQuery,
    DuePage,
    DueQuery,
    HourCounts,
    MessageQuery,
    Remnant,
    Search,
    SearchPage,
    Stored,
    Trace,
)
from kapokmq.core.recovered import Recovered


class Page(NamedTuple):
    """A run of a topic's messages, ascending. `next` is the first id that the page says nothing of."""

    messages: list[Message]
    next: int


class Due(NamedTuple):
    """A delayed message: when it falls due (wall milliseconds), and its id."""

    due: int
    id: int


class Remnants(NamedTuple):
    """What may be removed of a run of a topic's messages, ascending. `next` is the first id that it says nothing of."""

    found: list[Remnant]
    next: int


class Remembered(NamedTuple):
    """A publish call of a session: number `publish`, `count` messages, ids from `first` on, codes of `epoch`.

    `crc` is the SentRow's. `duplicates` are (index, id, epoch) of those that were not stored because a message with
    their key was.
    """

    publish: int
    first: int
    epoch: int
    count: int  # type: ignore[assignment]  # a tuple has a method of that name, which nobody needs here
    crc: int
    duplicates: list[tuple[int, int, int]]


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

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """Make a commit durable. Fails with StoreUnavailable.

        A message with a KeyRow whose key is remembered already is left out, and said to be a duplicate: nothing of it
        is stored but, if its call has a SentRow, which message stands for it. A SentRow whose session and number are
        remembered already replaces that.
        """
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

    def aged(self, topic: int, first: int, before: int, limit: int, *, every: bool = False) -> Deferred[Remnants]:
        """A slice of what retention may remove: messages never delayed, created before `before` (wall ms).

        With `every` those that were delayed, due or not, as well. Looks at no more than `limit` of the topic's messages
        from the id `first` up, and stops at the first that is too young. `next` is where the next slice goes on.
        """
        ...

    def aged_delayed(self, before: int, limit: int) -> Deferred[list[Remnant]]:
        """The same for messages that were delayed: those due before `before`, any topic, oldest due first.

        Those that expire are left out: they are found by that.
        """
        ...

    def expired(self, before: int, limit: int) -> Deferred[list[Remnant]]:
        """Messages that expire before `before` (wall ms), any topic, those that expired first first."""
        ...

    def inspect(self, search: Search) -> Deferred[SearchPage]:
        """What a Search finds. Works in slices, one search at a time, like `search`."""
        ...

    def delayed(self, topic: int | None, now: int, after: Due, limit: int, max_bytes: int) -> Deferred[list[Message]]:
        """Messages to fall due after `now`, by (due, id), which are greater than `after`; of one topic, or of all.

        At most `limit`, and no more once they reach `max_bytes`, but one at least.
        """
        ...

    def due_counts(self, query: DueQuery) -> Deferred[DuePage]:
        """How many delayed messages fall due when: see DueQuery."""
        ...

    def dead(self, query: DeadQuery) -> Deferred[DeadPage]:
        """A group's dead letters."""
        ...

    def trace(self, message_id: int) -> Deferred[Trace]:
        """What is known of a message's life."""
        ...

    def since(self, topic: int, created: int) -> Deferred[int | None]:
        """The offset of a topic's first message created at `created` (wall ms) or later, None if there is none."""
        ...

    def first_due(self, ranges: Sequence[tuple[int, int]], now: int, look: int) -> Deferred[list[int | None]]:
        """For each range of ids (first, end): since when messages in it are due that are due by `now` (wall ms).

        Of those among the first `look` messages the first COMPARED are compared, for one that was delayed may stand
        before one that is due for longer. None where there are none.
        """
        ...

    def sent(self, session: str, limit: int) -> Deferred[list[Remembered]]:
        """The last publish calls of a session, at most `limit`, ascending by number."""
        ...

    def hours(self, topic: int | None, first: int, last: int) -> Deferred[list[HourCounts]]:
        """What happened in the hours `first` to `last` (since 1970, both included), of a topic or of all together."""
        ...

    def tidy(self, sessions_before: int, buckets: Sequence[tuple[int, int]], limit: int) -> Deferred[int]:
        """Forget sessions whose last publish call was before that (wall ms), and keys.

        For each (topic, bucket), keys of that topic in buckets other than that one and the one before it go. Takes away
        about `limit` rows, and gives how many: while that is as many as `limit` there may be more.
        """
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
