"""What happened minute by minute, lately: the differences between totals."""

from collections import deque
from collections.abc import Sequence

from kapokmq.core.engine import Figures
from kapokmq.core.vitals import Minute

MINUTE = 60_000  # milliseconds
KEPT = 60  # whole minutes
_FIELDS = Minute._fields[1:]


class Minutes:
    """Keeps the last minutes. It is to `look` at the totals at the latest when another minute begins.

    `wall` is in milliseconds. Where that clock is set back, what was kept of minutes that are yet to come is forgotten;
    where it leaps ahead, as after a machine slept, what is older than an hour.
    """

    def __init__(self, wall: int, totals: Figures) -> None:
        self._kept: deque[Minute] = deque()
        self._begin(wall, _counted(totals))

    def look(self, wall: int, totals: Figures) -> None:
        """These are the totals now."""
        minute = wall - wall % MINUTE
        if minute == self._at:
            return
        counted = _counted(totals)
        if minute > self._at:
            self._kept.append(self._running(counted))
        while self._kept and self._kept[-1].at >= minute:
            self._kept.pop()
        while self._kept and self._kept[0].at < minute - KEPT * MINUTE:
            self._kept.popleft()
        self._begin(wall, counted)

    def told(self, wall: int, totals: Figures) -> list[Minute]:
        """All that are kept, ascending, and the one that runs."""
        self.look(wall, totals)
        return [*self._kept, self._running(_counted(totals))]

    def _begin(self, wall: int, counted: Sequence[int]) -> None:
        self._at = wall - wall % MINUTE
        self._before = counted

    def _running(self, counted: Sequence[int]) -> Minute:
        return Minute(self._at, *[now - then for now, then in zip(counted, self._before, strict=True)])


def _counted(totals: Figures) -> list[int]:
    return [getattr(totals, field) for field in _FIELDS]
