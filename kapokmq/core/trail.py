"""When a group was done with what, for people to look at."""

from kapokmq.core.commit import AckedRow
from kapokmq.core.ranges import Run


class Trail:
    """Makes the rows: a run acknowledged within a second of the one before, and next to it, lengthens that one's."""

    def __init__(self, group: int) -> None:
        self._group = group
        self._tail: AckedRow | None = None

    def rows(self, runs: list[Run], at: int) -> list[AckedRow]:
        """The rows for runs acknowledged at `at` (wall ms)."""
        rows: list[AckedRow] = []
        for first, last in runs:
            tail = self._tail
            if tail is not None and tail.last + 1 == first and tail.at // 1000 == at // 1000:
                self._tail = AckedRow(self._group, tail.first, last, tail.at)
            else:
                self._tail = AckedRow(self._group, first, last, at)
            rows.append(self._tail)
        return rows

    def cut(self) -> None:
        """Messages were removed, and with them what is recorded of them: the next run begins a row of its own."""
        self._tail = None
