"""What a member holds: its leases, by code, in the order dealt.

They are kept by the lot that they were dealt in. A lot is **whole** while its messages end from the front on, as most
consumers have it: however many end then, that is a look at one code and a comparison of two lists. Whoever names a code
from within a lot has it **split**: each of its leases is found by its code from then on.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kapokmq.core.message import Message

if TYPE_CHECKING:
    from kapokmq.core.member import Member

_MOST_WHOLE = 8  # lots that are looked through for a code that is in front of none: beyond them the oldest is split


class Batch:
    """Messages dealt together: they share a deadline (steady seconds, None: none) until they are acknowledged.

    `since` is when they were dealt, in wall milliseconds. `open` counts the leases in it that have not ended, over all
    `members` that it was dealt to.
    """

    __slots__ = ("codes", "deadline", "members", "open", "since")

    def __init__(self, members: "list[Member]", codes: list[str], deadline: float | None, since: int = 0) -> None:
        self.members = members
        self.codes = codes
        self.deadline = deadline
        self.since = since
        self.open = len(members) * len(codes)


Lease = tuple[Message, Batch]


class Lot:
    """The leases of one batch: those from `at` on while it is whole, `leases` once it is split."""

    __slots__ = ("_high", "_low", "at", "batch", "codes", "leases", "messages")

    def __init__(self, batch: Batch, codes: list[str], messages: Sequence[Message]) -> None:
        self.batch = batch
        self.codes = codes
        self.messages = messages
        self.at = 0
        self.leases: dict[str, Lease] = {}
        self._low = self._high = ""

    def may_hold(self, code: str) -> bool:
        """Whether it lies between the lot's codes."""
        if not self._high:
            self._low, self._high = min(self.codes), max(self.codes)
        return self._low <= code <= self._high

    def advance(self, count: int) -> Sequence[Message]:
        """Be whole without the first so many; gives these."""
        start, self.at = self.at, self.at + count
        ended = self.messages[start : self.at]
        if self.at * 2 > len(self.codes):  # what has ended is not to be kept in memory
            self.codes, self.messages, self.at = self.codes[self.at :], self.messages[self.at :], 0
        return ended

    def split(self) -> None:
        """Be whole no more."""
        pairs = zip(self.codes[self.at :], self.messages[self.at :], strict=True)
        self.leases = {code: (message, self.batch) for code, message in pairs}
        self.codes, self.messages = [], ()


class Held:
    """The leases of one member. True while there are any."""

    __slots__ = ("_count", "_fronts", "_lots", "_split")

    def __init__(self) -> None:
        self._count = 0
        self._lots: dict[Lot, None] = {}
        self._fronts: dict[str, Lot] = {}  # whole lots by their first code, in the order dealt
        self._split: dict[str, Lot] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, batch: Batch, messages: Sequence[Message]) -> None:
        """Hold these messages as well, under the batch's codes."""
        lot = Lot(batch, batch.codes, messages)
        self._lots[lot] = None
        self._fronts[batch.codes[0]] = lot
        self._count += len(messages)

    def get(self, code: str) -> Lease | None:
        """The lease under a code."""
        lot = self._lot_of(code)
        return None if lot is None else lot.leases[code]

    def of(self, batch: Batch) -> list[str]:
        """The codes of a batch that are held."""
        leases = ((code, self.get(code)) for code in batch.codes)
        return [code for code, lease in leases if lease is not None and lease[1] is batch]

    def move(self, code: str, batch: Batch) -> None:
        """Have what is held under a code in another batch, in the same place."""
        lot = self._split[code]
        lot.leases[code] = (lot.leases[code][0], batch)

    def end(self, codes: Sequence[str]) -> tuple[list[Message], list[str], dict[Batch, int]]:
        """Hold these no more. Gives their messages, the codes that were not held, and how many were of which batch."""
        codes = list(codes)
        ended: list[Message] = []
        odd: list[str] = []
        counts: dict[Batch, int] = {}
        at = 0
        while at < len(codes):
            code = codes[at]
            lot = self._fronts.get(code)
            if lot is not None:
                count = min(len(codes) - at, len(lot.codes) - lot.at)
                if codes[at : at + count] == lot.codes[lot.at : lot.at + count]:
                    ended += self._advance(lot, code, count)
                    counts[lot.batch] = counts.get(lot.batch, 0) + count
                    at += count
                    continue
            at += 1
            lot = self._lot_of(code)
            if lot is None:
                odd.append(code)
                continue
            message, batch = self._drop(lot, code)
            ended.append(message)
            counts[batch] = counts.get(batch, 0) + 1
        self._count -= len(ended)
        return ended, odd, counts

    def last(self, count: int | None) -> list[str]:
        """The codes of the last so many, or of all, the latest first."""
        found: list[str] = []
        for lot in reversed(self._lots):
            found += reversed(lot.leases) if lot.leases else reversed(lot.codes[lot.at :])
            if count is not None and len(found) >= count:
                return found[:count]
        return found

    def items(self) -> Iterator[tuple[str, Lease]]:
        """All that is held, by code."""
        for lot in self._lots:
            if lot.leases:
                yield from lot.leases.items()
            else:
                for code, message in zip(lot.codes[lot.at :], lot.messages[lot.at :], strict=True):
                    yield code, (message, lot.batch)

    def _advance(self, lot: Lot, code: str, count: int) -> Sequence[Message]:
        del self._fronts[code]
        if count == len(lot.codes) - lot.at:
            del self._lots[lot]
            return lot.messages[lot.at :]
        ended = lot.advance(count)
        self._fronts[lot.codes[lot.at]] = lot
        return ended

    def _drop(self, lot: Lot, code: str) -> Lease:
        del self._split[code]
        lease = lot.leases.pop(code)
        if not lot.leases:
            del self._lots[lot]
        return lease

    def _lot_of(self, code: str) -> Lot | None:
        """The lot that has this code, which is split by that."""
        lot = self._split.get(code)
        if lot is not None:
            return lot
        lots = list(self._fronts.items())
        for left, (front, whole) in zip(range(len(lots), 0, -1), lots, strict=True):
            if left > _MOST_WHOLE or whole.may_hold(code):
                self._split_up(front, whole)
        return self._split.get(code)

    def _split_up(self, front: str, lot: Lot) -> None:
        del self._fronts[front]
        lot.split()
        self._split.update(dict.fromkeys(lot.leases, lot))
