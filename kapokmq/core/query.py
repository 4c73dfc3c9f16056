"""What may be asked of stored messages."""

from dataclasses import dataclass
from typing import NamedTuple

from kapokmq.core.message import Message, Status

ANSWER_BYTES = 8 << 20
MOST_LOOKED_AT = 50_000  # messages that one question looks at
COMPARED = 10  # messages that are due, of which one has been so for longest


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


class Mark(NamedTuple):
    """How far a search has come: messages with a greater (created, id) were looked at already, and this one too."""

    created: int
    id: int


@dataclass(frozen=True, slots=True)
class Search:
    """Which messages, newest create time first, looked for through a bounded number of them.

    Fields as in MessageQuery. `text` is looked for in the body as it stands (case counts), `key` and `header`
    (name, value; value None: any) must be equal. Goes on behind `after`. Looks at `look` messages at most.
    """

    now: int
    start: int = 0
    end: int = 1 << 62
    topic: int | None = None
    status: Status | None = None
    text: str | None = None
    key: str | None = None
    header: tuple[str, str | None] | None = None
    after: Mark | None = None
    limit: int = 100
    look: int = MOST_LOOKED_AT
    max_bytes: int = ANSWER_BYTES


class Stored(NamedTuple):
    """A message as the store has it. `consumed` is in wall milliseconds, 0 while it is not consumed."""

    message: Message
    status: Status
    consumed: int


class SearchPage(NamedTuple):
    """What a Search found. `next` is where to go on, None where everything was looked at."""

    found: list[Stored]
    next: Mark | None


class Remnant(NamedTuple):
    """What is to be known of a message in order to remove it. `size` is in bytes, as Message.size."""

    id: int
    due: int | None
    size: int


class DeadLetter(NamedTuple):
    """A message that a group has given up, at `at` (wall ms), after `tries` attempts; `reason` is the last one's."""

    message: Message
    at: int
    tries: int
    reason: str


@dataclass(frozen=True, slots=True)
class DeadQuery:
    """Which dead letters of the group with number `group` in the topic with number `topic`, ascending by offset.

    From the offset `first` on. `reason` and `text` must occur in the last reason and in the body (case counts);
    `before` (wall ms): given up before. Looks at `look` dead letters at most.
    """

    topic: int
    group: int
    first: int = 0
    reason: str | None = None
    text: str | None = None
    before: int | None = None
    limit: int = 100
    look: int = MOST_LOOKED_AT
    max_bytes: int = ANSWER_BYTES


class DeadPage(NamedTuple):
    """What a DeadQuery found. `next` is the offset to go on from, None where everything was looked at."""

    found: list[DeadLetter]
    next: int | None


class Happened(NamedTuple):
    """One event in a message's life in the group with number `group`: see EventRow. `at` is in wall ms."""

    group: int
    at: int
    kind: str
    tries: int
    who: str
    reason: str


class Trace(NamedTuple):
    """What a store knows of a message's life, group by group (numbers), beside what the broker holds in memory.

    `acked` are (group, wall ms) of acknowledgements whose time was recorded; `dead` are (group, wall ms, tries,
    reason); `events` are the last 100 of the message, oldest first.
    """

    acked: list[tuple[int, int]]
    dead: list[tuple[int, int, int, str]]
    events: list[Happened]


class HourCounts(NamedTuple):
    """What happened to messages in an hour: `at` is its beginning in wall ms; the other fields as in HourRow."""

    at: int
    published: int
    delivered: int
    consumed: int
    retried: int
    expired: int
    deleted: int
    cleaned: int


class DueQuery(NamedTuple):
    """Asks how many delayed messages fall due when: from `begin` to before `end`, in steps of `step` from `first` on.

    All in wall ms. `begin` is the (due, id) to begin at, and lies ahead, for what is due is not delayed any more. At
    most `look` messages are counted, also of those that fall due together. `topic` is a number, None: of all together.
    """

    topic: int | None
    first: int
    step: int
    begin: tuple[int, int]
    end: int
    look: int


class DuePage(NamedTuple):
    """How many fall due in which step (0 begins at `first`; those with none are left out), and where to go on.

    `next` is the (due, id) of the first that was not counted, None where all were.
    """

    counts: list[tuple[int, int]]
    next: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class TopicCounts:
    """How many messages of a topic are stored, and of which status; `in_flight` of the waiting ones are leased.

    `dead` of the waiting ones have been given up by a group. `bytes` is what they take, as far as it is known.
    """

    topic: str
    all: int
    consumed: int
    delayed: int
    waiting: int
    in_flight: int
    dead: int = 0
    bytes: int = 0
