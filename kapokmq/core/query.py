"""What may be asked of stored messages."""

from dataclasses import dataclass
from typing import NamedTuple

from kapokmq.core.message import Message, Status

ANSWER_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """Which messages, newest create time first.

    `start` and `end` are wall milliseconds, both included. `topic` is a topic's number, None for all; `status` None for
    all. `now` decides what is due. `with_data` False leaves the bodies where they are.

    At most `limit` messages come, after passing over `offset` of them, and no more once they reach `max_bytes`, but one
    at least. Bytes are counted as `Message.size`. So an answer may be shorter than `limit` although there are more:
    whoever wants all asks again, with `offset` raised by as many as came, until nothing comes.
    """

    now: int
    start: int = 0
    end: int = 1 << 62
    topic: int | None = None
    status: Status | None = None
    with_data: bool = True
    limit: int = 10_000
    offset: int = 0
    max_bytes: int = ANSWER_BYTES


class Stored(NamedTuple):
    """A message as the store has it. `consumed` is in wall milliseconds, 0 while it is not consumed."""

    message: Message
    status: Status
    consumed: int


@dataclass(frozen=True, slots=True)
class TopicCounts:
    """How many messages of a topic are stored, and of which status; `in_flight` of the waiting ones are leased."""

    topic: str
    all: int
    consumed: int
    delayed: int
    waiting: int
    in_flight: int
