"""What the API tells of topics, groups and messages. Times are unix seconds with a fraction, waits are seconds.

A field that says nothing is left out where it may be missing, and null where it is always there.
"""

from typing import Any, cast

import msgspec
from msgspec import UNSET, UnsetType

from kapokmq.core.admin import DeadInfo, GroupInfo, MemberInfo, PatternInfo, TopicInfo
from kapokmq.core.message import Found, Message, Status
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.query import HourCounts, TopicCounts

STATUSES = {
    Status.WAITING: "waiting",
    Status.DELAYED: "delayed",
    Status.CONSUMED: "consumed",
    Status.DEAD: "dead",
}


class View(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Something that the API tells."""


class MessageView(View):
    """A stored message."""

    code: str
    topic: str
    data: str
    status: str
    create_time: float
    due_time: float | UnsetType = UNSET
    expire_time: float | UnsetType = UNSET
    consumed_time: float | UnsetType = UNSET
    key: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET


class PassingView(View):
    """A message on its way to somebody."""

    code: str
    topic: str
    data: str
    create_time: float
    headers: dict[str, str] | UnsetType = UNSET
    key: str | UnsetType = UNSET


class MessagesPage(View):
    """Messages, and where to go on: null where there is no more."""

    messages: list[MessageView]
    cursor: str | None


class CountsView(View):
    """How many messages there are, and of which status; `in_flight` of the waiting ones are leased."""

    all: int
    consumed: int
    delayed: int
    waiting: int
    in_flight: int
    dead: int
    bytes: int


class TopicView(View):
    """A topic: `policy` is what was set for it, `effective` what it goes by."""

    name: str
    counts: CountsView
    policy: TopicPolicy
    effective: TopicPolicy
    groups: list[str]


class TopicsView(View):
    """Topics by name, and where to go on: null where there is no more."""

    topics: list[TopicView]
    cursor: str | None


class GroupView(View):
    """A durable group. `oldest` is since when the first is due that is not done, else null."""

    topic: str
    name: str
    mode: str
    config: GroupConfig
    effective: GroupConfig
    mark: int
    next: int
    lag: int
    in_flight: int
    dead: int
    members: int
    oldest: float | None


class GroupsView(View):
    """Groups by topic and name, and where to go on."""

    groups: list[GroupView]
    cursor: str | None


class PatternView(View):
    """A group that every topic whose name matches has, or will have."""

    pattern: str
    name: str
    config: GroupConfig


class PatternsView(View):
    """Groups by pattern, and where to go on."""

    patterns: list[PatternView]
    cursor: str | None


class DeadView(View):
    """A dead letter: when it was given up, after how many attempts, and why the last one failed."""

    message: MessageView
    group: str
    at: float
    attempts: int
    reason: str


class DeadPage(View):
    """Dead letters, and where to go on."""

    dead: list[DeadView]
    cursor: str | None


class CountView(View):
    """How many messages it was."""

    count: int


class DoneView(View):
    """How many messages it was, and where to go on: null where all were looked at."""

    count: int
    cursor: str | None


class MemberView(View):
    """Somebody who consumes; `group` is null in a private one, `credit` null without limit.

    `number` is that of its connection: null for those who ask over HTTP, `address` is empty for all polls of a group
    together. `delivered` and `acked` count its messages since it came, at `since`; what came again counts again.
    """

    label: str
    topic: str
    group: str | None
    credit: int | None
    in_flight: int
    number: int | None
    address: str
    since: float
    delivered: int
    acked: int


class HourView(View):
    """What happened in the hour that began at `at`."""

    at: float
    published: int
    delivered: int
    consumed: int
    retried: int
    expired: int
    deleted: int
    cleaned: int


class HoursView(View):
    """Hour by hour, ascending; hours in which nothing happened are left out."""

    hours: list[HourView]


def seconds(milliseconds: int) -> float:
    """Wall milliseconds as unix seconds."""
    return milliseconds / 1000


def maybe_seconds(milliseconds: int | None) -> float | None:
    """Likewise, where there may be none."""
    return None if milliseconds is None else milliseconds / 1000


def as_headers(stored: str | None) -> dict[str, str] | UnsetType:
    """Headers as they are stored, a JSON object of texts, to go out as they stand."""
    return UNSET if stored is None else cast("Any", msgspec.Raw(stored.encode()))


def optional(value: Any) -> Any:
    """Leave out what says nothing."""
    return UNSET if value is None else value


def message_view(found: Found) -> MessageView:
    """Tell of a message."""
    return MessageView(
        found.code,
        found.topic,
        found.data,
        STATUSES[Status(found.status)],
        seconds(found.created),
        optional(maybe_seconds(found.due)),
        optional(maybe_seconds(found.expire)),
        optional(maybe_seconds(found.consumed or None)),
        optional(found.key),
        as_headers(found.headers),
    )


def passing(topic: str, code: str, message: Message) -> tuple[Any, ...]:
    """What is told of a message on its way, in PassingView's order."""
    return code, topic, message.data, seconds(message.created), as_headers(message.headers), optional(message.key)


def counts_view(counts: TopicCounts) -> CountsView:
    """Tell how many messages a topic has."""
    return CountsView(
        counts.all, counts.consumed, counts.delayed, counts.waiting, counts.in_flight, counts.dead, counts.bytes
    )


def topic_view(info: TopicInfo) -> TopicView:
    """Tell of a topic."""
    return TopicView(info.counts.topic, counts_view(info.counts), info.policy, info.effective, info.groups)


def group_view(info: GroupInfo) -> GroupView:
    """Tell of a group."""
    return GroupView(*info[:-1], oldest=maybe_seconds(info.oldest))


def pattern_view(info: PatternInfo) -> PatternView:
    """Tell of a group by pattern."""
    return PatternView(*info)


def member_view(info: MemberInfo) -> MemberView:
    """Tell of a consumer."""
    return MemberView(**info._asdict() | {"since": seconds(info.since)})


def dead_view(info: DeadInfo) -> DeadView:
    """Tell of a dead letter."""
    return DeadView(message_view(info.message), info.group, seconds(info.at), info.attempts, info.reason)


def hour_view(counts: HourCounts) -> HourView:
    """Tell of an hour."""
    return HourView(seconds(counts.at), *counts[1:])
