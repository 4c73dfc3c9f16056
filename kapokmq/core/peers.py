"""Whom the engine talks back to: publishers and receivers, and what it hands them.

Work comes in batches: one call a commit, one call a delivery. There are no Deferreds on the way of a message.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from kapokmq.core.message import Message


class Receipt(msgspec.Struct, gc=False):
    """One publish call that is stored as `durable` says: `count` messages, ids from `first` on, no gap.

    `reference` is what the publisher gave with it. `duplicates` are the codes of what stands for those messages (by
    index) that were not stored, because one with their key is. `resent`: all of it was stored by an earlier call of the
    session with the same number, and this is its receipt.
    """

    reference: Any
    first: int
    count: int
    prefix: str = ""
    durable: str = "fsync"
    duplicates: dict[int, str] | None = None
    resent: bool = False

    @property
    def codes(self) -> list[str]:
        """The messages' codes, in order."""
        codes = [f"{self.prefix}{message_id:016x}" for message_id in range(self.first, self.first + self.count)]
        for index, code in (self.duplicates or {}).items():
            codes[index] = code
        return codes


class Publisher(Protocol):
    """Whoever publishes, as the engine sees it. Calls come from the engine's own turn, never from within `publish`."""

    @property
    def positional(self) -> bool:
        """Whether its confirmations have no ids, so that none may be left out (the classic wire's `ok`)."""
        ...

    def confirmed(self, receipts: Sequence[Receipt]) -> None:
        """These are stored as the node promises, in the order in which they were published."""
        ...

    def refused(self, receipts: Sequence[Receipt], reason: Exception) -> None:
        """These are not stored and forgotten. A positional publisher must be closed: the engine gave up on it."""
        ...

    def pause(self) -> None:
        """The broker is full: read no more from this publisher."""
        ...

    def resume(self) -> None:
        """There is room again."""
        ...


class Delivery:
    """A batch of one topic's messages on its way to one member, or to all of a broadcast.

    What a wire makes of it is made once and kept (`rendered`), so that a fan-out to a thousand encodes once.
    """

    __slots__ = ("_rendered", "attempts", "codes", "messages", "topic")

    def __init__(
        self, topic: str, messages: Sequence[Message], codes: Sequence[str], attempts: Sequence[int] | None = None
    ) -> None:
        self.topic = topic
        self.messages = messages
        self.codes = codes
        self.attempts = attempts  # which one this is for each message, from 1 on; None: the first for all
        self._rendered: dict[Callable[[Delivery], bytes], bytes] = {}

    def rendered(self, render: "Callable[[Delivery], bytes]") -> bytes:
        """What `render` makes of this batch, made at the first call."""
        made = self._rendered.get(render)
        if made is None:
            made = self._rendered[render] = render(self)
        return made


class Receiver(Protocol):
    """Whoever consumes, as the engine sees it. Calls come from the engine's own turn, or from within `join`."""

    @property
    def label(self) -> str:
        """Who that is, for people: its id and where it comes from."""
        ...

    @property
    def address(self) -> str:
        """Where it comes from, empty where that is nowhere in particular."""
        ...

    @property
    def number(self) -> int | None:
        """The number of its connection, None where it has none of its own."""
        ...

    def deliver(self, delivery: Delivery) -> None:
        """Write these out now, in one write."""
        ...

    def dismissed(self, reason: Exception) -> None:
        """Nothing comes any more: the group, or the topic, was deleted. The subscription is over."""
        ...
