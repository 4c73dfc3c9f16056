"""Walks through all of a topic, slice by slice: to purge it, to make room in it, to look again at what is consumed.

One slice is under way at a time, and none while a removal is on its way to the store: so a walk never outruns commits.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kapokmq.core.effects import Effect, Sweep
from kapokmq.core.message import OFFSET_MASK, make_id
from kapokmq.core.moment import Moment
from kapokmq.core.query import Remnant
from kapokmq.core.ranges import runs_of
from kapokmq.core.retention import Retention
from kapokmq.core.schedule import Schedule
from kapokmq.core.topic import Topic

SLICE = 10_000  # messages looked at in one go: as many as a commit may bring
ROOM = 0.9  # of what a topic that refuses may hold: above it, consumed messages make room
DROP_OLDEST = "dropOldest"
_FOR_EVER = 1 << 62  # wall milliseconds


class _Walk(NamedTuple):
    """Where the next slice of a topic begins, and the id below which all is to be seen, committed so far or not."""

    first: int
    border: int = 0


class Emptying:
    """What is to be emptied, by topic."""

    def __init__(self, retention: Retention, schedule: Schedule) -> None:
        self._retention = retention
        self._schedule = schedule
        self._purging: dict[Topic, _Walk] = {}
        self._trimming: dict[Topic, _Walk] = {}
        self._rechecking: dict[Topic, _Walk] = {}
        self._asked: Sweep | None = None
        self._until = 0  # rows of removals that must be committed before the next slice
        self._walk: _Walk | None = None  # the one that it was asked for
        self._reached = 0  # the id below which the store had all when it was asked

    def purge(self, topic: Topic) -> None:
        """Delete everything that a topic has now."""
        self._purging[topic] = _Walk(make_id(topic.number, 0), make_id(topic.number, topic.next))

    def trim(self, topic: Topic) -> None:
        """Delete the oldest of a topic that holds more than it may, as far as they may go."""
        if topic not in self._trimming and any(excess > 0 for excess in _excess(topic)):
            self._trimming[topic] = _Walk(topic.swept)

    def recheck(self, topic: Topic) -> None:
        """A group has gone, or has been purged: see what all others are done with."""
        self._rechecking[topic] = _Walk(make_id(topic.number, 0), make_id(topic.number, topic.visible))

    def busy_with(self, topic: Topic) -> bool:
        """Whether a topic is still being purged."""
        return topic in self._purging or (self._asked is not None and self._asked.topic is topic)

    def forget(self, topic: Topic) -> None:
        """A topic is gone."""
        for walks in (self._purging, self._trimming, self._rechecking):
            walks.pop(topic, None)

    def next(self) -> list[Effect]:
        """Ask for the next slice."""
        if self._asked is not None or self._retention.committed_rows < self._until:
            return []
        for walks in (self._purging, self._trimming, self._rechecking):
            for topic, walk in walks.items():
                reached = make_id(topic.number, topic.committed)
                if reached <= walk.first and reached < walk.border and topic.pending_bytes:
                    continue  # the rest comes with a commit
                self._walk, self._reached = walk, reached
                self._asked = Sweep(topic, walk.first, _FOR_EVER, SLICE, every=True)
                self._retention.look_up()
                return [self._asked]
        return []

    def swept(self, asked: Sweep, remnants: Sequence[Remnant] | None, stop: int, now: Moment) -> list[Effect]:
        """A slice of a topic came, up to the id `stop` (None: it could not be read, and is asked for again)."""
        self._asked = None
        if remnants is not None:
            self._use(asked, remnants, stop, now)
            self._until = self._retention.removed
        self._retention.looked()
        return [] if remnants is None else self.next()

    def _use(self, asked: Sweep, remnants: Sequence[Remnant], stop: int, now: Moment) -> None:
        """A slice serves the walk that it was asked for, unless that has begun anew since."""
        topic, walk = asked.topic, self._walk
        over = stop <= asked.first
        if walk is None:
            return
        if self._purging.get(topic) is walk:
            border = walk.border
            self._retention.drop(topic, [one for one in remnants if one.id < border], now, by_age=False)
            self._go_on(self._purging, topic, stop, over=over or stop >= border)
        elif self._trimming.get(topic) is walk:
            self._retention.drop(topic, self._oldest(topic, remnants), now, by_age=True)
            self._go_on(self._trimming, topic, stop, over=over or all(excess <= 0 for excess in _excess(topic)))
        elif self._rechecking.get(topic) is walk:
            runs = runs_of(one.id & OFFSET_MASK for one in remnants if not self._is_waiting(one))
            if topic.groups:
                self._retention.consumed(topic, topic.consumed_by_all(None, runs), now)
            self._go_on(self._rechecking, topic, stop, over=over)

    def _go_on(self, walks: dict[Topic, _Walk], topic: Topic, stop: int, *, over: bool) -> None:
        walk, reached = walks[topic], self._reached
        if not over:
            walks[topic] = walk._replace(first=stop)
        elif reached < walk.border and (topic.pending_bytes or reached < make_id(topic.number, topic.committed)):
            walks[topic] = walk._replace(first=max(stop, reached))
        else:
            del walks[topic]

    def _is_waiting(self, one: Remnant) -> bool:
        return one.due is not None and self._schedule.is_waiting(one.id, one.due)

    def _oldest(self, topic: Topic, remnants: Sequence[Remnant]) -> list[Remnant]:
        """The first of these that have to go, so that the topic holds no more than it may. Delayed ones stay."""
        count, size = _excess(topic)
        consumed_only = topic.effective.overflow != DROP_OLDEST
        going: list[Remnant] = []
        for one in remnants:
            if count <= 0 and size <= 0:
                break
            offset = one.id & OFFSET_MASK
            if self._is_waiting(one):
                continue
            if consumed_only and not topic.consumed_part(offset, offset):
                continue
            going.append(one)
            count -= 1
            size -= one.size
        return going


def _excess(topic: Topic) -> tuple[float, float]:
    """How many messages and bytes too many a topic has.

    One that drops the oldest has what is beyond its bounds. One that refuses makes room before it has to, and only by
    what is consumed.
    """
    policy = topic.effective
    room = 1.0 if policy.overflow == DROP_OLDEST else ROOM
    if room < 1.0 and not topic.consumed:
        return 0.0, 0.0
    return (
        0.0 if policy.max_messages is None else topic.stored - policy.max_messages * room,
        0.0 if policy.max_bytes is None else topic.bytes - policy.max_bytes * room,
    )
