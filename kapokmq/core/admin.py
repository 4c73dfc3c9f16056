"""What operators, the console and the HTTP API ask of an engine: to see, and to steer.

Times in wall milliseconds unless said otherwise. Everything raises StoreUnavailable where the disk refuses. What does
not exist is None, False, or the verdict UNKNOWN.
"""

from collections.abc import Awaitable, Collection, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from kapokmq.core.lives import Life
from kapokmq.core.message import Found
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.query import HourCounts, Mark, TopicCounts


class Verdict(Enum):
    """How something that was asked for ended."""

    DONE = "done"
    TOO_LATE = "tooLate"  # it has fallen due, or was acknowledged, or sent again meanwhile
    UNKNOWN = "unknown"


class TopicInfo(NamedTuple):
    """A topic: what it holds, what was set for it, what it goes by in effect, and the names of its durable groups."""

    counts: TopicCounts
    policy: TopicPolicy
    effective: TopicPolicy
    groups: list[str]


class GroupInfo(NamedTuple):
    """A durable group. `lag` is what it has not done yet of what is due, `dead` its dead letters not counted.

    `mark` and `next` are offsets: of the first message that it is not done with, and of the topic's next message.
    `oldest` is since when that is due which is dealt next, as far as that is in memory, else None: see Vitals.dated.
    """

    topic: str
    name: str
    mode: str  # "queue" or "broadcast"
    config: GroupConfig
    effective: GroupConfig
    mark: int
    next: int
    lag: int
    in_flight: int
    dead: int
    members: int
    oldest: int | None


class PatternInfo(NamedTuple):
    """A group that every topic whose name matches has, or will have."""

    pattern: str
    name: str
    config: GroupConfig


class MemberInfo(NamedTuple):
    """Somebody who consumes: `group` is None in a private one, `credit` what is left of it, None without limit.

    `number` is that of its connection, None and `address` empty where it has none of its own. `since` is when it came;
    `delivered` and `acked` count its messages from then on.
    """

    label: str
    topic: str
    group: str | None
    credit: int | None
    in_flight: int
    number: int | None = None
    address: str = ""
    since: int = 0
    delivered: int = 0
    acked: int = 0


class FoundPage(NamedTuple):
    """What a search found, and where to go on (None: everything was looked at)."""

    found: list[Found]
    next: Mark | None


class DeadInfo(NamedTuple):
    """A dead letter. `at` is when it was given up, `reason` why its last attempt failed."""

    message: Found
    group: str
    at: int
    attempts: int
    reason: str


class DeadInfoPage(NamedTuple):
    """Dead letters, and the offset to go on from (None: everything was looked at)."""

    found: list[DeadInfo]
    next: int | None


class DeadDone(NamedTuple):
    """How many dead letters were sent again, or purged, and the offset to go on from (None: all were looked at)."""

    count: int  # type: ignore[assignment]  # a tuple has a method of that name, which nobody needs here
    next: int | None


class DeadFilter(NamedTuple):
    """Which dead letters of a topic's group: those from offset `first` on that match all that is given."""

    topic: str
    group: str
    first: int = 0
    reason: str | None = None
    text: str | None = None
    before: int | None = None


