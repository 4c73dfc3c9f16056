"""Work that takes longer than a turn of the reactor may: so much of it in each turn."""

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from kapokmq.core.message import make_id
from kapokmq.core.overview import Delayed, split_delayed
from kapokmq.core.schedule import Schedule
from kapokmq.core.topic import Topic

A_SLICE = 0.004  # seconds of a reactor's turn that are worked
SPLIT = 1_000  # ids of delayed messages that are sorted in one go


class Slices:
    """How long there has been work in this turn of the reactor; what is read once for all of it."""

    def __init__(self, clock: IReactorTime, schedule: Schedule) -> None:
        self._clock = clock
        self._schedule = schedule
        self._began = clock.seconds()
        self._turn = 0
        self._delayed: Delayed | None = None
        self._looked: dict[int, int] = {}  # by topic number: in which turn they were last looked through

    @property
    def over(self) -> bool:
        """Whether this turn has had its share."""
        return self._clock.seconds() - self._began >= A_SLICE

    async def rest(self) -> None:
        """Go on in the next turn."""
        await deferLater(self._clock, 0)
        self._began = self._clock.seconds()
        self._turn += 1

    async def delayed(self, topic: Topic) -> Sequence[int]:
        """The offsets of a topic's messages that are not due yet, ascending, as far as they are in memory."""
        if self._delayed is None:
            delayed: Delayed = {}
            ids = list(self._schedule.waiting())
            for begin in range(0, len(ids), SPLIT):
                split_delayed(ids[begin : begin + SPLIT], delayed)
                if self.over:
                    await self.rest()
            self._delayed = delayed
        number = topic.number
        offsets = self._delayed.get(number, [])
        if self._looked.get(number) != self._turn:
            self._looked[number] = self._turn
            # Some may have fallen due since they were read.
            waiting = self._schedule.waiting()
            offsets[:] = [offset for offset in offsets if make_id(number, offset) in waiting]
            offsets.sort()  # of runs that ascend, which is quick
        return offsets
