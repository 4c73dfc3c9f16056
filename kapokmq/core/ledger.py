"""What has changed since the last commit, until a commit takes it along."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from kapokmq.core.commit import (
    AckedRow,
    AckRow,
    AttemptRow,
    Commit,
    ConsumedRow,
    DroppedRow,
    DueRow,
    EventRow,
    ForgottenRow,
    GroupRow,
    HourRow,
    KeyRow,
    MarkRow,
    NextRow,
    PatternRow,
    RemovedRow,
    SentRow,
    SizeRow,
    TopicRow,
)
from kapokmq.core.fates import Fates
from kapokmq.core.group import Group
from kapokmq.core.lost import Lost
from kapokmq.core.message import Message
from kapokmq.core.peers import Publisher, Receipt
from kapokmq.core.policy import DELETING, written
from kapokmq.core.ranges import Run
from kapokmq.core.topic import Topic

COMMIT_MESSAGES = 10_000
COMMIT_BYTES = 8 << 20
MOST_EVENTS = 10_000  # that one commit tells
_HOUR = 3_600_000  # milliseconds
HOUR_FIELDS = HourRow._fields[2:]


class Published(NamedTuple):
    """One publish call. `size` is its messages' size in bytes; `confirmed` says that its publisher was told already.

    `keys` are the rows of those of its messages that have one; `sent` is its place in a session, where it has one.
    """

    topic: Topic
    publisher: Publisher
    receipt: Receipt
    messages: list[Message]
    size: int
    confirmed: bool
    keys: list[KeyRow] = []  # noqa: RUF012 -- never changed
    sent: SentRow | None = None


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
        self._fates = Fates()
        self._touched: dict[Topic, None] = {}
        self._shrunk: dict[Topic, None] = {}
        self._hours: dict[tuple[int, int], list[int]] = {}
        self._rows = Commit()

    def __bool__(self) -> bool:
        rows = self._rows
        changed = self._published or self._acked or self._attempts
        return bool(
            changed
            or rows.topics
            or rows.groups
            or rows.consumed
            or rows.removed
            or rows.patterns
            or rows.dues
            or self._fates
            or rows.dropped
            or self._shrunk
        )

    @property
    def counting(self) -> bool:
        """Whether there are counts that no commit has taken along. They alone are not worth one."""
        return bool(self._hours)

    # ---- what changes

    def topic_made(self, topic: Topic) -> None:
        """A topic came into being."""
        self._rows.topics.append(TopicRow(topic.number, topic.name, written(topic.policy)))
        self._touched[topic] = None

    def policy_set(self, topic: Topic) -> None:
        """A topic got another policy, or is on its way out."""
        policy = DELETING if topic.deleting else written(topic.policy)
        self._rows.topics.append(TopicRow(topic.number, topic.name, policy))
        self._shrunk[topic] = None  # its bytes may count from now on

    def group_made(self, topic: Topic, group: Group, kind: str, config: str | None = None) -> None:
        """A durable group came into being, or got another configuration."""
        self._rows.groups.append(GroupRow(group.number, topic.number, group.name, kind, group.start, config))

    def pattern(self, row: PatternRow) -> None:
        """A group by pattern came into being, changed, or is gone."""
        self._rows.patterns.append(row)

    def drop_group(self, group: Group) -> None:
        """A durable group is gone: nothing more of it is to be stored."""
        self._acked.pop(group, None)
        self._attempts = {key: row for key, row in self._attempts.items() if key[0] is not group}
        self._fates.drop(group)
        self._rows.dropped.append(DroppedRow("group", group.number))

    def drop_topic(self, topic: Topic) -> None:
        """A topic is gone, and has no messages left."""
        self._touched.pop(topic, None)
        self._shrunk.pop(topic, None)
        self._hours = {key: counts for key, counts in self._hours.items() if key[0] != topic.number}
        self._rows.dropped.append(DroppedRow("topic", topic.number))

    def publish(self, published: Published) -> None:
        """A publisher's batch is to be stored."""
        self._published.append(published)
        self.bytes += published.size
        self.messages += len(published.messages)

    def acknowledge(self, group: Group, runs: list[Run]) -> None:
        """A group is done with these offsets."""
        if runs and group.durable:
            self._acked.setdefault(group, []).extend(runs)

    def consume(self, rows: Iterable[ConsumedRow]) -> None:
        """These are consumed."""
        self._rows.consumed.extend(rows)

    def remove(self, topic: Topic, rows: Iterable[RemovedRow]) -> None:
        """These messages of a topic are to be deleted."""
        self._rows.removed.extend(rows)
        self._shrunk[topic] = None

    def shrink(self, topic: Topic) -> None:
        """The store holds less of a topic than before: it is to say how much."""
        self._shrunk[topic] = None

    def acked_at(self, rows: Iterable[AckedRow]) -> None:
        """Somebody may want to know when a group was done with these."""
        self._rows.acked.extend(rows)

    def lost(self, group: Group, lost: Lost) -> None:
        """Leases of a group ended badly."""
        if group.durable:
            for row in lost.rows:
                self._attempts[group, row.offset] = row
            for dead in lost.dead:
                self._attempts.pop((group, dead.offset), None)
                self._fates.bury(group, dead)
            # Of a storm of them the rest is left out: they are for people to look at.
            self._rows.events.extend(lost.events[: max(0, MOST_EVENTS - len(self._rows.events))])

    def revive(self, group: Group, runs: list[Run], events: Iterable[EventRow]) -> None:
        """Dead letters are dead no more; what is to be known of that."""
        self._fates.revive(group, runs)
        self._rows.events.extend(events)

    def reschedule(self, row: DueRow) -> None:
        """A delayed message falls due at another time."""
        self._rows.dues.append(row)

    def forget(self, rows: Iterable[ForgottenRow]) -> None:
        """Old publish calls of a session need not be remembered."""
        self._rows.forgotten.extend(rows)

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
            commit.keys.extend(entry.keys)
            if entry.sent is not None:
                commit.sent.append(entry.sent)
            # Counted here, so that the count is committed with the messages or not at all.
            self.count(entry.topic, entry.messages[0].created, "published", len(entry.messages))
        commit.nexts = [NextRow(topic.number, topic.next) for topic in self._touched]
        changed = self._touched | self._shrunk
        # Of the others what comes is added up (Publishing), which costs the store nothing.
        asked = (topic for topic in changed if topic in self._shrunk or topic.effective.max_bytes is not None)
        commit.sizes = [SizeRow(topic.number) for topic in asked]
        self._touched, self._shrunk = {}, {}
        acked, self._acked = self._acked, {}
        for group, runs in acked.items():
            mark = group.position.mark
            commit.marks.append(MarkRow(group.number, mark))
            commit.acks += [AckRow(group.number, max(first, mark), last) for first, last in runs if last >= mark]
        commit.attempts = [row for (group, offset), row in self._attempts.items() if not group.position.is_done(offset)]
        self._attempts = {}
        self._fates.take(commit)
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
            patterns=commit.patterns + later.patterns,
            dues=commit.dues + later.dues,
            consumed=commit.consumed + later.consumed,
            acked=commit.acked + later.acked,
            events=commit.events + later.events,
            removed=commit.removed + later.removed,
            forgotten=commit.forgotten + later.forgotten,
            dropped=commit.dropped + later.dropped,
        )
        for group, runs in taken.acked.items():
            if groups.get(group.number) is group:  # else it was deleted meanwhile
                self._acked[group] = runs + self._acked.get(group, [])
        for row in commit.attempts:
            # Where the group has given it up since, its attempts are over: they begin anew if it is dealt again.
            if row.group in groups and (groups[row.group], row.offset) not in self._fates:
                self._attempts.setdefault((groups[row.group], row.offset), row)
        self._fates.put_back(commit, groups)
        for hour in commit.hours:
            if hour.topic not in topics:
                continue
            counts = self._hours.setdefault(hour[:2], [0] * len(HOUR_FIELDS))
            again = hour._replace(published=0)[2:]  # publishes are counted when they are taken again
            self._hours[hour[:2]] = [one + other for one, other in zip(counts, again, strict=True)]
        self._touched.update((topics[row.topic], None) for row in commit.nexts if row.topic in topics)
        self._shrunk.update((topics[row.topic], None) for row in commit.sizes if row.topic in topics)

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
