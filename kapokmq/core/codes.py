"""Making the codes of messages."""

from collections.abc import Sequence
from struct import pack

from kapokmq.core.message import Message, make_prefix


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
        epochs = {message.epoch for message in messages}
        if len(epochs) != 1:
            return [self.code(message.id, message.epoch) for message in messages]
        prefix = self.prefix(epochs.pop())
        digits = pack(f">{len(messages)}Q", *[message.id for message in messages]).hex()
        return [prefix + digits[at : at + 16] for at in range(0, len(digits), 16)]
