"""What is still to be told: news that go out a certain number of times, those told least often first.

News that were sent equally often form a tier. In a tier the longest come first, as they are the hardest to fit into a
datagram; of equal ones the newest. News about somebody, known by a name, replace older ones about the same.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class _Entry:
    data: bytes
    name: bytes | None
    serial: int
    sent: int = 0

    def key(self) -> tuple[int, int, "_Entry"]:
        return -len(self.data), -self.serial, self


class Broadcasts:
    """The queue. It never waits for anybody: what is taken out counts as sent once."""

    def __init__(self) -> None:
        self._tiers: list[list[tuple[int, int, _Entry]]] = []
        self._named: dict[bytes, _Entry] = {}
        self._serial = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, data: bytes, name: bytes | None = None) -> None:
        """Tell this from now on; under a name, instead of what was told under it."""
        self._serial += 1
        entry = _Entry(data, name, self._serial)
        if name is not None:
            self.discard(name)
            self._named[name] = entry
        self._insert(entry)

    def tells_of(self, name: bytes) -> bool:
        """Whether something under this name has not been told often enough yet."""
        return name in self._named

    def discard(self, name: bytes) -> None:
        """Tell nothing of this name any more."""
        entry = self._named.pop(name, None)
        if entry is not None:
            self._remove(entry)

    def take(self, room: int, *, overhead: int, limit: int, most: int) -> list[bytes]:
        """What goes into one datagram: at most `most`, that fit into `room` bytes with `overhead` bytes each.

        `limit` is how often each goes out in all.
        """
        taken: list[_Entry] = []
        for tier in self._tiers:
            while tier and room > overhead and len(taken) < most:
                at = bisect_left(tier, (overhead - room,))
                if at == len(tier):
                    break
                entry = tier.pop(at)[2]
                taken.append(entry)
                room -= overhead + len(entry.data)
        self._count -= len(taken)
        for entry in taken:  # put back only now, so that nothing is twice in one datagram
            entry.sent += 1
            if entry.sent < limit:
                self._insert(entry)
            elif entry.name is not None:
                del self._named[entry.name]
        return [entry.data for entry in taken]

    def prune(self, most: int) -> int:
        """Forget what was told most often, beyond `most` entries; of those, the shortest and oldest. How many."""
        pruned = 0
        for tier in reversed(self._tiers):
            while tier and self._count > most:
                entry = tier.pop()[2]
                self._count -= 1
                pruned += 1
                if entry.name is not None:
                    del self._named[entry.name]
        return pruned

    def _insert(self, entry: _Entry) -> None:
        while len(self._tiers) <= entry.sent:
            self._tiers.append([])
        insort(self._tiers[entry.sent], entry.key())
        self._count += 1

    def _remove(self, entry: _Entry) -> None:
        tier = self._tiers[entry.sent]
        del tier[bisect_left(tier, entry.key()[:2])]
        self._count -= 1
