"""Which messages are consumed, and since when: disjoint runs of ids, each with its time."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import NamedTuple


class ConsumedRun(NamedTuple):
    """Ids, both included, and wall milliseconds."""

    first: int
    last: int
    at: int


class ConsumedRuns:
    """Runs ascending by their first id. What is consumed stays so, since the time that was said first."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._runs: list[ConsumedRun] = []

    def below(self, message_id: int) -> ConsumedRun | None:
        """The last run that begins at or before an id. Whether it covers the id is for its `last` to say."""
        at = bisect_right(self._firsts, message_id) - 1
        return self._runs[at] if at >= 0 else None

    def covering(self, message_id: int) -> ConsumedRun | None:
        """The run that an id is in."""
        run = self.below(message_id)
        return run if run is not None and run.last >= message_id else None

    def within(self, first: int, last: int) -> list[ConsumedRun]:
        """The runs that have ids in common with `first` to `last`, whole, ascending."""
        low, high = self._reach(first, last)
        return self._runs[low:high]

    def add(self, first: int, last: int, at: int) -> list[ConsumedRun]:
        """Take in `first` to `last`; gives what of it is new.

        A run that is handed in again with a later end keeps the time that it has.
        """
        low, high = self._reach(first, last)
        if low < high and self._runs[low].first == first:
            at = self._runs[low].at
        fresh: list[ConsumedRun] = []
        for run in self._runs[low:high]:
            if run.first > first:
                fresh.append(ConsumedRun(first, run.first - 1, at))
            first = max(first, run.last + 1)
        if first <= last:
            fresh.append(ConsumedRun(first, last, at))
        for run in fresh:
            self._put(run)
        return fresh

    def forget(self, first: int, last: int, is_empty: Callable[[int, int], bool]) -> None:
        """Drop the runs with ids in `first` to `last` of which `is_empty` says that no message is left."""
        low, high = self._reach(first, last)
        left = [run for run in self._runs[low:high] if not is_empty(run.first, run.last)]
        self._runs[low:high] = left
        self._firsts[low:high] = [run.first for run in left]

    def _reach(self, first: int, last: int) -> tuple[int, int]:
        low = bisect_left(self._firsts, first)
        if low and self._runs[low - 1].last >= first:
            low -= 1
        return low, bisect_right(self._firsts, last)

    def _put(self, run: ConsumedRun) -> None:
        place = bisect_left(self._firsts, run.first)
        if place and self._runs[place - 1][1:] == (run.first - 1, run.at):
            self._runs[place - 1] = run._replace(first=self._runs[place - 1].first)
        else:
            self._firsts.insert(place, run.first)
            self._runs.insert(place, run)
