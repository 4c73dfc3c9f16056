"""Making the codes of messages."""

from collections.abc import Iterator, Sequence
from struct import pack

from kapokmq.core.message import Message, make_prefix

_BLOCK = 12  # bits of an id, written as the last digits of a code
_LAST = (1 << _BLOCK) - 1
_TAILS = [f"{tail:03x}" for tail in range(1 << _BLOCK)]
_STEM = 13  # digits of an id before these


def run_of_codes(prefix: str, first: int, count: int) -> Iterator[tuple[str, list[str]]]:
    """The codes of `count` ids without a gap, as what some have in front and how each of these ends."""
    end = first + count
    while first < end:
        block = first >> _BLOCK
        stop = min(end, (block + 1) << _BLOCK)
        yield f"{prefix}{block:0{_STEM}x}", _TAILS[first & _LAST : ((stop - 1) & _LAST) + 1]
        first = stop


class Codes:
    """Makes codes: one store's prefixes, by epoch."""

    def __init__(self, store_id: int) -> None:
        self._store_id = store_id
        self._prefixes: dict[int, str] = {}

    def prefix(self, epoch: int) -> str:
        """The first 24 digits of the codes of an epoch."""
        found = self._prefixes.get(epoch)
        if found is None:
            found = self._prefixes[epoch] = make_prefix(self._store_id, epoch)
        return found

    def code(self, message_id: int, epoch: int) -> str:
        """The code of one message."""
        return f"{self.prefix(epoch)}{message_id:016x}"

    def of(self, messages: Sequence[Message]) -> list[str]:
        """The codes of these messages."""
        return self.of_lot(messages)[0]

    def of_lot(self, messages: Sequence[Message]) -> tuple[list[str], bool]:
        """Likewise, and whether there is no gap between any of them and the next."""
        epochs = {message.epoch for message in messages}
        if len(epochs) != 1:
            return [self.code(message.id, message.epoch) for message in messages], False
        prefix = self.prefix(epochs.pop())
        ids = [message.id for message in messages]
        if ids == list(range(ids[0], ids[0] + len(ids))):  # neighbours, as most are
            return [stem + tail for stem, tails in run_of_codes(prefix, ids[0], len(ids)) for tail in tails], True
        digits = pack(f">{len(ids)}Q", *ids).hex()
        return [prefix + digits[at : at + 16] for at in range(0, len(digits), 16)], False
