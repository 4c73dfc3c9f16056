"""Whom a node knows, in the random order in which it probes them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from serena.core.swim.chance import Chance
from serena.core.swim.messages import Address, Alive, State
from serena.core.swim.versions import PROTOCOL

_LIVE = (State.ALIVE, State.SUSPECT)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are. `versions` are six bytes (see versions); `address` is one that others reach us at."""

    name: bytes
    address: Address
    meta: bytes = b""
    versions: bytes = PROTOCOL + bytes(3)


@dataclass(slots=True, eq=False)
class Member:
    """One whom a node knows; it changes in place. Address, meta and versions are as its latest word has them.

    `since` is when its state changed last, in steady seconds; `rtt` what a direct ping takes, in seconds, smoothed.
    """

    name: bytes
    address: Address
    meta: bytes
    versions: bytes
    incarnation: int
    state: State
    since: float
    rtt: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is a member still: alive, or at most suspected."""
        return self.state in _LIVE

    def alive(self) -> Alive:
        """What to tell others of it."""
        return Alive(self.name, self.incarnation, self.address, self.meta or None, self.versions)

    def timed(self, seconds: float) -> None:
        """A direct ping took so long."""
        self.rtt = seconds if self.rtt is None else 0.8 * self.rtt + 0.2 * seconds


class Table:
    """All members by name, `me` among them, and the order of probing. `has_met`: whether there was ever another."""

    def __init__(self, me: Member, chance: Chance) -> None:
        self.me = me
        self.by_name = {me.name: me}
        self.has_met = False
        self._chance = chance
        self._order = [me]
        self._index = 0

    def __len__(self) -> int:
        return len(self._order)

    def add(self, member: Member) -> None:
        """Somebody new, at a random place of the order."""
        self.by_name[member.name] = member
        self.has_met = True
        self._order.append(member)
        at = int(self._chance.random() * len(self._order))
        self._order[at], self._order[-1] = self._order[-1], self._order[at]

    def others(self) -> Iterator[Member]:
        """All members that are live, but us."""
        return (member for member in self._order if member.is_live and member is not self.me)

    @property
    def alone(self) -> bool:
        """Whether nobody else is there."""
        return next(self.others(), None) is None

    def next_probed(self, wrapped: Callable[[], None]) -> Member | None:
        """Whom to probe now; nobody at times, where there are few. `wrapped` is called when all have had a turn."""
        passed = 0
        while passed < len(self._order):
            if self._index >= len(self._order):
                wrapped()
                self._chance.shuffle(self._order)
                self._index = 0
                passed += 1
                continue
            member = self._order[self._index]
            self._index += 1
            if member.is_live and member is not self.me:
                return member
            passed += 1
        return None

    def forget(self, before: float) -> list[Member]:
        """Take out those who were dead, or had left, before that time. We stay."""
        gone = [
            member for member in self._order if not member.is_live and member.since < before and member is not self.me
        ]
        for member in gone:
            del self.by_name[member.name]
        if gone:
            self._order = [member for member in self._order if member.name in self.by_name]
        return gone

    def sample(self, count: int, fits: Callable[[Member], bool]) -> list[Member]:
        """Up to `count` members drawn by lot of those that fit, never us."""
        everybody, picked = len(self._order), dict[Member, None]()
        if everybody < 3 * count:
            order = self._order.copy()
            self._chance.shuffle(order)
            return [member for member in order if member is not self.me and fits(member)][:count]
        for _ in range(3 * everybody):
            if len(picked) >= count:
                break
            member = self._order[int(self._chance.random() * everybody)]
            if member is not self.me and member not in picked and fits(member):
                picked[member] = None
        return list(picked)
