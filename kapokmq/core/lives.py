"""What is told of a message's life, group by group. Times in wall milliseconds."""

from typing import NamedTuple

from kapokmq.core.message import Found


class Holder(NamedTuple):
    """Who holds a message: since when, and until when unless it touches it (None: as long as it likes)."""

    label: str
    since: int
    until: int | None


class Event(NamedTuple):
    """Something out of the ordinary: `kind` is nacked, lost, dead, sentAgain or purged; `who` did it."""

    at: int
    kind: str
    attempts: int
    who: str
    reason: str


class GroupLife(NamedTuple):
    """A message's life in one group.

    `state` is "notDue" (to the group: it began later), "delayed", "waiting", "retrying", "leased", "acknowledged",
    "dead", or "expired". `attempts` are those that ended badly. `since` is when it was acknowledged or given up, None
    where that was not recorded; `until` when it is tried again.
    """

    group: str
    state: str
    attempts: int
    since: int | None
    until: int | None
    holders: list[Holder]
    events: list[Event]


class Life(NamedTuple):
    """Everything that is known of a message."""

    message: Found
    groups: list[GroupLife]
