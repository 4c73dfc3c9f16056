"""How a node is doing, beside how much there is: what the console and the HTTP API ask of it.

What takes a while to find out is looked for when somebody asks, and then counts for some seconds.
"""

from collections.abc import Awaitable, Sequence
from typing import NamedTuple, Protocol

from kapokmq.core.admin import GroupInfo


class Oldest(NamedTuple):
    """What has waited longest: since when it is due (wall milliseconds), and which durable group it waits for."""

    since: int
    topic: str
    group: str


class Backlog(NamedTuple):
    """What waits for durable groups, due and not done. `deserted` counts those of them that nobody consumes.

    Groups that are paused are not deserted.
    """

    oldest: Oldest | None
    deserted: int


class CommitTimes(NamedTuple):
    """How long the commits of the last minute took, in seconds: half of them, and 99 of 100, at most; how many."""

    half: float
    most: float
    count: int  # type: ignore[assignment]  # a tuple has a method of that name, which nobody needs here


class DiskRoom(NamedTuple):
    """The volume that the store is on, in bytes: what the node may still take, and how much there is in all."""

    free: int
    total: int


class Minute(NamedTuple):
    """What happened in the minute that began at `at`, in wall milliseconds."""

    at: int
    published: int
    delivered: int
    acked: int
    nacked: int
    retried: int
    dead: int


class Standing(NamedTuple):
    """How things stand. `dead` are dead letters, counted once a group, `stored` the bytes of all messages.

    None: there were no commits; there is no disk, or it does not say.
    """

    dead: int
    stored: int
    backlog: Backlog
    commits: CommitTimes | None
    disk: DiskRoom | None


class Vitals(Protocol):
    """Tells how a node is doing."""

    def standing(self) -> Awaitable[Standing]:
        """How things stand, ten seconds ago at most, unless the disk takes longer to say."""
        ...

    def minutes(self) -> list[Minute]:
        """What happened minute by minute: the last 60 whole minutes, as far as there were, and the one that runs."""
        ...

    def dated(self, groups: Sequence[GroupInfo]) -> Awaitable[list[GroupInfo]]:
        """The same groups, with what has waited longest for each."""
        ...
