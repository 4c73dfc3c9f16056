"""Everything that changed since the last commit, as one value that the store takes whole or not at all.

Rows are tuples and structs that encode to JSON arrays, because the SQL store hands each list to SQLite as one JSON text
(one statement a list, however long it is).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from kapokmq.core.message import Message


class TopicRow(NamedTuple):
    """A topic that came into being, or whose policy changed: JSON (core/policy.py), None for nothing special."""

    number: int
    name: str
    policy: str | None = None


class NextRow(NamedTuple):
    """The next offset that a topic gives. Every commit that touches the topic has it: no offset is given twice."""

    topic: int
    next: int


class SizeRow(NamedTuple):
    """The store is to say how many bytes a topic takes after this commit (`Outcome.sizes`)."""

    topic: int


class GroupRow(NamedTuple):
    """A durable group that came into being, or whose configuration changed (then `start` is left as it was).

    `kind` is "default" or "named"; `start` the first offset it is due; `config` JSON (core/policy.py), None: nothing
    special.
    """

    number: int
    topic: int
    name: str
    kind: str
    start: int
    config: str | None = None


class PatternRow(NamedTuple):
    """A group that every topic whose name matches `pattern` is to have. `config` as in GroupRow; `gone`: no more."""

    pattern: str
    name: str
    config: str | None = None
    gone: bool = False


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


class AckedRow(NamedTuple):
    """A group is done with the offsets `first` to `last` (included) since `at` (wall ms).

    Kept for people to look at, where a topic has several groups. Rows of a group never lie within one another.
    """

    group: int
    first: int
    last: int
    at: int


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


class DeadRow(NamedTuple):
    """A message that a group has given up after `tries` attempts, at `at` (wall ms); `reason` is the last one's.

    It takes the place of the AttemptRow, and vanishes with the removal of the message.
    """

    group: int
    offset: int
    at: int
    tries: int
    reason: str


class RevivedRow(NamedTuple):
    """The dead letters `first` to `last` (offsets, both included) of a group are dead no more."""

    group: int
    first: int
    last: int


class EventRow(NamedTuple):
    """Something out of the ordinary in a message's life: `kind` says what, `who` did it (a consumer, an operator).

    `tries` are the attempts so far. A group's events of a message vanish with its removal.
    """

    group: int
    offset: int
    at: int
    kind: str
    tries: int
    who: str
    reason: str


class DueRow(NamedTuple):
    """A delayed message falls due, and expires, at other times (wall ms) than it was published for."""

    id: int
    due: int
    expire: int | None = None


class KeyRow(NamedTuple):
    """A message with a key, to be stored only if no message of the topic with that key is remembered.

    Keys are remembered by `bucket`: the window's number, counted in windows since 1970. Those of the row's own bucket
    and the one before it count. Of two rows with one key the one with the lower id is stored.
    """

    topic: int
    bucket: int
    key: str
    id: int
    epoch: int


class SentRow(NamedTuple):
    """A publish call that can be told apart: number `publish` of `session`, `count` messages with ids from `first` on.

    `at` is in wall ms; `crc` is made of the messages, so that another call under the same number is found out.
    """

    session: str
    publish: int
    first: int
    epoch: int
    count: int  # type: ignore[assignment]  # a tuple has a method of that name, which nobody needs here
    at: int
    crc: int = 0


class ForgottenRow(NamedTuple):
    """The publish calls of a session up to the number `publish`, included, need not be remembered any more."""

    session: str
    publish: int


class DroppedRow(NamedTuple):
    """A group (`kind` "group") or a topic ("topic") is gone, with all that is recorded of it but its messages."""

    kind: str
    number: int


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
    patterns: list[PatternRow] = field(default_factory=list)
    keys: list[KeyRow] = field(default_factory=list)
    nexts: list[NextRow] = field(default_factory=list)
    publishes: list[Message] = field(default_factory=list)
    sent: list[SentRow] = field(default_factory=list)
    dues: list[DueRow] = field(default_factory=list)
    marks: list[MarkRow] = field(default_factory=list)
    acks: list[AckRow] = field(default_factory=list)
    consumed: list[ConsumedRow] = field(default_factory=list)
    acked: list[AckedRow] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)
    dead: list[DeadRow] = field(default_factory=list)
    revived: list[RevivedRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    removed: list[RemovedRow] = field(default_factory=list)
    forgotten: list[ForgottenRow] = field(default_factory=list)
    hours: list[HourRow] = field(default_factory=list)
    dropped: list[DroppedRow] = field(default_factory=list)
    sizes: list[SizeRow] = field(default_factory=list)


class Duplicate(NamedTuple):
    """A message that was not stored, because one with its key was: what stands for it is `original`, of `epoch`."""

    id: int
    original: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a store says of a commit that is durable. `sizes` are (topic, bytes), for the commit's `sizes`.

    Bytes are counted as `Message.size`; a store that keeps text as UTF-8 may count that.
    """

    duplicates: list[Duplicate] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
