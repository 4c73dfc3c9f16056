"""How long commits took lately. What is noted of one costs the same however many there were."""

from collections import Counter, deque
from math import ceil, exp, log

from kapokmq.core.vitals import CommitTimes

SPAN = 60.0  # seconds that are told of
_SLOT = 5.0  # seconds: what is told may reach back so much further
_WIDTH = log(1.1)  # of a class of times: each is a tenth longer than the one below
_SHORTEST = 1e-6  # seconds
_MOST = 0.99


class RecentCommits:
    """Counts commits by how long they took, to a twentieth. Times in steady seconds."""

    def __init__(self) -> None:
        self._slots: deque[tuple[int, Counter[int]]] = deque()  # number of a slot, commits by class; ascending

    def observe(self, now: float, seconds: float) -> None:
        """Note a commit."""
        slot = int(now // _SLOT)
        if not self._slots or self._slots[-1][0] != slot:
            self._slots.append((slot, Counter()))
            self._forget(slot)
        self._slots[-1][1][int(log(max(seconds, _SHORTEST)) // _WIDTH)] += 1

    def told(self, now: float) -> CommitTimes | None:
        """What they come to; None where there were none."""
        self._forget(int(now // _SLOT))
        counted: Counter[int] = Counter()
        for _, counts in self._slots:
            counted.update(counts)
        count = counted.total()
        return (
            CommitTimes(_within(counted, ceil(count / 2)), _within(counted, ceil(count * _MOST)), count)
            if count
            else None
        )

    def _forget(self, slot: int) -> None:
        while self._slots and self._slots[0][0] < slot - SPAN / _SLOT:
            self._slots.popleft()


def _within(counted: Counter[int], rank: int) -> float:
    """How long the one of that rank took, the shortest being the first."""
    classes = iter(sorted(counted))
    found = next(classes)
    seen = counted[found]
    while seen < rank:
        found = next(classes)
        seen += counted[found]
    return exp((found + 0.5) * _WIDTH)
