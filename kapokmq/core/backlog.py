"""Where what waits for a group begins."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from kapokmq.core.position import Position

STEPS = 500  # runs that are passed by in one go


class Reached(NamedTuple):
    """How far a look has come. `found`: at what waits, or at the end."""

    offset: int
    found: bool


def seek(position: Position, offset: int, delayed: Sequence[int]) -> Reached:
    """Go on from an offset to the first that a group is not done with, that is no dead letter, and none of `delayed`.

    These are offsets too, ascending. Passes by so many runs and no more.
    """
    for _ in range(STEPS):
        end = position.dead.end_of(position.done.end_of(offset))
        if delayed:
            end = _behind(delayed, end)
        if end == offset:
            return Reached(offset, found=True)
        offset = end
    return Reached(offset, found=False)


def _behind(offsets: Sequence[int], start: int) -> int:
    """The first number from `start` on that is none of these, which ascend."""
    low = first = bisect_left(offsets, start)
    high = len(offsets)
    while low < high:  # all before `low` are in one run with `start`, what is at `high` is not
        middle = (low + high) // 2
        if offsets[middle] - start == middle - first:
            low = middle + 1
        else:
            high = middle
    return start + low - first


def gap_end(position: Position, offset: int, stop: int) -> int:
    """Where what begins at such an offset ends: at the next one that is done, or dead, or before `stop`."""
    return min(stop, *(position.done.next_in(offset, stop), position.dead.next_in(offset, stop)))
