"""What the store in memory knows of messages' lives: dead letters, events, acknowledgements, group by group."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from kapokmq.core.commit import AckedRow, DeadRow, EventRow, GroupRow, RevivedRow
from kapokmq.core.message import OFFSET_MASK, Message, make_id, topic_of
from kapokmq.core.query import Happened, Trace
from kapokmq.storage.blocks import SortedBlocks
from kapokmq.storage.runs import ConsumedRuns

EVENTS = 100  # that are kept of a message in each group, and that are told of it


class Death(NamedTuple):
    """When a group gave a message up, after how many attempts, and why."""

    at: int
    tries: int
    reason: str


class Lives:
    """Nothing is recorded of messages that are not there: `has` says whether one is."""

    def __init__(self, has: Callable[[int], bool]) -> None:
        self.dead_ids: SortedBlocks[int] = SortedBlocks()  # of any group
        self._has = has
        self._topics: dict[int, int] = {}  # by group
        self._groups: dict[int, set[int]] = {}  # by topic
        self._dead: dict[int, dict[int, Death]] = {}  # by group and id
        self._letters: SortedBlocks[tuple[int, int]] = SortedBlocks()  # (group, id)
        self._deaths: Counter[int] = Counter()  # groups that gave it up, by id
        self._events: dict[int, list[Happened]] = {}  # by id
        self._acked: dict[int, ConsumedRuns] = {}  # by group, offsets

    # ---- what a commit does

    def join(self, rows: Iterable[GroupRow]) -> None:
        """These groups exist."""
        for row in rows:
            self._topics[row.number] = row.topic
            self._groups.setdefault(row.topic, set()).add(row.number)

    def ack(self, rows: Iterable[AckedRow]) -> None:
        """These were acknowledged."""
        for group, first, last, at in rows:
            self._acked.setdefault(group, ConsumedRuns()).add(first, last, at)

    def die(self, rows: Iterable[DeadRow]) -> None:
        """These were given up."""
        for group, offset, at, tries, reason in rows:
            message_id = self._id(group, offset)
            if message_id is not None:
                letters = self._dead.setdefault(group, {})
                if message_id not in letters:
                    self._letters.add([(group, message_id)])
                    self._deaths[message_id] += 1
                    if self._deaths[message_id] == 1:
                        self.dead_ids.add([message_id])
                letters[message_id] = Death(at, tries, reason)

    def revive(self, rows: Iterable[RevivedRow]) -> None:
        """These are dead no more."""
        for group, first, last in rows:
            topic = self._topics.get(group)
            if topic is not None:
                self._revive(group, make_id(topic, first), make_id(topic, last))

    def happen(self, rows: Iterable[EventRow]) -> None:
        """Events, in order."""
        for group, offset, at, kind, tries, who, reason in rows:
            message_id = self._id(group, offset)
            if message_id is not None:
                events = self._events.setdefault(message_id, [])
                events.append(Happened(group, at, kind, tries, who, reason))
                of_group = [event for event in events if event.group == group] if len(events) > EVENTS else []
                if len(of_group) > EVENTS:
                    events.remove(of_group[0])

    def remove(self, gone: Iterable[Message], first: int, last: int, is_empty: Callable[[int, int], bool]) -> None:
        """These messages are gone: all that there were from the id `first` to `last`."""
        for message in gone:
            self._events.pop(message.id, None)
            if message.id in self._deaths:
                for group in self._groups[topic_of(message.id)]:
                    self._revive(group, message.id, message.id)
        for group, acked in self._acked.items():
            low = make_id(self._topics.get(group, 0), 0)
            if topic_of(first) <= topic_of(low) <= topic_of(last):
                acked.forget(
                    max(first - low, 0),
                    min(last - low, OFFSET_MASK),
                    lambda one, other, low=low: is_empty(low + one, low + other),  # type: ignore[misc]
                )

    def drop_group(self, group: int) -> None:
        """A group is gone."""
        topic = self._topics.pop(group, None)
        if topic is not None:
            self._groups[topic].discard(group)
            for _, message_id in self._letters.remove((group, 0), (group, 1 << 63)):
                self._rise(message_id)
            self._dead.pop(group, None)
            self._acked.pop(group, None)
            for message_id, events in list(self._events.items()):
                if topic_of(message_id) == topic:
                    self._events[message_id] = [event for event in events if event.group != group]

    def drop_topic(self, topic: int) -> None:
        """A topic is gone."""
        for group in self._groups.pop(topic, set()).copy():
            self._groups.setdefault(topic, set()).add(group)
            self.drop_group(group)
        self._groups.pop(topic, None)

    # ---- what is asked

    def is_dead(self, message_id: int) -> bool:
        """Whether any group has given the message up."""
        return message_id in self._deaths

    def letters(self, group: int, first: int) -> Iterator[tuple[int, Death]]:
        """A group's dead letters from an id on, ascending."""
        dead = self._dead.get(group, {})
        for number, message_id in self._letters.ascending((group, first)):
            if number != group:
                break
            yield message_id, dead[message_id]

    def trace(self, message_id: int) -> Trace:
        """See Store.trace."""
        groups = sorted(self._groups.get(topic_of(message_id), ()))
        runs = [
            (group, run)
            for group in groups
            if group in self._acked and (run := self._acked[group].covering(message_id & OFFSET_MASK)) is not None
        ]
        deaths = [(group, self._dead.get(group, {}).get(message_id)) for group in groups]
        return Trace(
            [(group, run.at) for group, run in runs],
            [(group, *death) for group, death in deaths if death is not None],
            self._events.get(message_id, [])[-EVENTS:],
        )

    # ----

    def _id(self, group: int, offset: int) -> int | None:
        topic = self._topics.get(group)
        if topic is None or not self._has(make_id(topic, offset)):
            return None
        return make_id(topic, offset)

    def _revive(self, group: int, first: int, last: int) -> None:
        for _, message_id in self._letters.remove((group, first), (group, last)):
            del self._dead[group][message_id]
            self._rise(message_id)

    def _rise(self, message_id: int) -> None:
        self._deaths[message_id] -= 1
        if not self._deaths[message_id]:
            del self._deaths[message_id]
            self.dead_ids.remove(message_id, message_id)
