"""What has waited longest for groups, also for those that nobody consumes.

Of these the store has to be asked. Where what waits begins with the same message as before, what it said then holds.
"""

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.task import deferLater

from kapokmq.core.admin import GroupInfo
from kapokmq.core.backlog import gap_end, seek
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.group import Group
from kapokmq.core.message import make_id
from kapokmq.core.overview import delayed_offsets
from kapokmq.core.topic import Topic
from kapokmq.core.vitals import Backlog, Oldest
from kapokmq.services.admin import Backstage

A_SLICE = 0.004  # seconds of a reactor's turn that are worked
AT_ONCE = 100  # groups that the store is asked of in one go
ASKED = 1_000  # groups that one survey asks the store of
LOOK = 100  # messages that the store looks at for a group: those not due yet are passed by


class _Known(NamedTuple):
    """All before `base` is done with or dead, while dead letters were revived so often.

    What waits begins at `first`, or what is not due yet as far as that is not in memory. It is due since `since`, which
    is None where that is not known; `lasting`, it is so while it begins there.
    """

    base: int
    revivals: int
    first: int
    since: int | None = None
    lasting: bool = False


class _Line(NamedTuple):
    """What waits for a group."""

    topic: Topic
    group: Group
    known: _Known

    @property
    def empty(self) -> bool:
        """Whether nothing does."""
        return self.known.first >= self.topic.visible

    @property
    def ids(self) -> tuple[int, int]:
        """The ids from its first on to where the group is done with something."""
        number, first = self.topic.number, self.known.first
        return make_id(number, first), make_id(number, gap_end(self.group.position, first, self.topic.visible))


class Backlogs:
    """Looks into what waits, a slice of a reactor's turn at a time."""

    def __init__(self, parts: Backstage) -> None:
        self._parts = parts
        self._known: dict[Group, _Known] = {}

    async def dated(self, infos: Sequence[GroupInfo]) -> list[GroupInfo]:
        """See Vitals.dated."""
        slices = _Slices(self._parts)
        lines: dict[tuple[str, str], _Line] = {}
        for info in infos:
            topic = self._parts.broker.catalog.by_name.get(info.topic)
            group = None if topic is None else topic.groups.get(info.name)
            if topic is not None and group is not None and group.durable:
                lines[info.topic, info.name] = await self._line(topic, group, slices)
        unknown = [line for line in lines.values() if line.known.since is None and not line.empty]
        await self._ask(unknown, slices)
        found = {names: self._oldest(line) for names, line in lines.items()}
        return [info._replace(oldest=found.get((info.topic, info.name), info.oldest)) for info in infos]

    async def survey(self) -> Backlog:
        """See Backlog."""
        slices = _Slices(self._parts)
        known: dict[Group, _Known] = {}
        lines: list[_Line] = []
        bare: list[_Line] = []  # of those the ones of which nothing is known, but for what is in memory of others
        others: list[_Line] = []
        for topic in list(self._parts.broker.catalog.by_number.values()):
            if topic.keeps and not topic.deleting:
                for group in list(topic.groups.values()):
                    line = await self._line(topic, group, slices)
                    known[group] = line.known
                    if not line.empty:
                        lines.append(line)
                        if line.known.since is None:
                            (bare if _head(group) is None else others).append(line)
            elif slices.over:
                await slices.rest()
        self._known = known  # and of no other groups any more
        await self._ask([*bare, *others][:ASKED], slices)
        oldest: Oldest | None = None
        deserted = 0
        for line in lines:
            if slices.over:
                await slices.rest()
            topic, group, _ = line
            since = self._oldest(line)
            if since is not None and (oldest is None or since < oldest.since):
                oldest = Oldest(since, topic.name, group.name)
            # Of a topic with delayed messages what there is may not be due.
            waits = since is not None or not topic.delayed
            deserted += waits and not (group.members or group.gone or group.terms.paused)
        return Backlog(oldest, deserted)

    # ---- inside

    async def _line(self, topic: Topic, group: Group, slices: "_Slices") -> _Line:
        """Find out where what waits for a group begins, and recall what is known of that."""
        if slices.over:
            await slices.rest()
        position, before = group.position, self._known.get(group)
        revivals = position.revivals
        if before is None or before.revivals != revivals:
            before = _Known(0, revivals, -1)
        elif before.lasting and not (position.is_done(before.first) or before.first in position.dead):
            return _Line(topic, group, before)
        base = first = await self._seek(group, max(position.mark, before.base), (), slices)
        if topic.delayed:
            first = await self._seek(group, base, slices.delayed(topic), slices)
        known = self._known[group] = _Known(base, revivals, first)
        return _Line(topic, group, known)

    @staticmethod
    async def _seek(group: Group, offset: int, delayed: Sequence[int], slices: "_Slices") -> int:
        offset, found = seek(group.position, offset, delayed)
        while not found:
            if slices.over:
                await slices.rest()
            offset, found = seek(group.position, offset, delayed)
        return offset

    async def _ask(self, lines: Sequence[_Line], slices: "_Slices") -> None:
        """Have the store say since when what waits is due. Where the disk refuses, that stays unknown."""
        for begin in range(0, len(lines), AT_ONCE):
            some = lines[begin : begin + AT_ONCE]
            try:
                found = await self._parts.store.first_due([line.ids for line in some], self._parts.now().wall, LOOK)
            except StoreUnavailable:
                return
            for line, since in zip(some, found, strict=True):
                # Among delayed messages it may be a later one, which may be done with while the first waits on.
                lasting = since is not None and not line.topic.delayed
                self._known[line.group] = line.known._replace(since=since, lasting=lasting)
            if slices.over:
                await slices.rest()

    def _oldest(self, line: _Line) -> int | None:
        """Since when what has waited longest is due, as far as that is known by now."""
        if line.empty:
            return None
        since = self._known.get(line.group, line.known).since
        return _head(line.group) if since is None else since


class _Slices:
    """How long there has been work in this turn of the reactor; what is read once for all of it."""

    def __init__(self, parts: Backstage) -> None:
        self._parts = parts
        self._began = parts.clock.seconds()
        self._delayed: dict[int, list[int]] | None = None

    @property
    def over(self) -> bool:
        """Whether this turn has had its share."""
        return self._parts.clock.seconds() - self._began >= A_SLICE

    async def rest(self) -> None:
        """Go on in the next turn."""
        await deferLater(self._parts.clock, 0)
        self._began = self._parts.clock.seconds()

    def delayed(self, topic: Topic) -> Sequence[int]:
        """The offsets of a topic's messages that are not due yet, as far as they are in memory."""
        if self._delayed is None:
            self._delayed = delayed_offsets(self._parts.broker.schedule)
        return self._delayed.get(topic.number, ())


def _head(group: Group) -> int | None:
    """Since when the first is due of what is to be dealt next, where that is in memory."""
    position = group.position
    return min([queue[0].since for queue in (position.ready, position.ahead) if queue], default=None)
