"""How far a group has come in its topic: what it is done with, what lies ahead, what comes out of order.

Every offset below `end` is in one place: done; dead; `ahead` (in order, in memory); waiting in the schedule; `ready`
(out of order, in memory: given back, or fallen due); `wanted` (the same, still in the store); postponed (to be retried
later); or leased to a member. What is beyond `end` comes with a commit that touches it, or is paged from the store.

Done messages leave the queues when they come up, not before: to delete a message costs nothing but a run in `done`.
"""

from collections import deque
from collections.abc import Collection, Sequence
from heapq import heappop, heappush
from itertools import islice

from kapokmq.core.memory import Memory
from kapokmq.core.message import OFFSET_MASK, OVERHEAD, Message
from kapokmq.core.ranges import RangeSet, Run, gaps_of, runs_of
from kapokmq.core.rules import WRITE_BYTES
from kapokmq.core.schedule import Schedule


class Position:
    """One group's place in one topic's log. Offsets throughout; times in steady seconds."""

    def __init__(
        self, memory: Memory, mark: int, runs: Sequence[Run] = (), dead: Sequence[Run] = (), *, paged: bool = False
    ) -> None:
        self._memory = self.memory = memory
        self._paged = paged
        self.mark = mark
        self.done = RangeSet(runs)
        self.dead = RangeSet(dead)
        memory.dead += self.dead.count
        self.revivals = 0  # how often some dead letters were so no more
        self.end = mark
        self.taken = 0  # how many messages were taken to be dealt, since the start
        self.ahead: deque[Message] = deque()
        self.ready: deque[Message] = deque()
        self.wanted: deque[int] = deque()
        self.reading = False  # a page is on its way
        self.fetching = False  # wanted messages are on their way
        self._sought: set[int] = set()  # wanted, or being fetched
        self._postponed: dict[int, Message | None] = {}
        self._later: list[tuple[float, int]] = []  # (steady, offset), a heap

    def is_done(self, offset: int) -> bool:
        """Whether the group is done with it."""
        return offset < self.mark or offset in self.done

    def done_within(self, first: int, last: int) -> list[Run]:
        """The runs of `first` to `last` that the group is done with."""
        below = [(first, min(last, self.mark - 1))] if first < self.mark else []
        return below + self.done.within(max(first, self.mark), last)

    def settle(self, first: int, last: int) -> list[Run]:
        """Be done with a run; gives what of it is new."""
        if last < self.mark:
            return []
        if self.dead:
            self.exhume(first, last)
        fresh = self.done.add(max(first, self.mark), last)
        self.mark = self.done.cut_below(self.mark)
        return fresh

    def settle_all(self, offsets: list[int]) -> list[Run]:
        """Be done with distinct offsets; gives the runs of them that are new."""
        fresh: list[Run] = []
        for first, last in runs_of(offsets):
            fresh += self.settle(first, last)
        return fresh

    def feed(
        self, messages: Sequence[Message], stop: int, schedule: Schedule, size: int, *, timed: bool = True
    ) -> list[Run]:
        """Take what lies from `end` to before `stop`: these messages, ascending, and nothing else.

        Gives the new done runs: offsets without a message are done with. `size` is the messages' size in bytes; `timed`
        says that some may have been delayed.
        """
        start, self.end = self.end, stop
        fresh: list[Run] = []
        if len(messages) < stop - start:
            for hole in gaps_of([message.id & OFFSET_MASK for message in messages], start, stop):
                fresh += self.settle(*hole)
        self._memory.held += size
        timed = timed and any([message.due is not None for message in messages])  # noqa: C419 -- a list is quicker
        if not (timed or self.done or self.dead or self._postponed):
            self.ahead.extend(messages)
            return fresh
        for message in messages:
            offset = message.id & OFFSET_MASK
            if self._is_past(offset) or (message.due is not None and schedule.is_waiting(message.id, message.due)):
                self._memory.held -= message.size
            elif offset in self._postponed:
                self._postponed[offset] = message
            else:
                self.ahead.append(message)
        return fresh

    def fall_due(self, offset: int) -> bool:
        """A delayed message fell due. False if it lies beyond `end`: it will be met there."""
        if offset >= self.end:
            return False
        # It may be on its way already: as a retry, which the wall clock, set back before a restart, has overtaken.
        if not (offset in self._postponed or offset in self._sought or self._is_past(offset)):
            self._sought.add(offset)
            self.wanted.append(offset)
        return True

    def _is_past(self, offset: int) -> bool:
        """Whether it is not to be dealt."""
        return offset < self.mark or offset in self.done or offset in self.dead

    def fetched(self, messages: Sequence[Message], asked: Sequence[int], schedule: Schedule) -> list[Run]:
        """Wanted messages came; those asked for and not there are done with. Gives the new done runs.

        One that is to fall due yet (the wall clock was set back before a restart) comes again when it does.
        """
        self.fetching = False
        self._sought.difference_update(asked)
        found = {message.id & OFFSET_MASK: message for message in messages}
        missing: list[int] = []
        for offset in asked:
            message = found.get(offset)
            if message is None:
                missing.append(offset)
            elif not (self._is_past(offset) or schedule.is_waiting(message.id, message.due or 0)):
                self.supply(message)
        return self.settle_all(missing)

    def supply(self, message: Message) -> None:
        """Have a message that comes out of order."""
        self.ready.append(message)
        self._memory.held += message.size

    def take(self, count: int, wall: int = 0, room: int = WRITE_BYTES) -> list[Message]:
        """The next messages to deal: at most `count`, and no more than `room` bytes of text, but one at least.

        The group is done with those that have expired by `wall` (milliseconds); retention removes them.
        """
        taken = self._next_ahead(count, room)
        if taken:
            return taken
        mark, done = self.mark, self.done
        for source in (self.ready, self.ahead):
            while source and len(taken) < count:
                message = source[0]
                offset = message.id & OFFSET_MASK
                expire = message.expire
                if expire is not None and expire <= wall:
                    self.settle(offset, offset)
                    mark = self.mark
                if offset < mark or (done and offset in done):
                    source.popleft()
                    self._memory.held -= message.size
                    continue
                room -= len(message.data)
                if room < 0 and taken:
                    break
                taken.append(source.popleft())
        self.taken += len(taken)
        return taken

    def _next_ahead(self, count: int, room: int) -> list[Message]:
        """What `take` gives, where that is simply what comes next, as it mostly is; else nothing."""
        ahead = self.ahead
        if self.ready or not ahead:
            return []
        first = ahead[0].id & OFFSET_MASK
        if first < self.mark or self.done.reaches(first):
            return []
        taken = list(islice(ahead, count))
        if sum([len(message.data) for message in taken]) > room or not all([m.expire is None for m in taken]):  # noqa: C419
            return []
        if len(taken) == len(ahead):
            ahead.clear()
        else:
            for _ in taken:
                ahead.popleft()
        self.taken += len(taken)
        return taken

    def give_back(self, messages: Sequence[Message]) -> None:
        """Deal these again, before all others."""
        self.ready.extendleft(reversed(messages))

    def postpone(self, offset: int, message: Message | None, until: float, *, far: bool = False) -> None:
        """Deal it again at `until`. Without a message, or if that is `far` away, it is read from the store then."""
        if far and self._paged and message is not None:
            self.forget([message])
            message = None
        self._postponed[offset] = message
        heappush(self._later, (until, offset))

    def resume(self, now: float) -> int:
        """Bring back what was postponed until `now` or before; gives how many."""
        count = 0
        while self._later and self._later[0][0] <= now:
            offset = heappop(self._later)[1]
            message = self._postponed.pop(offset)
            count += 1
            if message is not None:
                self.ready.append(message)
            else:
                self.fall_due(offset)
        return count

    def bury(self, offset: int) -> None:
        """It is a dead letter now: not to be dealt, and the group is not done with it."""
        self._memory.dead += len(self.dead.add(offset, offset))

    def exhume(self, first: int, last: int) -> list[Run]:
        """Of these, those that are dead letters are so no more; gives their runs."""
        runs = self.dead.discard(first, last)
        if runs:
            self._memory.dead -= sum([end - start + 1 for start, end in runs])
            self.revivals += 1
        return runs

    def revive(self, first: int, last: int) -> list[Run]:
        """Of these, deal those that are dead again; gives their runs."""
        runs = self.exhume(first, last)
        for start, stop in runs:
            for offset in range(start, min(stop + 1, self.end)):
                self.fall_due(offset)
        return runs

    def skip(self) -> None:
        """Read on behind what needs no reading: a run of done or dead messages."""
        end = -1
        while end != self.end:
            end = self.end
            for runs in (self.done, self.dead):
                self.end = runs.end_of(self.end)

    def postponed_until(self, offset: int) -> float | None:
        """When it is dealt again (steady seconds), if it waits for that."""
        if offset not in self._postponed:
            return None
        return next((until for until, other in self._later if other == offset), None)

    def next_resume(self) -> float | None:
        """When something postponed comes back."""
        return self._later[0][0] if self._later else None

    def forget(self, messages: Collection[Message]) -> None:
        """These left memory."""
        texts = sum([len(m.data) if m.headers is None else len(m.data) + len(m.headers) for m in messages])
        self._memory.held -= texts + OVERHEAD * len(messages)

    def runs_dry(self, queue: deque[Message], least: int, leased: int) -> bool:
        """Whether to read on for one of its queues: little is left in it.

        Where memory is overdrawn: nothing is left in it, and of what was dealt nothing is still held either.
        """
        return len(queue) < least and not (self._memory.overdrawn and (queue or leased))

    def let_go(self) -> None:
        """Nobody is there to deal to: leave what lies ahead to the store, which it is read from again.

        Not where something beyond its start is kept out of order: it would be met a second time.
        """
        if not self.ahead or self.reading or self.fetching:
            return
        start = self.ahead[0].id & OFFSET_MASK
        apart = [message.id & OFFSET_MASK for message in self.ready]
        if any(offset >= start for source in (apart, self.wanted, self._postponed) for offset in source):
            return
        self.end = start
        self.forget(self.ahead)
        self.ahead.clear()

    def clear(self) -> None:
        """The group is gone: nothing of it stays in memory."""
        kept = [message for message in self._postponed.values() if message is not None]
        self.forget([*self.ready, *self.ahead, *kept])
        for queue in (self.ready, self.ahead, self.wanted):
            queue.clear()
        self._postponed.clear()
        self._later.clear()
        self._memory.dead -= self.dead.count
        self.dead = RangeSet()

    @property
    def queued(self) -> bool:
        """Whether there is something in memory to deal."""
        return bool(self.ready or self.ahead)
