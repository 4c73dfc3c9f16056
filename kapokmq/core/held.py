"""What a member holds: its leases, by code, in the order dealt.

They are kept by the lot that they were dealt in:

    whole    codes without a gap between them, as most are dealt. A code is found by what it has in front of its last
             two digits, and then by its number; nothing is kept for it alone. However many end in a row, that is one
             look and one comparison of lists.
    loose    all others, and what few are left of a whole one: each is in a dict.

Whatever a peer names, a look costs the same few steps: a block of 256 codes is shared by few whole lots, because these
are long, and at least a quarter of each is held.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kapokmq.core.message import Message

if TYPE_CHECKING:
    from kapokmq.core.member import Member

_BLOCK = 256  # codes that differ in their last two digits
_DIGITS = 2
_ID_AT = 24  # where a code's id begins
_SHORTEST = 16  # codes of a whole lot
_THIN = 4  # a whole lot of which less than one in so many is held is made shorter, or loose


class Batch:
    """Messages dealt together: they share a deadline (steady seconds, None: none) until they are acknowledged.

    `since` is when they were dealt, in wall milliseconds. `open` counts the leases in it that have not ended, over all
    `members` that it was dealt to. `origin` is the batch from which touches split this one off; None for one that was
    dealt, which would else refer to itself, for a collector to find.
    """

    __slots__ = ("codes", "deadline", "members", "open", "origin", "since")

    def __init__(
        self,
        members: "list[Member]",
        codes: list[str],
        deadline: float | None,
        since: int = 0,
        origin: "Batch | None" = None,
    ) -> None:
        self.members = members
        self.codes = codes
        self.deadline = deadline
        self.since = since
        self.open = len(members) * len(codes)
        self.origin = origin


Lease = tuple[Message, Batch]


class Lot:
    """The leases of one member in one batch, but for those in `moved`, by place, which are in another one by now.

    Where one has ended, `messages` has None. All before `at` have; `gaps` says that others may have, too. `left` counts
    those that are held; `first` is the number in the first code.
    """

    __slots__ = ("at", "batch", "codes", "first", "gaps", "left", "loose", "messages", "moved")

    def __init__(self, batch: Batch, messages: Sequence[Message], *, loose: bool) -> None:
        self.batch = batch
        self.codes = batch.codes
        self.messages: list[Message | None] = list(messages)
        self.first = messages[0].id
        self.at = 0
        self.left = len(messages)
        self.gaps = False
        self.loose = loose
        self.moved: dict[int, Batch] = {}

    def place_of(self, code: str) -> int | None:
        """Where a code is that is held in a whole lot."""
        try:
            place = int(code[_ID_AT:], 16) - self.first
        except ValueError:
            return None
        if not (self.at <= place < len(self.codes) and self.codes[place] == code):
            return None
        return None if self.messages[place] is None else place

    def run(self, place: int, codes: list[str], at: int) -> int:
        """How many codes from `at` on are the lot's from `place` on, and held: one at least, and about all that are."""
        if self.gaps:
            return 1
        count, step = 1, 1
        most = min(len(codes) - at, len(self.codes) - place)
        while count < most:
            more = min(most, count + step)
            if codes[at + count : at + more] != self.codes[place + count : place + more]:
                break
            count, step = more, step * 2
        return count

    def end(self, place: int, count: int) -> list[Message]:
        """Hold so many from a place on, which are all held, no more; gives them."""
        stop = place + count
        ended = self.messages[place:stop]
        self.messages[place:stop] = [None] * count
        self.left -= count
        if place == self.at:
            self.at = stop
        else:
            self.gaps = True
        return ended  # type: ignore[return-value]  # all of them were held

    def held(self) -> Iterator[tuple[int, str, Message]]:
        """Place, code and message of all that are held."""
        for place in range(self.at, len(self.codes)):
            message = self.messages[place]
            if message is not None:
                yield place, self.codes[place], message

    def blocks(self) -> Iterator[str]:
        """What a whole lot's codes have in front of their last digits, each once."""
        place = 0
        while place < len(self.codes):
            yield self.codes[place][:-_DIGITS]
            place += _BLOCK - (self.first + place) % _BLOCK

    def shrink(self) -> None:
        """Forget what has ended."""
        held = list(self.held())
        self.moved = {new: self.moved[old] for new, (old, _, _) in enumerate(held) if old in self.moved}
        self.codes = [code for _, code, _ in held]
        self.messages = [message for _, _, message in held]
        self.first = held[0][2].id
        self.at = 0


