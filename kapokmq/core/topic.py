"""A topic: a log of messages, the groups that are due it, and how much of it is in which state."""

from kapokmq.core.commit import ConsumedRow
from kapokmq.core.group import Group
from kapokmq.core.message import make_id
from kapokmq.core.ranges import Run


class Topic:
    """One log. Offsets: `next` is given next; below `visible` groups may see messages; below `committed` all is stored.

    `stored`, `consumed` and `delayed` count messages that the store has (or will have with the next commit).
    `swept` is the first id that retention has not looked at.
    """

    def __init__(self, number: int, name: str, offset: int = 0) -> None:
        self.number = number
        self.name = name
        self.next = offset
        self.visible = offset
        self.committed = offset
        self.groups: dict[str, Group] = {}
        self.stored = 0
        self.consumed = 0
        self.delayed = 0
        self.swept = make_id(number, 0)
        self._tail: ConsumedRow | None = None

    @property
    def waiting(self) -> int:
        """Messages due and not consumed, in flight or not."""
        return self.stored - self.consumed - self.delayed

    def consumed_by_all(self, group: Group, runs: list[Run]) -> list[Run]:
        """The part of what a group is newly done with that every other group is done with as well."""
        for other in self.groups.values():
            if other is not group:
                runs = [part for first, last in runs for part in other.position.done_within(first, last)]
        return runs

    def consumed_part(self, first: int, last: int) -> list[Run]:
        """The runs of `first` to `last` that are consumed."""
        if not self.groups:
            return []
        runs: list[Run] = [(first, last)]
        for group in self.groups.values():
            runs = [part for run in runs for part in group.position.done_within(*run)]
        return runs

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

    def removed(self) -> None:
        """Messages were removed: the next consumed run starts a row of its own."""
        self._tail = None
