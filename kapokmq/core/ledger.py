"""What has changed since the last commit, until a commit takes it along."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from kapokmq.core.commit import (
    AckRow,
    AttemptRow,
    Commit,
    ConsumedRow,
    GroupRow,
    HourRow,
    MarkRow,
    NextRow,
    RemovedRow,
    TopicRow,
)
from kapokmq.core.engine import Publisher, Receipt
from kapokmq.core.group import Group
from kapokmq.core.message import Message
from kapokmq.core.ranges import Run
from kapokmq.core.topic import Topic

COMMIT_MESSAGES = 10_000
COMMIT_BYTES = 8 << 20
_HOUR = 3_600_000  # milliseconds
HOUR_FIELDS = HourRow._fields[2:]


class Published(NamedTuple):
    """One publish call. `size` is its messages' size in bytes; `confirmed` says that its publisher was told already."""

    topic: Topic
    publisher: Publisher
    receipt: Receipt
    messages: list[Message]
    size: int
    confirmed: bool


class Taken(NamedTuple):
    """What went into a commit, to be confirmed or put back."""

    commit: Commit
    published: list[Published]
    acked: dict[Group, list[Run]]


class Ledger:
    """Gathers changes; `take` makes a commit of them, whole publish calls only. True while one is worth making."""

    def __init__(self) -> None:
        self.bytes = 0
        self.messages = 0
        self._published: deque[Published] = deque()
        self._acked: dict[Group, list[Run]] = {}
        self._attempts: dict[tuple[Group, int], AttemptRow] = {}
        self._touched: dict[Topic, None] = {}
        self._hours: dict[tuple[int, int], list[int]] = {}
        self._rows = Commit()

    def __bool__(self) -> bool:
        rows = self._rows
        changed = self._published or self._acked or self._attempts
        return bool(changed or rows.topics or rows.groups or rows.removed)

    @property
    def counting(self) -> bool:
        """Whether there are counts that no commit has taken along. They alone are not worth one."""
        return bool(self._hours)

    # ---- what changes

    def topic_made(self, topic: Topic) -> None:
        """A topic came into being."""
        self._rows.topics.append(TopicRow(topic.number, topic.name))
        self._touched[topic] = None

    def group_made(self, topic: Topic, group: Group, kind: str) -> None:
        """A durable group came into being."""
        self._rows.groups.append(GroupRow(group.number, topic.number, group.name, kind, group.position.mark))

    def publish(self, published: Published) -> None:
        """A publisher's batch is to be stored."""
        self._published.append(published)
        self.bytes += published.size
        self.messages += len(published.messages)

    def acknowledge(self, group: Group, runs: list[Run]) -> None:
        """A durable group is done with these offsets."""
        if runs:
            self._acked.setdefault(group, []).extend(runs)

    def consume(self, rows: Iterable[ConsumedRow]) -> None:
        """These are consumed."""
        self._rows.consumed.extend(rows)

    def remove(self, rows: Iterable[RemovedRow]) -> None:
        """These are to be deleted."""
        self._rows.removed.extend(rows)

    def attempt(self, group: Group, rows: Iterable[AttemptRow]) -> None:
        """Leases of a durable group ended badly."""
        for row in rows:
            self._attempts[group, row.offset] = row

    def count(self, topic: Topic, wall: int, field: str, number: int) -> None:
        """That many messages were published, delivered, … (a field of HourRow) at `wall` milliseconds."""
        counts = self._hours.setdefault((topic.number, wall // _HOUR), [0] * len(HOUR_FIELDS))
        counts[HOUR_FIELDS.index(field)] += number

    # ---- what a commit takes

    def take(self) -> Taken:
        """Everything, but of the publishes no more than a commit should hold.

        What was confirmed before its commit may be removed before it, too: it is not held back, so that a removal never
        overtakes its message.
        """
        published = self._cut()
        commit, self._rows = self._rows, Commit()
        for entry in published:
            self._touched[entry.topic] = None
            commit.publishes.extend(entry.messages)
            # Counted here, so that the count is committed with the messages or not at all.
            self.count(entry.topic, entry.messages[0].created, "published", len(entry.messages))
        commit.nexts = [NextRow(topic.number, topic.next) for topic in self._touched]
        self._touched = {}
        acked, self._acked = self._acked, {}
        for group, runs in acked.items():
            mark = group.position.mark
            commit.marks.append(MarkRow(group.number, mark))
            commit.acks += [AckRow(group.number, max(first, mark), last) for first, last in runs if last >= mark]
        commit.attempts = [row for (group, offset), row in self._attempts.items() if not group.position.is_done(offset)]
        self._attempts = {}
        commit.hours = [HourRow(topic, hour, *counts) for (topic, hour), counts in self._hours.items()]
        self._hours = {}
        return Taken(commit, published, acked)

    def put_back(self, taken: Taken, groups: dict[int, Group], topics: dict[int, Topic]) -> None:
        """A commit failed: what it held goes before what has come since."""
        commit, later = taken.commit, self._rows
        for entry in reversed(taken.published):
            self._published.appendleft(entry)
            self.bytes += entry.size
            self.messages += len(entry.messages)
        self._rows = Commit(
            topics=commit.topics + later.topics,
            groups=commit.groups + later.groups,
            consumed=commit.consumed + later.consumed,
            removed=commit.removed + later.removed,
        )
        for group, runs in taken.acked.items():
            self._acked[group] = runs + self._acked.get(group, [])
        for row in commit.attempts:
            self._attempts.setdefault((groups[row.group], row.offset), row)
        for hour in commit.hours:
            counts = self._hours.setdefault(hour[:2], [0] * len(HOUR_FIELDS))
            again = hour._replace(published=0)[2:]  # publishes are counted when they are taken again
            self._hours[hour[:2]] = [one + other for one, other in zip(counts, again, strict=True)]
        self._touched.update((topics[row.topic], None) for row in commit.nexts)

    def drop(self, *, positional: bool) -> list[Published]:
        """Forget what publishers still wait for (with `positional` False only those who can be told so).

        Gives what it was. What was confirmed stays.
        """
        dropped = [
            entry for entry in self._published if not entry.confirmed and (positional or not entry.publisher.positional)
        ]
        if dropped:
            gone = {id(entry) for entry in dropped}
            self._published = deque(entry for entry in self._published if id(entry) not in gone)
            self.bytes -= sum(entry.size for entry in dropped)
            self.messages -= sum(len(entry.messages) for entry in dropped)
        return dropped

    def _cut(self) -> list[Published]:
        taken: list[Published] = []
        messages = size = 0
        while self._published:
            entry = self._published[0]
            messages += len(entry.messages)
            size += entry.size
            if taken and not entry.confirmed and (messages > COMMIT_MESSAGES or size > COMMIT_BYTES):
                break
            taken.append(self._published.popleft())
            self.messages -= len(entry.messages)
            self.bytes -= entry.size
        return taken
