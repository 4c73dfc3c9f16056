"""Sets of whole numbers that come in runs: a million acknowledged in a row are two numbers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Run = tuple[int, int]  # first and last, both included


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


class RangeSet:
    """Disjoint runs, ascending, none touching the next."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in runs:
            self.add(first, last)

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and self._lasts[at] >= number

    def __iter__(self) -> Iterator[Run]:
        return zip(self._firsts, self._lasts, strict=True)

    def __len__(self) -> int:
        return len(self._firsts)

    def __repr__(self) -> str:
        return f"RangeSet({list(self)})"

    def add(self, first: int, last: int) -> list[Run]:
        """Take in `first` to `last`; gives the runs of it that were not in before, ascending."""
        low = bisect_left(self._lasts, first - 1)  # the first run that touches or lies beyond
        high = bisect_right(self._firsts, last + 1)  # one past the last run that touches
        fresh: list[Run] = []
        at = first
        for index in range(low, high):
            if self._firsts[index] > at:
                fresh.append((at, min(last, self._firsts[index] - 1)))
            at = max(at, self._lasts[index] + 1)
        if at <= last:
            fresh.append((at, last))
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]
        return fresh

    def cut_below(self, number: int) -> int:
        """Drop what is below `number`, and the run that holds it or starts there; gives the first number not in it.

        This is how a low-water mark moves: `mark = done.cut_below(mark)`.
        """
        low = bisect_left(self._lasts, number)
        if low < len(self._firsts) and self._firsts[low] <= number:
            number = self._lasts[low] + 1
            low += 1
        if low:
            del self._firsts[:low]
            del self._lasts[:low]
        return number

    def discard(self, first: int, last: int) -> list[Run]:
        """Take out `first` to `last`; gives the runs of it that were in, ascending."""
        gone = self.within(first, last)
        if gone:
            low = bisect_left(self._lasts, first)
            high = bisect_right(self._firsts, last)
            rest = [(self._firsts[low], first - 1), (last + 1, self._lasts[high - 1])]
            rest = [(begin, end) for begin, end in rest if begin <= end]
            self._firsts[low:high] = [begin for begin, _ in rest]
            self._lasts[low:high] = [end for _, end in rest]
        return gone

    def end_of(self, number: int) -> int:
        """The first number from this one on that is not in."""
        at = bisect_right(self._firsts, number) - 1
        return self._lasts[at] + 1 if at >= 0 and self._lasts[at] >= number else number

    def reaches(self, number: int) -> bool:
        """Whether this number, or one beyond it, is in."""
        return bool(self._lasts) and self._lasts[-1] >= number

    @property
    def count(self) -> int:
        """How many numbers are in."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def within(self, first: int, last: int) -> list[Run]:
        """The runs of this set that lie in `first` to `last`, clipped to it, ascending."""
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        return [(max(first, self._firsts[i]), min(last, self._lasts[i])) for i in range(low, high)]
