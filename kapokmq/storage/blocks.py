"""Sorted keys in blocks, so that a batch put in anywhere, or a range taken out, moves a block and not everything."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", int, tuple[int, int])
BLOCK = 1_000  # keys


class SortedBlocks(Generic[K]):
    """Distinct keys, ascending."""

    def __init__(self) -> None:
        self._blocks: list[list[K]] = []
        self._lasts: list[K] = []  # the last key of each block

    def __iter__(self) -> Iterator[K]:
        for block in self._blocks:
            yield from block

    def add(self, keys: Sequence[K]) -> None:
        """Put in keys, ascending, none of which is there yet."""
        begin = 0
        while begin < len(keys):
            at = bisect_left(self._lasts, keys[begin])
            if at == len(self._lasts):
                self._append(keys[begin:])
                break
            end = bisect_left(keys, self._lasts[at], begin)
            block = self._blocks[at]
            place = bisect_left(block, keys[begin])
            if keys[end - 1] < block[place]:
                block[place:place] = keys[begin:end]
            else:
                block += keys[begin:end]
                block.sort()
            self._cut(at)
            begin = end

    def remove(self, first: K, last: K) -> list[K]:
        """Take out the keys from `first` to `last`, both included; gives them, ascending."""
        low = high = bisect_left(self._lasts, first)
        gone: list[K] = []
        while high < len(self._blocks) and self._blocks[high][0] <= last:
            block = self._blocks[high]
            begin, end = bisect_left(block, first), bisect_right(block, last)
            gone += block[begin:end]
            del block[begin:end]
            high += 1
        left = [block for block in self._blocks[low:high] if block]
        self._blocks[low:high] = left
        self._lasts[low:high] = [block[-1] for block in left]
        return gone

    def ceiling(self, key: K) -> K | None:
        """The least key that is no less than `key`."""
        at = bisect_left(self._lasts, key)
        if at == len(self._lasts):
            return None
        block = self._blocks[at]
        return block[bisect_left(block, key)]

    def floor(self, key: K) -> K | None:
        """The greatest key that is no greater than `key`."""
        at = bisect_left(self._lasts, key)
        if at < len(self._lasts) and self._blocks[at][0] <= key:
            block = self._blocks[at]
            return block[bisect_right(block, key) - 1]
        return self._lasts[at - 1] if at else None

    def ascending(self, first: K) -> Iterator[K]:
        """The keys from `first` on. Nothing may be changed meanwhile."""
        at = bisect_left(self._lasts, first)
        if at < len(self._lasts):
            block = self._blocks[at]
            yield from block[bisect_left(block, first) :]
            for later in self._blocks[at + 1 :]:
                yield from later

    def _append(self, keys: Sequence[K]) -> None:
        if not self._blocks:
            self._blocks.append([])
            self._lasts.append(keys[-1])
        self._blocks[-1] += keys
        self._cut(len(self._blocks) - 1)

    def _cut(self, at: int) -> None:
        """Cut a block that has grown too long, and note its last key."""
        block = self._blocks[at]
        if len(block) > 2 * BLOCK:
            parts = [block[begin : begin + BLOCK] for begin in range(0, len(block), BLOCK)]
        else:
            parts = [block]
        self._blocks[at : at + 1] = parts
        self._lasts[at : at + 1] = [part[-1] for part in parts]
