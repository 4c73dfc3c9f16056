"""When delayed messages fall due: the nearest few thousand in memory, the rest in the store.

Everything stored with (due, id) up to `loaded` has fallen due or is in the heap, and nothing beyond `loaded` falls due
before more is loaded. `horizon` is the (due, id) up to which messages have fallen due; it never goes back, whatever the
wall clock does. So of a message met elsewhere (in a page, in a commit) one can say whether it is still waiting:
`is_waiting`.

A due time may change: the message is held (`hold`) until the store has its new one (`moved`). What the store was asked
for before that may still come with the old one, in a load or in a page, long after the message has fallen due. So the
new due times of those that were moved last are remembered, and overrule what comes.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable
from heapq import heapify, heappop, heappush

NEAREST = 10_000  # delayed messages kept in memory
FALLEN_AT_ONCE = 2000  # messages that fall due in one go
MOVES = 10_000  # the last ones that are remembered
_LAST_ID = (1 << 63) - 1

Due = tuple[int, int]  # wall milliseconds, message id


class Schedule:
    """Due times of delayed messages. All times are wall milliseconds."""

    def __init__(self, now: int, nearest: int = NEAREST, moves: int = MOVES) -> None:
        self._nearest = nearest
        self._moves = moves
        self._heap: list[Due] = []
        self._dues: dict[int, int] = {}  # by id: what counts in the heap; all else there is void
        self._pinned: set[int] = set()  # not in the store yet: must stay in memory
        self._cancelled: set[int] = set()  # perhaps still in the store: not to be loaded again
        self._cancelled_before: set[int] = set()  # the same, of the time before
        self._held: dict[int, int] = {}  # by id: how many new due times are on their way to the store
        self._moved: OrderedDict[int, int] = OrderedDict()  # by id: the due time in the store, the last move at the end
        self._most = 2 * nearest  # how many may be in the heap until it is trimmed
        self._loaded: Due = (now, _LAST_ID)
        self._complete = False  # the store has nothing beyond `_loaded`
        self._loading = False
        self._horizon: Due = self._loaded

    def __len__(self) -> int:
        return len(self._dues)

    def waiting(self) -> Collection[int]:
        """The ids in memory that are still to fall due: all of them where there are few."""
        return self._dues

    def is_waiting(self, message_id: int, due: int) -> bool:
        """Whether a delayed message is still to fall due."""
        if message_id in self._dues or message_id in self._held:
            return True
        return (self._moved.get(message_id, due), message_id) > self._horizon

    def add(self, due: int, message_id: int, *, stored: bool) -> None:
        """A delayed message came. One that is not `stored` yet is kept until `saved` says so."""
        if stored:
            self.add_stored([(due, message_id)])
            return
        self._pinned.add(message_id)
        self._push((due, message_id))
        self._bound()

    def add_stored(self, entries: list[Due]) -> None:
        """Delayed messages are in the store. What is far away is left there."""
        if not (self._complete or self._loading):
            loaded = self._loaded
            entries = [entry for entry in entries if entry <= loaded]
        for entry in entries:
            self._push(entry)
        self._bound()

    def saved(self, message_ids: Iterable[int]) -> None:
        """These are in the store now."""
        self._pinned.difference_update(message_ids)

    def cancel(self, message_id: int) -> None:
        """It is not to fall due any more, at any time, even if it is held: it is about to leave the store."""
        self._dues.pop(message_id, None)
        self._held.pop(message_id, None)
        self._pinned.discard(message_id)
        self._cancelled.add(message_id)

    def hold(self, message_id: int) -> None:
        """A waiting message is not to fall due until its new due time, now on its way to the store, has `moved` it.

        It may be held again meanwhile: it then falls due by the last of as many moves.
        """
        self._dues.pop(message_id, None)
        self._held[message_id] = self._held.get(message_id, 0) + 1

    def is_moving(self, message_id: int) -> bool:
        """Whether a new due time of a message is on its way to the store."""
        return message_id in self._held

    def moved(self, message_id: int, due: int) -> None:
        """The store has a held message's new due time: it falls due then, or now if that is past."""
        count = self._held.pop(message_id, 0)
        if not count:
            return  # cancelled meanwhile
        self._moved[message_id] = due
        self._moved.move_to_end(message_id)
        while len(self._moved) > self._moves and not self._loading:
            self._moved.popitem(last=False)
        if count > 1:
            self._held[message_id] = count - 1
        else:
            self._push((due, message_id))
            self._bound()

    def removed(self, *, everything: bool = True) -> None:
        """The store has nothing left of what was cancelled before this was said last, or of `everything`.

        An answer on its way still may.
        """
        if not self._loading:
            self._cancelled_before = set() if everything else self._cancelled
            self._cancelled = set()

    @property
    def short(self) -> bool:
        """Whether the next ones should be loaded: few are left in memory, the store has more, no load is under way."""
        if self._complete or self._loading:
            return False
        first = self._first()
        return first is None or first > self._loaded or len(self._dues) <= self._nearest // 2

    def wanted(self) -> tuple[Due, int] | None:
        """What to load now, as (after, how many), or None. It is under way until it has `arrived` or `failed`."""
        if not self.short:
            return None
        self._loading = True
        return self._loaded, self._nearest

    def arrived(self, found: list[Due], limit: int) -> None:
        """The answer to a load: what the store has, or had, after the point that was asked for, at most `limit`."""
        self._loading = False
        for entry in found:
            self._push(entry)
        if len(found) < limit:
            self._complete = True
        else:
            self._loaded = max(self._loaded, found[-1])

    def failed(self) -> None:
        """The load failed, and is to be asked for again."""
        self._loading = False

    def next(self) -> int | None:
        """When the next message falls due; None when there is none, or when more must be loaded before."""
        first = self._first()
        return first[0] if first is not None and (self._complete or first <= self._loaded) else None

    def fall(self, now: int, limit: int = FALLEN_AT_ONCE) -> list[int]:
        """The ids that fall due by `now`, the earliest first, at most `limit`."""
        fallen: list[int] = []
        while len(fallen) < limit and (due := self.next()) is not None and due <= now:
            message_id = heappop(self._heap)[1]
            del self._dues[message_id]
            self._pinned.discard(message_id)
            fallen.append(message_id)
        # Beyond what is loaded the store may have more that is due already: it is still waiting, for the next load.
        reached = (now, _LAST_ID) if self._complete else min((now, _LAST_ID), self._loaded)
        self._horizon = max(self._horizon, reached)
        return fallen

    def _first(self) -> Due | None:
        while self._heap and self._dues.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)  # cancelled, or moved
        return self._heap[0] if self._heap else None

    def _push(self, entry: Due) -> None:
        due, message_id = entry
        if message_id in self._dues or message_id in self._held:
            return
        if message_id in self._cancelled or message_id in self._cancelled_before:
            return
        if self._moved.get(message_id, due) == due:
            self._dues[message_id] = due
            heappush(self._heap, entry)

    def _bound(self) -> None:
        if len(self._heap) > self._most:
            self._trim()

    def _trim(self) -> None:
        """Leave what is far away to the store, but nothing that is past the horizon."""
        entries = sorted((due, message_id) for message_id, due in self._dues.items())
        near = max(self._nearest, bisect_right(entries, self._horizon))
        kept, rest = entries[:near], entries[near:]
        pinned = [entry for entry in rest if entry[1] in self._pinned]
        dropped = [entry for entry in rest if entry[1] not in self._pinned]
        if dropped and not self._loading:
            for _, message_id in dropped:
                del self._dues[message_id]
            reached = max(kept[-1], self._horizon)
            self._loaded = reached if self._complete else min(reached, self._loaded)
            self._complete = False
            entries = kept + pinned
        self._heap = entries
        heapify(self._heap)
        self._most = 2 * max(self._nearest, len(entries))  # so that trimming stays cheap where little can be dropped
