"""Everything that changed since the last commit, as one value that the store takes whole or not at all.

Rows are tuples and structs that encode to JSON arrays, because the SQL store hands each list to SQLite as one JSON text
(one statement a list, however long it is).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from kapokmq.core.message import Message


class TopicRow(NamedTuple):
    """A topic that came into being."""

    number: int
    name: str


class NextRow(NamedTuple):
    """The next offset that a topic gives. Every commit that touches the topic has it: no offset is given twice."""

    topic: int
    next: int


class GroupRow(NamedTuple):
    """A durable group that came into being. `kind` is "default" or "named"; `start` the first offset it is due."""

    number: int
    topic: int
    name: str
    kind: str
    start: int


class MarkRow(NamedTuple):
    """A group is done with every offset below `mark`; its acknowledged runs below it are forgotten."""

    group: int
    mark: int


class AckRow(NamedTuple):
    """A group is done with the offsets `first` to `last`, both included, above its mark.

    May overlap or touch runs of earlier commits: a store keeps what all of them cover together.
    """

    group: int
    first: int
    last: int


class ConsumedRow(NamedTuple):
    """Every durable group is done with the messages with ids `first` to `last` (included) since `at` (wall ms)."""

    first: int
    last: int
    at: int


class RemovedRow(NamedTuple):
    """The messages with ids `first` to `last`, both included, are deleted; so is what is recorded of them."""

    first: int
    last: int


class AttemptRow(NamedTuple):
    """A lease that ended badly: how many `tries` of the message in this group have so far, and when the next is due.

    `retry_at` is wall milliseconds. The row vanishes with the group's ack, or the removal, of the message.
    """

    group: int
    offset: int
    tries: int
    retry_at: int
    reason: str


class HourRow(NamedTuple):
    """What happened to a topic's messages in an hour (wall hours since 1970), to be added to what is stored."""

    topic: int
    hour: int
    published: int
    delivered: int
    consumed: int
    retried: int
    expired: int  # removed unconsumed, by age
    deleted: int  # removed unconsumed, on request
    cleaned: int  # removed after they were consumed


@dataclass(slots=True)
class Commit:
    """One transaction. Applied in the order of the fields; a message may be published and removed in the same one."""

    topics: list[TopicRow] = field(default_factory=list)
    groups: list[GroupRow] = field(default_factory=list)
    nexts: list[NextRow] = field(default_factory=list)
    publishes: list[Message] = field(default_factory=list)
    marks: list[MarkRow] = field(default_factory=list)
    acks: list[AckRow] = field(default_factory=list)
    consumed: list[ConsumedRow] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)
    removed: list[RemovedRow] = field(default_factory=list)
    hours: list[HourRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Totals:
    """What is stored of a topic: the sum of its hours. `delayed` are those not yet due when the store was opened."""

    published: int = 0
    consumed: int = 0
    expired: int = 0
    deleted: int = 0
    cleaned: int = 0
    delayed: int = 0


@dataclass(frozen=True, slots=True)
class RecoveredTopic:
    """A topic as it was found. `first` is the lowest offset that still has a message (`next` when there is none)."""

    number: int
    name: str
    next: int
    first: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class RecoveredGroup:
    """A durable group as it was found: mark, runs above it (ascending, disjoint), leases that ended badly."""

    number: int
    topic: int
    name: str
    kind: str
    mark: int
    runs: list[tuple[int, int]]
    attempts: list[AttemptRow]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What opening a store finds. `epoch` is already this start's: one more than the last one's, and committed."""

    store_id: int
    epoch: int
    topics: list[RecoveredTopic]
    groups: list[RecoveredGroup]
