"""What has waited longest for groups, also for those that nobody consumes.

Of these the store has to be asked. Where what waits begins with the same message as before, what it said then holds.
"""

from collections.abc import Sequence
from itertools import chain, islice
from sys import maxsize
from typing import NamedTuple
from weakref import WeakKeyDictionary

from kapokmq.core.admin import GroupInfo
from kapokmq.core.backlog import gap_end, seek
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.group import Group
from kapokmq.core.message import make_id
from kapokmq.core.topic import Topic
from kapokmq.core.vitals import Backlog, Oldest
from kapokmq.services.admin import Backstage
from kapokmq.services.slices import Slices

AT_ONCE = 100  # gaps that the store is asked of in one go
ASKED = 1_000  # gaps that one survey asks the store of
GAPS = 5  # of one group, one after the other, where all that was looked at is not due yet
LOOK = 100  # messages that the store looks at in a gap: those not due yet are passed by


class _Known(NamedTuple):
    """All before `base` is done with or dead, while dead letters were revived so often.

    What waits begins at `first`, or what is not due yet as far as that is not in memory. It is due since `since`, which
    is None where that is not known; `lasting`, it is so while it begins there and nothing before `end` is done with.
    The store was asked last in the survey `asked`, or after it.
    """

    base: int
    revivals: int
    first: int
    since: int | None = None
    lasting: bool = False
    end: int = 0
    asked: int = -1


_NOTHING = _Known(0, 0, -1)


class _Line(NamedTuple):
    """What waits for a group. `timed`, some of the topic's messages were not due when it was looked at."""

    topic: Topic
    group: Group
    known: _Known
    timed: bool

    @property
    def empty(self) -> bool:
        """Whether nothing does."""
        return self.known.first >= self.topic.visible

    def gap(self, start: int) -> "_Gap":
        """What is to be asked of from an offset on."""
        return _Gap(self, start, gap_end(self.group.position, start, self.topic.visible))


class _Gap(NamedTuple):
    """Offsets to before the next one that the group is done with."""

    line: _Line
    start: int
    end: int

    @property
    def ids(self) -> tuple[int, int]:
        """The ids that they stand for."""
        number = self.line.topic.number
        return make_id(number, self.start), make_id(number, self.end)

    def known(self, since: int | None, survey: int) -> _Known:
        """What is known when the store has said this, of it or of the last one behind it."""
        line = self.line
        # Among delayed messages it may be a later one, which may be done with while the first waits on.
        lasting = since is not None and self.start == line.known.first and not line.timed
        return line.known._replace(since=since, lasting=lasting, end=self.end, asked=survey)


