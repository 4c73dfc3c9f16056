"""Messages, their ids and their codes.

An **id** is one 63-bit integer: the number of the topic (23 bits) and the offset in it (40 bits), so that a topic's
messages lie together in the store.

A **code** is what clients see, 40 hex digits:

    digits  0..15   store id, drawn once when the store is made
    digits 16..23   epoch, raised at every start
    digits 24..39   id

so a code is never given twice, even where a message left before its commit and was lost with a crash.
"""

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar, NamedTuple

import msgspec

OFFSET_BITS = 40
OFFSET_MASK = (1 << OFFSET_BITS) - 1
TOPICS_MAX = (1 << 23) - 1
OVERHEAD = 200  # bytes that a message in memory is counted as, beside its text (the memory budget's unit)
LONGEST_DELAY = 100 * 366 * 86_400  # seconds: a century

_CODE = re.compile("[0-9a-f]{40}")


class Status(IntEnum):
    """What the classic wire says of a message (spec, 2.4). Never stored, always derived."""

    DELAYED = 0
    CONSUMED = 1
    DEAD = 2
    WAITING = -1


class Draft(msgspec.Struct, frozen=True, gc=False):
    """What a producer asks us to carry. If one exists, it is valid: decoders settle size, range and encoding.

    `delay` is in whole seconds as the producer gave it, for the classic wire to give back (negative: none). `delay_ms`
    is when it falls due, in milliseconds from now, 0 or less at once; `due` says so in wall milliseconds, and counts
    where it is given. `expire_ms` is how long it is worth delivering after it is due, 0 for ever. `key` names it for
    the topic's dedup window. `headers` are a JSON object of texts, as it is to be handed on.
    """

    data: str
    delay: int = 0
    delay_ms: int = 0
    due: int | None = None
    expire_ms: int = 0
    key: str | None = None
    headers: str | None = None


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A Draft of a text and nothing else, as most are. The v2 wire's JSON is read as one, without a step between."""

    data: str
    delay: ClassVar[int] = 0
    delay_ms: ClassVar[int] = 0
    due: ClassVar[int | None] = None
    expire_ms: ClassVar[int] = 0
    key: ClassVar[str | None] = None
    headers: ClassVar[str | None] = None


Drafts = Sequence[Draft | Text]


class Message(msgspec.Struct, array_like=True, gc=False):
    """One stored message. As JSON it is an array of these fields in this order, which is what the store inserts.

    `created`, `due` and `expire` are wall milliseconds; `due` is None for what was never delayed. `size` is what the
    message counts against the memory budget, in bytes.
    """

    id: int
    epoch: int
    created: int
    delay: int
    due: int | None
    expire: int | None
    key: str | None
    headers: str | None
    data: str

    @property
    def offset(self) -> int:
        """Where it stands in its topic."""
        return self.id & OFFSET_MASK

    @property
    def since(self) -> int:
        """When it fell due, or will."""
        return self.created if self.due is None else self.due

    @property
    def size(self) -> int:
        """What it counts against the memory budget, in bytes."""
        headers = self.headers
        return len(self.data) + OVERHEAD + (len(headers) if headers is not None else 0)


class Found(NamedTuple):
    """A message as a query sees it. `consumed` is in wall milliseconds, 0 while it is not consumed."""

    code: str
    topic: str
    data: str
    created: int
    consumed: int
    delay: int
    status: Status
    due: int | None = None
    expire: int | None = None
    key: str | None = None
    headers: str | None = None


def make_id(topic: int, offset: int) -> int:
    """The id of a topic's n-th message."""
    return topic << OFFSET_BITS | offset


def topic_of(message_id: int) -> int:
    """The number of the topic that a message belongs to."""
    return message_id >> OFFSET_BITS


def make_prefix(store_id: int, epoch: int) -> str:
    """The first 24 digits of every code given in one epoch of one store."""
    return f"{store_id:016x}{epoch:08x}"


class CodeParts(NamedTuple):
    """What a code says."""

    store_id: int
    epoch: int
    id: int


def parse_code(code: str) -> CodeParts | None:
    """What a code says, or None where it is not one of ours (length, digits, upper case)."""
    if _CODE.fullmatch(code) is None:
        return None
    return CodeParts(int(code[:16], 16), int(code[16:24], 16), int(code[24:], 16))