class Held:
    """The leases of one member. True while there are any."""

    __slots__ = ("_blocks", "_count", "_loose", "_lots")

    def __init__(self) -> None:
        self._count = 0
        self._lots: dict[Batch, Lot] = {}
        self._blocks: dict[str, list[Lot]] = {}
        self._loose: dict[str, tuple[Lot, int]] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, batch: Batch, messages: Sequence[Message], *, gapless: bool) -> None:
        """Hold these messages as well, one at least, under the batch's codes. `gapless`: these are a run."""
        lot = Lot(batch, messages, loose=not gapless or len(messages) < _SHORTEST)
        self._lots[batch] = lot
        self._enter(lot)
        self._count += len(messages)

    def get(self, code: str) -> Lease | None:
        """The lease under a code."""
        found = self._find(code)
        if found is None:
            return None
        lot, place = found
        return lot.messages[place], lot.moved.get(place, lot.batch)  # type: ignore[return-value]  # what is found is held

    def move(self, code: str, batch: Batch) -> None:
        """Have what is held under a code in another batch, in the same place."""
        found = self._find(code)
        if found is not None:
            found[0].moved[found[1]] = batch

    def end(self, codes: Sequence[str]) -> tuple[list[Message], list[str], dict[Batch, int]]:
        """Hold these no more. Gives their messages, the codes that were not held, and how many were of which batch."""
        codes = list(codes)
        ended: list[Message] = []
        odd: list[str] = []
        counts: dict[Batch, int] = {}
        at = 0
        while at < len(codes):
            found = self._find(codes[at])
            if found is None:
                odd.append(codes[at])
                at += 1
                continue
            lot, place = found
            count = lot.run(place, codes, at)
            ended += lot.end(place, count)
            if lot.loose:
                for code in codes[at : at + count]:
                    del self._loose[code]
            own = count
            if lot.moved:
                elsewhere = [lot.moved.pop(one) for one in range(place, place + count) if one in lot.moved]
                own -= len(elsewhere)
                for batch in elsewhere:
                    counts[batch] = counts.get(batch, 0) + 1
            if own:
                counts[lot.batch] = counts.get(lot.batch, 0) + own
            at += count
            self._tidy(lot)
        self._count -= len(ended)
        return ended, odd, counts

    def of(self, batch: Batch) -> list[str]:
        """The codes of a batch that are held."""
        lot = self._lots.get(batch)
        if lot is not None:
            return [code for place, code, _ in lot.held() if place not in lot.moved]
        leases = ((code, self.get(code)) for code in batch.codes)
        return [code for code, lease in leases if lease is not None and lease[1] is batch]

    def last(self, count: int | None) -> list[str]:
        """The codes of the last so many that were dealt, or of all."""
        found: list[str] = []
        for lot in reversed(self._lots.values()):
            codes = [code for _, code, _ in lot.held()]
            found += codes if count is None else codes[max(0, len(codes) - (count - len(found))) :]
            if len(found) == count:
                break
        return found

    def items(self) -> Iterator[tuple[str, Lease]]:
        """All that is held, by code."""
        for lot in self._lots.values():
            for place, code, message in lot.held():
                yield code, (message, lot.moved.get(place, lot.batch))

    def _find(self, code: str) -> tuple[Lot, int] | None:
        found = self._loose.get(code)
        if found is not None:
            return found
        for lot in self._blocks.get(code[:-_DIGITS], ()):
            place = lot.place_of(code)
            if place is not None:
                return lot, place
        return None

    def _enter(self, lot: Lot) -> None:
        if lot.loose:
            self._loose.update((code, (lot, place)) for place, code in enumerate(lot.codes))
        else:
            for block in lot.blocks():
                self._blocks.setdefault(block, []).append(lot)

    def _leave(self, lot: Lot) -> None:
        for block in lot.blocks():
            lots = self._blocks[block]
            lots.remove(lot)
            if not lots:
                del self._blocks[block]

    def _tidy(self, lot: Lot) -> None:
        """Some of it has ended: have it gone when all has, and shorter when most has."""
        if lot.left and (lot.loose or lot.left * _THIN >= len(lot.codes)):
            return
        if not lot.loose:
            self._leave(lot)
        if not lot.left:
            del self._lots[lot.batch]
            return
        lot.shrink()
        lot.loose = lot.gaps or lot.left < _SHORTEST
        self._enter(lot)
