"""One timer for many things that fall due: a heap of deadlines, one a key."""

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_SLACK = 64  # outdated entries that are not worth rebuilding the heap for


class Deadlines(Generic[K]):
    """When each key is due, in seconds of a clock that the caller keeps.

    A key has one deadline: setting it again moves it. What is outdated stays in the heap until it comes up or is more
    than half of it, so that moving a deadline costs O(log n).
    """

    def __init__(self) -> None:
        self._when: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._count = 0  # breaks ties, so that keys are never compared

    def __len__(self) -> int:
        return len(self._when)

    def set(self, key: K, when: float) -> None:
        """Let `key` fall due at `when`, whatever was set before."""
        if self._when.get(key) == when:
            return
        self._when[key] = when
        self._count += 1
        heappush(self._heap, (when, self._count, key))
        if len(self._heap) > 2 * len(self._when) + _SLACK:
            self._heap = [entry for entry in self._heap if self._when.get(entry[2]) == entry[0]]
            heapify(self._heap)

    def sooner(self, key: K, when: float) -> None:
        """Let `key` fall due at `when`, unless it is due before that anyway.

        For what is cheaper to look at once too often than to move each time.
        """
        set_to = self._when.get(key)
        if set_to is None or when < set_to:
            self.set(key, when)

    def discard(self, key: K) -> None:
        """Forget `key`, known or not."""
        self._when.pop(key, None)

    def next(self) -> float | None:
        """When the first key falls due; None when there is none."""
        while self._heap:
            when, _, key = self._heap[0]
            if self._when.get(key) == when:
                return when
            heappop(self._heap)
        return None

    def pop(self, now: float) -> list[K]:
        """Take out the keys that are due by `now`, the earliest first."""
        due: list[K] = []
        while (when := self.next()) is not None and when <= now:
            key = heappop(self._heap)[2]
            del self._when[key]
            due.append(key)
        return due
