"""A consumer, its places in groups, and what it holds there."""

from collections import deque
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from kapokmq.core.held import Held
from kapokmq.core.message import Message, parse_code, topic_of
from kapokmq.core.peers import Receiver

if TYPE_CHECKING:
    from kapokmq.core.group import Group
    from kapokmq.core.topic import Topic


class Consumer:
    """A receiver and its credit, which all its places share. It is also what the engine calls a subscription.

    `credit` is how many more messages it may be dealt, `level` how many it was last allowed. Credit that `renews` comes
    back with what it acknowledges or loses. One that `owes` nothing has acknowledged what was written to it. `flowing`
    is False while its transport takes no more. `starved` are groups that had something to deal and found it without
    credit, or not flowing: they are to be told when that changes. `since` is when it came (wall ms); `delivered` and
    `acked` count messages from then on, the first also those that came again.
    """

    __slots__ = (
        "acked",
        "credit",
        "delivered",
        "flowing",
        "group",
        "level",
        "owes",
        "pattern",
        "places",
        "receiver",
        "renews",
        "since",
        "starved",
        "topics",
    )

    def __init__(
        self,
        receiver: Receiver,
        pattern: str,
        credit: int | None,
        *,
        group: str | None = None,
        owes: bool | None = None,
        renews: bool = True,
    ) -> None:
        self.receiver = receiver
        self.pattern = pattern
        self.group = group
        self.owes = credit is not None if owes is None else owes
        self.renews = renews
        self.level: float = inf if credit is None else credit
        self.credit = self.level
        self.flowing = True
        self.since = self.delivered = self.acked = 0
        self.places: dict[Group, tuple[Topic, Member]] = {}
        self.topics: dict[int, Group] = {}  # the same by the number of the topic
        self.starved: dict[Group, Member] = {}

    @property
    def open(self) -> bool:
        """Whether it may be dealt something."""
        return self.credit > 0 and self.flowing

    def allow(self, credit: int) -> None:
        """Let it hold so many, or where credit does not renew: get so many more."""
        held = 0.0
        if self.renews:
            counted = self.level < inf
            held = self.level - self.credit if counted else sum(len(m.held) for _, m in self.places.values())
        self.level = credit
        self.credit = credit - held

    def renew(self, count: int) -> None:
        """That many of its messages are acknowledged, or lost."""
        if self.renews:
            self.credit += count

    def by_place(
        self, codes: Sequence[str], strangers: list[str]
    ) -> "list[tuple[tuple[Topic, Group, Member], Sequence[str]]]":
        """Codes by the place that they belong to; those of no place are added to `strangers`."""
        if len(self.places) == 1:
            ((group, (topic, member)),) = self.places.items()
            return [((topic, group, member), codes)]
        found: dict[int, list[str]] = {}
        for code in codes:
            parts = parse_code(code)
            number = topic_of(parts.id) if parts is not None else -1
            if number in self.topics:
                found.setdefault(number, []).append(code)
            else:
                strangers.append(code)
        places: list[tuple[tuple[Topic, Group, Member], Sequence[str]]] = []
        for number, theirs in found.items():
            group = self.topics[number]
            topic, member = self.places[group]
            places.append(((topic, group, member), theirs))
        return places

    def enter(self, topic: "Topic", group: "Group") -> "Member":
        """Have a place in a group."""
        member = Member(self)
        self.places[group] = (topic, member)
        self.topics[topic.number] = group
        return member

    def quit(self, group: "Group") -> "Member":
        """Have it no more."""
        topic, member = self.places.pop(group)
        del self.topics[topic.number]
        return member

    def in_order(self, codes: Sequence[str], some: list[str]) -> list[str]:
        """Some of these codes, which were looked for place by place, in the order in which they were given."""
        if len(self.places) > 1 and len(some) > 1:
            ranks = {code: rank for rank, code in enumerate(codes)}
            some.sort(key=ranks.__getitem__)
        return some


class Member:
    """A consumer's place in one group. `backlog` is what a broadcast has assigned to it and not dealt yet."""

    __slots__ = ("backlog", "consumer", "held")

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.held = Held()
        self.backlog: deque[Message] = deque()

    @property
    def owes(self) -> bool:
        """Whether it has to acknowledge what it gets."""
        return self.consumer.owes
