"""Members that failed, and where they were. A cluster that was cut in two forgets the other half; somebody has to look.

memberlist leaves that to the program above (serf does it); here every node does a small part: one attempt an interval
at most, and the fewer are lost the rarer, so that all nodes together try each lost one about once an interval.
"""

from serena.core.swim.chance import Chance
from serena.core.swim.messages import Address

_MOST = 1024


class Lost:
    """The last of them, each for `keep` seconds."""

    def __init__(self, keep: float, chance: Chance) -> None:
        self._keep = keep
        self._chance = chance
        self._where: dict[bytes, tuple[Address, float]] = {}  # until when, the earliest first

    def __len__(self) -> int:
        return len(self._where)

    def add(self, name: bytes, address: Address, now: float) -> None:
        """That one failed."""
        self._where.pop(name, None)
        self._where[name] = address, now + self._keep
        if len(self._where) > _MOST:
            del self._where[next(iter(self._where))]

    def discard(self, name: bytes) -> None:
        """That one is found, or has left."""
        self._where.pop(name, None)

    def draw(self, live: int, now: float) -> Address | None:
        """Where to look now, if at all: `live` others may do so too."""
        while self._where and next(iter(self._where.values()))[1] <= now:
            del self._where[next(iter(self._where))]
        if self._chance.random() * (live + 1) >= len(self._where):
            return None
        return list(self._where.values())[int(self._chance.random() * len(self._where))][0]
