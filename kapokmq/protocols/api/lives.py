"""What the API tells of a message's life, group by group."""

from typing import Literal, cast

from kapokmq.core.lives import GroupLife, Life
from kapokmq.protocols.api.views import MessageView, View, maybe_seconds, message_view, seconds

State = Literal["notDue", "delayed", "waiting", "retrying", "leased", "acknowledged", "dead", "expired"]


class HolderView(View):
    """Who holds a message, since when, and until when unless it is touched (null: as long as it likes)."""

    label: str
    since: float
    until: float | None


class EventView(View):
    """Something out of the ordinary: `kind` is nacked, lost, dead, sentAgain or purged."""

    at: float
    kind: str
    attempts: int
    who: str
    reason: str


class GroupLifeView(View):
    """A message's life in one group. `attempts` counts those that failed so far, not deliveries.

    `since`: when it was acknowledged or given up, or expired. `until`: when it is tried again.
    """

    group: str
    state: State
    attempts: int
    since: float | None
    until: float | None
    holders: list[HolderView]
    events: list[EventView]


class LifeView(View):
    """Everything that is known of a message."""

    message: MessageView
    groups: list[GroupLifeView]


def life_view(life: Life) -> LifeView:
    """Tell of a message's life."""
    return LifeView(message_view(life.message), [_group_life_view(group) for group in life.groups])


def _group_life_view(life: GroupLife) -> GroupLifeView:
    """Tell of it in one group."""
    return GroupLifeView(
        life.group,
        cast("State", life.state),
        life.attempts,
        maybe_seconds(life.since),
        maybe_seconds(life.until),
        [HolderView(one.label, seconds(one.since), maybe_seconds(one.until)) for one in life.holders],
        [EventView(seconds(one.at), *one[1:]) for one in life.events],
    )
