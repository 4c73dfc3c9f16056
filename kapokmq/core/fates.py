"""What became of messages that a group gave up, until a commit takes it along."""

from kapokmq.core.commit import Commit, DeadRow, RevivedRow
from kapokmq.core.group import Group
from kapokmq.core.ranges import Run, runs_of


class Fates:
    """Dead, or dead no more: of each message what came last. True while there is any."""

    def __init__(self) -> None:
        self._fates: dict[tuple[Group, int], DeadRow | None] = {}  # None: dead no more

    def __bool__(self) -> bool:
        return bool(self._fates)

    def __contains__(self, message: tuple[Group, int]) -> bool:
        """Whether something became of a group's message, by its offset."""
        return message in self._fates

    def bury(self, group: Group, dead: DeadRow) -> None:
        """A group has given a message up."""
        self._fates[group, dead.offset] = dead

    def revive(self, group: Group, runs: list[Run]) -> None:
        """Dead letters are dead no more."""
        self._fates.update(((group, offset), None) for first, last in runs for offset in range(first, last + 1))

    def drop(self, group: Group) -> None:
        """A group is gone."""
        self._fates = {key: fate for key, fate in self._fates.items() if key[0] is not group}

    def take(self, commit: Commit) -> None:
        """Write everything down in a commit."""
        revived: dict[Group, list[int]] = {}
        for (group, offset), fate in self._fates.items():
            if fate is None:
                revived.setdefault(group, []).append(offset)
            elif not group.position.is_done(offset):
                commit.dead.append(fate)
        for group, offsets in revived.items():
            commit.revived += [RevivedRow(group.number, first, last) for first, last in runs_of(offsets)]
        self._fates = {}

    def put_back(self, commit: Commit, groups: dict[int, Group]) -> None:
        """A commit failed: what it held counts where nothing came since."""
        for dead in commit.dead:
            if dead.group in groups:
                self._fates.setdefault((groups[dead.group], dead.offset), dead)
        for number, first, last in commit.revived:
            if number in groups:
                for offset in range(first, last + 1):
                    self._fates.setdefault((groups[number], offset), None)