class Admin(Protocol):
    """The operators' face of message handling."""

    # ---- topics

    def topic(self, name: str) -> TopicInfo | None:
        """One topic."""
        ...

    def topic_names(self) -> list[str]:
        """The names of all, sorted."""
        ...

    def topic_infos(self) -> list[TopicInfo]:
        """All, sorted by name."""
        ...

    def create_topic(self, name: str, policy: TopicPolicy) -> Awaitable[bool]:
        """Make a topic; False if it exists, and then nothing changes. Raises BadName, Deleting."""
        ...

    def set_policy(self, name: str, policy: TopicPolicy) -> Awaitable[bool]:
        """Replace what was set for a topic; False if there is none. Raises Unsupported for what can't change."""
        ...

    def purge_topic(self, name: str) -> Awaitable[int | None]:
        """Delete all its messages, also those that are leased or delayed. Begins at once; gives how many there are."""
        ...

    def delete_topic(self, name: str) -> Awaitable[bool]:
        """Dismiss its consumers and delete it with all it has. Begins at once; until it ends the name is taken."""
        ...

    # ---- groups

    def groups(
        self, topics: Collection[str] | None = None, behind: tuple[str, str] = ("", ""), limit: int | None = None
    ) -> Awaitable[list[GroupInfo]]:
        """Durable groups, of these topics or of all, by topic and name: those behind a place, at most `limit`."""
        ...

    def group(self, topic: str, name: str) -> Awaitable[GroupInfo | None]:
        """A durable group."""
        ...

    def config(self, topic: str, name: str) -> GroupConfig | None:
        """What was set for a durable group, None where there is none."""
        ...

    def effective(self, topic: str, name: str) -> GroupConfig | None:
        """What a durable group goes by, None where there is none."""
        ...

    def patterns(self) -> list[PatternInfo]:
        """Groups by pattern, sorted."""
        ...

    def members(
        self, topic: str | None = None, group: str | None = None, first: int = 0, limit: int | None = None
    ) -> list[MemberInfo]:
        """Everybody who consumes, in the order in which they came: from the `first`th on, at most `limit`.

        Of a topic those by pattern too, and of a pattern those who named that very one; of a group of that name.
        """
        ...

    def create_group(self, topic: str, name: str, start: str | int, config: GroupConfig) -> Awaitable[bool]:
        """Make a group, or with a pattern for a topic one in each that matches; False if it exists. See Wish.

        Raises BadName, TooMany, Deleting.
        """
        ...

    def set_config(self, topic: str, name: str, config: GroupConfig) -> Awaitable[bool]:
        """Replace a group's configuration, or that of a pattern and all its groups; False if there is none."""
        ...

    def purge_group(self, topic: str, name: str) -> Awaitable[int | None]:
        """Let a group be done with all that it has not done yet and nobody holds, dead letters aside.

        Gives how many offsets that were.
        """
        ...

    def delete_group(self, topic: str, name: str) -> Awaitable[bool]:
        """Dismiss its members and delete it, or with a pattern that and all its groups; False if there is none."""
        ...

    # ---- messages

    def look(  # noqa: PLR0913 -- all by name
        self,
        *,
        topic: str | None,
        status: int | None,
        start: int,
        end: int,
        text: str | None,
        key: str | None,
        header: tuple[str, str | None] | None,
        after: Mark | None,
        limit: int,
    ) -> Awaitable[FoundPage]:
        """Search messages, newest first, through 50,000 at most. See query.Search."""
        ...

    def life(self, code: str) -> Awaitable[Life | None]:
        """What is known of a message in each group of its topic."""
        ...

    # ---- schedule

    def scheduled(self, topic: str | None, after: tuple[int, int] | None, limit: int) -> Awaitable[list[Found]]:
        """Messages to fall due, by due time, behind (due, id)."""
        ...

    def due_counts(self, topic: str | None, start: int, end: int, step: int) -> Awaitable[list[tuple[int, int]]]:
        """How many messages fall due from `start` to before `end`, in steps of `step` (ms) from `start` on.

        Gives when a step begins and how many it has, ascending; those with none are left out.
        """
        ...

    def cancel(self, code: str) -> Awaitable[Verdict]:
        """Delete a message that has not fallen due."""
        ...

    def reschedule(self, code: str, due: int) -> Awaitable[Verdict]:
        """Let a message that has not fallen due do so at another time; at once if that is past."""
        ...

    # ---- dead letters

    def dead_letters(self, wanted: DeadFilter, limit: int) -> Awaitable[DeadInfoPage | None]:
        """Browse; None if there is no such group."""
        ...

    def send_again(self, wanted: DeadFilter, limit: int, who: str) -> Awaitable[DeadDone | None]:
        """Let a group have its dead letters again, as if they had never been tried; None if there is no such group.

        Waits as long as it takes to keep to the node's rate.
        """
        ...

    def purge_dead(self, wanted: DeadFilter, limit: int, who: str) -> Awaitable[DeadDone | None]:
        """Let a group be done with its dead letters; None if there is no such group."""
        ...

    def send_one_again(self, code: str, group: str, who: str) -> Awaitable[Verdict]:
        """The same for one message."""
        ...

    def purge_one_dead(self, code: str, group: str, who: str) -> Awaitable[Verdict]:
        """The same for one message."""
        ...

    # ---- counts

    def hours(self, topic: str | None, start: int, end: int) -> Awaitable[list[HourCounts]]:
        """What happened, hour by hour, of a topic or of all together."""
        ...

    def bulk(self, codes: Sequence[str]) -> Awaitable[int]:
        """Delete messages, whatever their state; gives how many there were."""
        ...