class Backlogs:
    """Looks into what waits, a slice of a reactor's turn at a time."""

    def __init__(self, parts: Backstage) -> None:
        self._parts = parts
        self._known: WeakKeyDictionary[Group, _Known] = WeakKeyDictionary()  # nothing is kept of groups that are gone
        self._surveys = 0

    async def dated(self, infos: Sequence[GroupInfo]) -> list[GroupInfo]:
        """See Vitals.dated."""
        slices = Slices(self._parts.clock, self._parts.broker.schedule)
        lines: dict[tuple[str, str], _Line] = {}
        for info in infos:
            topic = self._parts.broker.catalog.by_name.get(info.topic)
            group = None if topic is None else topic.groups.get(info.name)
            if topic is not None and group is not None and group.durable:
                lines[info.topic, info.name] = await self._line(topic, group, slices)
        unknown = [line for line in lines.values() if not (line.known.lasting or line.empty)]
        await self._ask(unknown, slices, maxsize)
        found = {names: self._oldest(line) for names, line in lines.items()}
        return [info._replace(oldest=found.get((info.topic, info.name), info.oldest)) for info in infos]

    async def survey(self) -> Backlog:
        """See Backlog."""
        slices = Slices(self._parts.clock, self._parts.broker.schedule)
        self._surveys += 1
        lines: list[_Line] = []
        turns: dict[tuple[int, bool], list[_Line]] = {}  # who is to be asked of: those first that were not for longest
        for topic in list(self._parts.broker.catalog.by_number.values()):
            if topic.keeps and not topic.deleting:
                for group in list(topic.groups.values()):
                    line = await self._line(topic, group, slices)
                    if not line.empty:
                        lines.append(line)
                        if not line.known.lasting:
                            # Of others there is something in memory, which says nearly as much.
                            turns.setdefault((line.known.asked, _head(group) is not None), []).append(line)
            elif slices.over:
                await slices.rest()
        first = islice(chain.from_iterable(turns[turn] for turn in sorted(turns)), ASKED)
        await self._ask(list(first), slices, ASKED)
        oldest: Oldest | None = None
        deserted = 0
        for line in lines:
            if slices.over:
                await slices.rest()
            topic, group = line.topic, line.group
            since = self._oldest(line)
            if since is not None and (oldest is None or since < oldest.since):
                oldest = Oldest(since, topic.name, group.name)
            # Of a topic with delayed messages what there is may not be due.
            waits = since is not None or not topic.delayed
            deserted += waits and not (group.members or group.gone or group.terms.paused)
        return Backlog(oldest, deserted)

    # ---- inside

    async def _line(self, topic: Topic, group: Group, slices: Slices) -> _Line:
        """Find out where what waits for a group begins, and recall what is known of that."""
        if slices.over:
            await slices.rest()
        position, before = group.position, self._known.get(group, _NOTHING)
        revivals, timed = position.revivals, topic.delayed > 0
        same = before.revivals == revivals
        # Until the store is asked again, what it said last is told while that may be so.
        holds = same and not (position.is_done(before.first) or before.first in position.dead)
        # Behind the first there may have been one that was due for longer, and now is done with.
        if holds and before.lasting and gap_end(position, before.first, before.end) == before.end:
            return _Line(topic, group, before, timed)
        base = first = await self._seek(group, max(position.mark, before.base if same else 0), (), slices)
        if timed:
            first = await self._seek(group, base, await slices.delayed(topic), slices)
        known = _Known(base, revivals, first, before.since if holds else None, asked=before.asked)
        self._known[group] = known
        return _Line(topic, group, known, timed)

    @staticmethod
    async def _seek(group: Group, offset: int, delayed: Sequence[int], slices: Slices) -> int:
        offset, found = seek(group.position, offset, delayed)
        while not found:
            if slices.over:
                await slices.rest()
            offset, found = seek(group.position, offset, delayed)
        return offset

    async def _ask(self, lines: Sequence[_Line], slices: Slices, most: int) -> None:
        """Have the store say since when what waits is due, until it was asked of so many gaps.

        Where the disk refuses, what was known stays.
        """
        for begin in range(0, len(lines), AT_ONCE):
            if most <= 0:
                return
            try:
                most -= await self._ask_some(lines[begin : begin + AT_ONCE], slices)
            except StoreUnavailable:
                return

    async def _ask_some(self, lines: Sequence[_Line], slices: Slices) -> int:
        """The same of some groups: where all that was looked at is not due, of what comes next. Gives of how many gaps.

        Raises StoreUnavailable.
        """
        gaps = [line.gap(line.known.first) for line in lines]
        asked = 0
        for left in reversed(range(GAPS)):
            found = await self._parts.store.first_due([gap.ids for gap in gaps], self._parts.now().wall, LOOK)
            asked += len(gaps)
            nexts: list[_Gap] = []
            for gap, since in zip(gaps, found, strict=True):
                if slices.over:
                    await slices.rest()
                behind = await self._behind(gap, slices) if left and since is None else None
                if behind is None:
                    self._known[gap.line.group] = gap.known(since, self._surveys)
                else:
                    nexts.append(behind)
            gaps = nexts
            if not gaps:
                break
        return asked

    async def _behind(self, gap: _Gap, slices: Slices) -> _Gap | None:
        """Where to go on when all that the store has looked at is not due: None at the end."""
        line = gap.line
        delayed = await slices.delayed(line.topic) if line.timed else ()
        # It looks at so many messages. How far that is, it does not say: at least so far.
        start = await self._seek(line.group, min(gap.end, gap.start + LOOK), delayed, slices)
        return line.gap(start) if start < line.topic.visible else None

    def _oldest(self, line: _Line) -> int | None:
        """Since when what has waited longest is due, as far as that is known by now."""
        if line.empty:
            return None
        since = self._known.get(line.group, line.known).since
        return _head(line.group) if since is None else since


def _head(group: Group) -> int | None:
    """Since when the first is due of what is to be dealt next, where that is in memory."""
    position = group.position
    return min([queue[0].since for queue in (position.ready, position.ahead) if queue], default=None)
