"""A topic: a log of messages, the groups that are due it, and how much of it is in which state."""

from kapokmq.core.commit import ConsumedRow
from kapokmq.core.group import Group
from kapokmq.core.message import make_id
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.query import TopicCounts
from kapokmq.core.ranges import RangeSet, Run


class Topic:
    """One log. Offsets: `next` is given next; below `visible` groups may see messages; below `committed` all is stored.

    `stored`, `consumed` and `delayed` count messages that the store has (or will have with the next commit);
    `finished` are the offsets that are consumed, or removed. `bytes` is what the store said last that they take,
    `pending_bytes` what has come since. `pending` counts messages that are not visible before their commit, `held` the
    publish calls that nobody may see before their commit although the node is eager. `swept` is the first id that
    retention has not looked at.

    `policy` is what was set for it, `effective` what it goes by. `deleting`: it is on its way out.
    """

    def __init__(self, number: int, name: str, offset: int = 0) -> None:
        self.number = number
        self.name = name
        self.next = offset
        self.visible = offset
        self.committed = offset
        self.groups: dict[str, Group] = {}  # durable
        self.privates: dict[Group, None] = {}
        self.policy = TopicPolicy()
        self.effective = TopicPolicy()
        self.stored = 0
        self.consumed = 0
        self.delayed = 0
        self.bytes = 0
        self.pending_bytes = 0
        self.pending = 0
        self.held = 0
        self.finished = RangeSet()
        self.swept = make_id(number, 0)
        self.deleting = False
        self.bucket = 0  # the last window of keys that was used: a clock that is set back uses it on
        self._tail: ConsumedRow | None = None

    @property
    def waiting(self) -> int:
        """Messages due and not consumed, in flight or not."""
        return self.stored - self.consumed - self.delayed

    @property
    def keeps(self) -> bool:
        """Whether its messages are stored at all. It stays with what was decided when the topic was made."""
        return self.effective.retention != "none"

    @property
    def dead(self) -> int:
        """Dead letters, counted once a group."""
        return sum(group.position.dead.count for group in self.groups.values())

    def counts(self) -> TopicCounts:
        """What there is of it, for people."""
        in_flight = sum(group.in_flight for group in self.all_groups())
        return TopicCounts(
            self.name, self.stored, self.consumed, self.delayed, self.waiting, in_flight, self.dead, self.bytes
        )

    def all_groups(self) -> list[Group]:
        """Its groups of every kind."""
        return [*self.groups.values(), *self.privates]

    def consumed_by_all(self, group: Group | None, runs: list[Run]) -> list[Run]:
        """The part of what a group is newly done with that every other group is done with as well, and that is new."""
        for other in self.groups.values():
            if other is not group:
                runs = [part for first, last in runs for part in other.position.done_within(first, last)]
        return [part for first, last in runs for part in self.finished.add(first, last)]

    def consumed_part(self, first: int, last: int) -> list[Run]:
        """The runs of `first` to `last` that are consumed."""
        return self.finished.within(first, last)

    def consumed_row(self, first: int, last: int, at: int) -> ConsumedRow:
        """The row for a run consumed at `at` (wall ms): it extends the run before it where both fall into one second.

        A consumer in step so costs the store a row a second, not a row a commit.
        """
        start, tail = make_id(self.number, first), self._tail
        if tail is not None and tail.last + 1 == start and tail.at // 1000 == at // 1000:
            self._tail = ConsumedRow(tail.first, make_id(self.number, last), tail.at)
        else:
            self._tail = ConsumedRow(start, make_id(self.number, last), at)
        return self._tail

    def removed(self, runs: list[Run]) -> None:
        """Messages were removed: the next consumed run starts a row of its own."""
        self._tail = None
        for first, last in runs:
            self.finished.add(first, last)
