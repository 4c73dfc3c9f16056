"""When delayed messages fall due: the nearest few thousand in memory, the rest in the store.

Everything stored with (due, id) up to `loaded` has fallen due or is in the heap, and nothing beyond `loaded` falls due
before more is loaded. `horizon` is the (due, id) up to which messages have fallen due; it never goes back, whatever the
wall clock does. So of a message met elsewhere (in a page, in a commit) one can say whether it is still waiting:
`is_waiting`.
"""

from bisect import bisect_right
from collections.abc import Iterable
from heapq import heapify, heappop, heappush

NEAREST = 10_000  # delayed messages kept in memory
FALLEN_AT_ONCE = 2000  # messages that fall due in one go
_LAST_ID = (1 << 63) - 1

Due = tuple[int, int]  # wall milliseconds, message id


class Schedule:
    """Due times of delayed messages. All times are wall milliseconds."""

    def __init__(self, now: int, nearest: int = NEAREST) -> None:
        self._nearest = nearest
        self._heap: list[Due] = []
        self._ids: set[int] = set()  # in the heap and not cancelled
        self._pinned: set[int] = set()  # not in the store yet: must stay in memory
        self._cancelled: set[int] = set()  # perhaps still in the store: not to be loaded again
        self._most = 2 * nearest  # how many may be in the heap until it is trimmed
        self._loaded: Due = (now, _LAST_ID)
        self._complete = False  # the store has nothing beyond `_loaded`
        self._loading = False
        self._horizon: Due = self._loaded

    def __len__(self) -> int:
        return len(self._ids)

    def is_waiting(self, message_id: int, due: int) -> bool:
        """Whether a delayed message is still to fall due."""
        return (due, message_id) > self._horizon or message_id in self._ids

    def add(self, due: int, message_id: int, *, stored: bool) -> None:
        """A delayed message came. One that is not `stored` yet is kept until `saved` says so."""
        if not stored:
            self._pinned.add(message_id)
        elif not (self._complete or self._loading or (due, message_id) <= self._loaded):
            return
        self._push((due, message_id))
        if len(self._heap) > self._most:
            self._trim()

    def saved(self, message_ids: Iterable[int]) -> None:
        """These are in the store now."""
        self._pinned.difference_update(message_ids)

    def cancel(self, message_id: int) -> None:
        """It is not to fall due any more."""
        self._ids.discard(message_id)
        self._pinned.discard(message_id)
        self._cancelled.add(message_id)

    def removed(self) -> None:
        """The store has nothing left of what was cancelled; an answer on its way still may."""
        if not self._loading:
            self._cancelled.clear()

    @property
    def short(self) -> bool:
        """Whether the next ones should be loaded: few are left in memory, the store has more, no load is under way."""
        if self._complete or self._loading:
            return False
        first = self._first()
        return first is None or first > self._loaded or len(self._heap) <= self._nearest // 2

    def wanted(self) -> tuple[Due, int] | None:
        """What to load now, as (after, how many), or None. It is under way until it has `arrived` or `failed`."""
        if not self.short:
            return None
        self._loading = True
        return self._loaded, self._nearest

    def arrived(self, found: list[Due], limit: int) -> None:
        """The answer to a load: what the store has after the point that was asked for, at most `limit`."""
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
            self._ids.discard(message_id)
            self._pinned.discard(message_id)
            fallen.append(message_id)
        # Beyond what is loaded the store may have more that is due already: it is still waiting, for the next load.
        reached = (now, _LAST_ID) if self._complete else min((now, _LAST_ID), self._loaded)
        self._horizon = max(self._horizon, reached)
        return fallen

    def _first(self) -> Due | None:
        while self._heap and self._heap[0][1] not in self._ids:
            heappop(self._heap)  # cancelled
        return self._heap[0] if self._heap else None

    def _push(self, entry: Due) -> None:
        if entry[1] not in self._ids and entry[1] not in self._cancelled:
            self._ids.add(entry[1])
            heappush(self._heap, entry)

    def _trim(self) -> None:
        """Leave what is far away to the store, but nothing that is past the horizon."""
        entries = sorted(entry for entry in self._heap if entry[1] in self._ids)
        near = max(self._nearest, bisect_right(entries, self._horizon))
        kept, rest = entries[:near], entries[near:]
        pinned = [entry for entry in rest if entry[1] in self._pinned]
        dropped = [entry for entry in rest if entry[1] not in self._pinned]
        if dropped and not self._loading:
            self._ids.difference_update(entry[1] for entry in dropped)
            reached = max(kept[-1], self._horizon)
            self._loaded = reached if self._complete else min(reached, self._loaded)
            self._complete = False
            entries = kept + pinned
        self._heap = entries
        heapify(self._heap)
        self._most = 2 * max(self._nearest, len(entries))  # so that trimming stays cheap where little can be dropped
