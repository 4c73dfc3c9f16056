"""How a node is doing: see core/vitals.py."""

import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.threads import deferToThreadPool

from kapokmq.core.admin import GroupInfo
from kapokmq.core.engine import Figures
from kapokmq.core.minutes import MINUTE, Minutes
from kapokmq.core.vitals import Backlog, CommitTimes, DiskRoom, Minute, Standing
from kapokmq.services.backlogs import Backlogs
from kapokmq.services.embedded import EmbeddedEngine
from kapokmq.services.lately import Lately

BACKLOG_FRESH = 3.0  # seconds
DISK_FRESH = 5.0
TOLD = 10.0  # seconds for which something is told at once, while it is found out anew

ReadDisk = Callable[[], Awaitable[DiskRoom | None]]


class NodeVitals:
    """The Vitals of a node. `commits` gives how long commits took; `disk` reads how much room there is."""

    def __init__(
        self,
        engine: EmbeddedEngine,
        commits: Callable[[], CommitTimes | None],
        *,
        clock: IReactorTime,
        wall: Callable[[], float],
        disk: ReadDisk,
    ) -> None:
        self._engine = engine
        self._commits = commits
        self._clock = clock
        self._wall = wall
        self._disk: Lately[DiskRoom | None] = Lately(disk, None, clock, DISK_FRESH, TOLD)
        self._timer: IDelayedCall | None = None

    def start(self) -> None:
        """Begin. The engine is open, and nothing was asked yet."""
        self._backlogs = Backlogs(self._engine.admin.parts)
        self._survey = Lately(self._backlogs.survey, Backlog(None, 0), self._clock, BACKLOG_FRESH, TOLD)
        self._minutes = Minutes(self._now(), self._totals())
        self._wait()

    def stop(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        """Look again when another minute begins, by the wall clock."""
        self._timer = self._clock.callLater((MINUTE - self._now() % MINUTE) / 1000, self._look)

    def _look(self) -> None:
        self._minutes.look(self._now(), self._totals())
        self._wait()

    def _totals(self) -> Figures:
        return self._engine.broker.figures()

    def _now(self) -> int:
        return int(self._wall() * 1000)

    # ---- what is asked

    def minutes(self) -> list[Minute]:
        """See Vitals."""
        return self._minutes.told(self._now(), self._totals())

    def dated(self, groups: Sequence[GroupInfo]) -> Awaitable[list[GroupInfo]]:
        """See Vitals."""
        return self._backlogs.dated(groups)

    async def standing(self) -> Standing:
        """See Vitals."""
        surveyed, read = self._survey.get(), self._disk.get()  # both begin, before either is waited for
        backlog, disk = await surveyed, await read
        broker = self._engine.broker
        return Standing(broker.dead, broker.tally.bytes, backlog, self._commits(), disk)


def no_disk() -> Awaitable[DiskRoom | None]:
    """How much room there is where nothing is on a disk."""
    return succeed(None)


def disk_reader(path: str, reactor: Any) -> ReadDisk:
    """Reads how much room the volume has that a file is on, in a thread of the reactor's."""

    def read() -> DiskRoom | None:
        try:
            usage = shutil.disk_usage(Path(path).resolve().parent)
        except OSError:
            return None
        return DiskRoom(usage.free, usage.total)

    return lambda: deferToThreadPool(reactor, reactor.getThreadPool(), read)
