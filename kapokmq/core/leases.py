"""Who holds what: leases, which share a deadline by the batch that they were dealt in."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from math import inf

from kapokmq.core.held import Batch
from kapokmq.core.member import Member
from kapokmq.core.memory import Memory
from kapokmq.core.message import Message

EXPIRED_AT_ONCE = 1000  # leases taken back in one go


class Leases:
    """The leases of one group. `count` is how many there are.

    Batches stand in a queue, in which deadlines ascend. Where a group's terms have become shorter, another one begins.
    """

    def __init__(self, memory: Memory) -> None:
        self.count = 0
        self._memory = memory
        self._queues: list[OrderedDict[Batch, bool]] = [OrderedDict()]

    def lend(self, batch: Batch, messages: Sequence[Message], *, gapless: bool) -> None:
        """The members of a batch hold its messages from now on. `gapless`: these are a run."""
        self._append(batch)
        for member in batch.members:
            member.held.add(batch, messages, gapless=gapless)
        self.count += batch.open
        self._memory.leases += batch.open

    def end(self, member: Member, codes: Sequence[str]) -> tuple[list[Message], list[str]]:
        """A member's leases under these codes are over. Gives their messages, and the codes that it does not hold."""
        ended, odd, counts = member.held.end(codes)
        for batch, count in counts.items():
            batch.open -= count
            if not batch.open:
                self._remove(batch)
        self.count -= len(ended)
        self._memory.leases -= len(ended)
        return ended, odd

    def end_last(self, member: Member, count: int | None = None) -> list[Message]:
        """The last that a member was dealt are over: so many, or all. Gives the messages, ascending."""
        messages, _ = self.end(member, member.held.last(count))
        messages.sort(key=lambda message: message.id)
        return messages

    def touch(self, member: Member, codes: Sequence[str], deadline: float | None) -> list[str]:
        """A member's leases under these codes last until another deadline. Gives the codes that it does not hold."""
        odd: list[str] = []
        kept: dict[Batch, list[str]] = {}
        for code in dict.fromkeys(codes):
            lease = member.held.get(code)
            if lease is None:
                odd.append(code)
            else:
                kept.setdefault(lease[1], []).append(code)
        for old, theirs in kept.items():
            batch = Batch([member], theirs, deadline, old.since, old.origin or old)
            self._append(batch)
            for code in theirs:
                member.held.move(code, batch)
            old.open -= len(theirs)
            if not old.open:
                self._remove(old)
        return odd

    def overdue(self, now: float) -> Iterator[tuple[Member, list[Message]]]:
        """Take back what was held too long: a slice of it, the latest first, so that the earliest is dealt first again.

        While there is more, `next_deadline` stays in the past.
        """
        late: list[Batch] = []
        for queue in self._queues:
            for batch in queue:
                if _deadline(batch) > now:
                    break
                late.append(batch)
        late.sort(key=_deadline)
        room = EXPIRED_AT_ONCE
        for batch in reversed(late):
            while batch.members and room > 0:
                member = batch.members.pop()
                room -= len(batch.codes)
                yield member, self.end(member, member.held.of(batch))[0]
            if batch.members:
                break
            self._remove(batch)

    def next_deadline(self) -> float | None:
        """The first deadline, in steady seconds."""
        first = min((_deadline(batch) for batch in self._firsts()), default=inf)
        return None if first == inf else first

    def _firsts(self) -> list[Batch]:
        return [next(iter(queue)) for queue in self._queues if queue]

    def _append(self, batch: Batch) -> None:
        queue = self._queues[-1]
        if queue and _deadline(next(reversed(queue))) > _deadline(batch):
            queue = OrderedDict()
            self._queues = [*filter(None, self._queues), queue]
        queue[batch] = True
        lent = self._memory.lent
        origin = batch.origin or batch
        lent[origin] = lent.get(origin, 0) + 1

    def _remove(self, batch: Batch) -> None:
        for queue in self._queues:
            if queue.pop(batch, False):  # True of each that is in it
                lent, origin = self._memory.lent, batch.origin or batch
                lent[origin] -= 1
                if not lent[origin]:
                    del lent[origin]


def _deadline(batch: Batch) -> float:
    """When it is over, in steady seconds."""
    return inf if batch.deadline is None else batch.deadline
