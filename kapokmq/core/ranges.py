"""Sets of whole numbers that come in runs: a million acknowledged in a row are two numbers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain

Run = tuple[int, int]  # first and last, both included
LONGEST_BLOCK = 1_000  # runs: a list that long still takes in one more in a microsecond


def runs_of(numbers: Iterable[int]) -> list[Run]:
    """The runs that distinct numbers form, ascending."""
    ordered = sorted(numbers)
    if not ordered:
        return []
    first, last = ordered[0], ordered[-1]
    if last - first + 1 == len(ordered):
        return [(first, last)]
    runs: list[Run] = []
    last = first
    for number in ordered[1:]:
        if number != last + 1:
            runs.append((first, last))
            first = number
        last = number
    runs.append((first, last))
    return runs


def gaps_of(numbers: Iterable[int], start: int, stop: int) -> list[Run]:
    """The runs of `start` to before `stop` that none of these distinct, ascending numbers is in."""
    gaps: list[Run] = []
    at = start
    for number in numbers:
        if number > at:
            gaps.append((at, number - 1))
        at = number + 1
    if at < stop:
        gaps.append((at, stop - 1))
    return gaps


class Block:
    """Some neighbouring runs of a set: `firsts` and `lasts` are theirs, ascending, none touching the next."""

    __slots__ = ("firsts", "lasts")

    def __init__(self, firsts: list[int], lasts: list[int]) -> None:
        self.firsts = firsts
        self.lasts = lasts

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.firsts, number) - 1
        return at >= 0 and self.lasts[at] >= number

    def __len__(self) -> int:
        return len(self.firsts)

    def add(self, first: int, last: int) -> list[Run]:
        """Take in `first` to `last`; gives the runs of it that were not in before, ascending."""
        firsts, lasts = self.firsts, self.lasts
        low = bisect_left(lasts, first - 1)  # the first run that touches or lies beyond
        high = bisect_right(firsts, last + 1)  # one past the last run that touches
        if low == high:
            firsts.insert(low, first)
            lasts.insert(low, last)
            return [(first, last)]
        fresh: list[Run] = []
        at = first
        for index in range(low, high):
            if firsts[index] > at:
                fresh.append((at, min(last, firsts[index] - 1)))
            at = max(at, lasts[index] + 1)
        if at <= last:
            fresh.append((at, last))
        first, last = min(first, firsts[low]), max(last, lasts[high - 1])
        firsts[low:high] = [first]
        lasts[low:high] = [last]
        return fresh

    def discard(self, first: int, last: int) -> list[Run]:
        """Take out `first` to `last`; gives the runs of it that were in, ascending."""
        gone = self.within(first, last)
        if gone:
            low = bisect_left(self.lasts, first)
            high = bisect_right(self.firsts, last)
            rest = [(self.firsts[low], first - 1), (last + 1, self.lasts[high - 1])]
            rest = [(begin, end) for begin, end in rest if begin <= end]
            self.firsts[low:high] = [begin for begin, _ in rest]
            self.lasts[low:high] = [end for _, end in rest]
        return gone

    def cut_below(self, number: int) -> int:
        """Drop what is below `number`, and the run that holds it; gives the first number not in it."""
        low = bisect_left(self.lasts, number)
        if low < len(self.firsts) and self.firsts[low] <= number:
            number = self.lasts[low] + 1
            low += 1
        del self.firsts[:low], self.lasts[:low]
        return number

    def end_of(self, number: int) -> int:
        """The first number from this one on that is not in."""
        at = bisect_right(self.firsts, number) - 1
        return self.lasts[at] + 1 if at >= 0 and self.lasts[at] >= number else number

    def within(self, first: int, last: int) -> list[Run]:
        """The runs that lie in `first` to `last`, clipped to it, ascending."""
        low = bisect_left(self.lasts, first)
        high = bisect_right(self.firsts, last)
        return [(max(first, self.firsts[i]), min(last, self.lasts[i])) for i in range(low, high)]


class RangeSet:
    """Disjoint runs, ascending, none touching the next.

    They lie in blocks, so that one more run among a million moves a thousand at most. `_heads` are the first numbers of
    the blocks, none of which is empty.
    """

    __slots__ = ("_blocks", "_heads")

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._heads: list[int] = []
        self._blocks: list[Block] = []
        for first, last in runs:
            self.add(first, last)

    def __bool__(self) -> bool:
        return bool(self._heads)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._heads, number) - 1
        return at >= 0 and number in self._blocks[at]

    def __iter__(self) -> Iterator[Run]:
        return chain.from_iterable([zip(block.firsts, block.lasts, strict=True) for block in self._blocks])

    def __len__(self) -> int:
        return sum([len(block) for block in self._blocks])

    def __repr__(self) -> str:
        return f"RangeSet({list(self)})"

    def add(self, first: int, last: int) -> list[Run]:
        """Take in `first` to `last`; gives the runs of it that were not in before, ascending."""
        if not self._heads:
            self._heads, self._blocks = [first], [Block([first], [last])]
            return [(first, last)]
        at = self._joined(first, last + 1)
        fresh = self._blocks[at].add(first, last)
        self._changed(at)
        return fresh

    def discard(self, first: int, last: int) -> list[Run]:
        """Take out `first` to `last`; gives the runs of it that were in, ascending."""
        if not self._heads:
            return []
        at = self._joined(first, last)
        gone = self._blocks[at].discard(first, last)
        if gone:
            self._changed(at)
        return gone

    def cut_below(self, number: int) -> int:
        """Drop what is below `number`, and the run that holds it or starts there; gives the first number not in it.

        This is how a low-water mark moves: `mark = done.cut_below(mark)`.
        """
        last = bisect_right(self._heads, number) - 1  # the block that may hold it: all before go
        if last < 0:
            return number
        if last:
            del self._heads[:last], self._blocks[:last]
        number = self._blocks[0].cut_below(number)
        self._changed(0)
        return number

    def end_of(self, number: int) -> int:
        """The first number from this one on that is not in."""
        at = bisect_right(self._heads, number) - 1
        return self._blocks[at].end_of(number) if at >= 0 else number

    def next_in(self, number: int, stop: int) -> int:
        """The first number from this one on that is in, `stop` where there is none below that."""
        at = max(0, bisect_right(self._heads, number) - 1)
        for block in self._blocks[at : at + 2]:
            place = bisect_left(block.lasts, number)
            if place < len(block.firsts):
                return min(stop, max(number, block.firsts[place]))
        return stop

    def reaches(self, number: int) -> bool:
        """Whether this number, or one beyond it, is in."""
        return bool(self._blocks) and self._blocks[-1].lasts[-1] >= number

    @property
    def count(self) -> int:
        """How many numbers are in."""
        return sum([sum(block.lasts) - sum(block.firsts) + len(block) for block in self._blocks])

    def within(self, first: int, last: int) -> list[Run]:
        """The runs of this set that lie in `first` to `last`, clipped to it, ascending."""
        low = max(0, bisect_right(self._heads, first) - 1)
        high = bisect_right(self._heads, last)
        return [run for block in self._blocks[low:high] for run in block.within(first, last)]

    def _joined(self, first: int, last: int) -> int:
        """Where the block is that holds whatever touches `first` to `last`, made of several if need be."""
        low = max(0, bisect_right(self._heads, first) - 1)
        high = max(low + 1, bisect_right(self._heads, last))
        if high - low > 1:
            several = self._blocks[low:high]
            firsts = [number for block in several for number in block.firsts]
            self._blocks[low:high] = [Block(firsts, [number for block in several for number in block.lasts])]
            del self._heads[low + 1 : high]
        return low

    def _changed(self, at: int) -> None:
        """A block holds others than before: it may be empty now, begin elsewhere, or be too long."""
        block = self._blocks[at]
        if not block.firsts:
            del self._blocks[at], self._heads[at]
        elif len(block) <= LONGEST_BLOCK:
            self._heads[at] = block.firsts[0]
        else:
            firsts, lasts, step = block.firsts, block.lasts, LONGEST_BLOCK // 2
            begins = range(0, len(firsts), step)
            self._blocks[at : at + 1] = [Block(firsts[i : i + step], lasts[i : i + step]) for i in begins]
            self._heads[at : at + 1] = [firsts[i] for i in begins]
