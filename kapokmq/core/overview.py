"""What there is, put together for people."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice

from kapokmq.core.admin import GroupInfo, MemberInfo, TopicInfo
from kapokmq.core.catalog import DEFAULT
from kapokmq.core.group import Group
from kapokmq.core.member import Consumer
from kapokmq.core.message import OFFSET_MASK, topic_of
from kapokmq.core.policy import GroupConfig, TopicPolicy, filled
from kapokmq.core.position import Position
from kapokmq.core.rules import Rules
from kapokmq.core.terms import config_for
from kapokmq.core.topic import Topic


def topic_info(topic: Topic, rules: Rules) -> TopicInfo:
    """A topic."""
    node = TopicPolicy(
        retention="queue",
        max_age=rules.clean_seconds,
        overflow="reject",
        dedup_window=rules.dedup_window,
        durability=rules.durable,
        ack_wait=rules.ack_wait,
        max_attempts=rules.max_attempts,
        backoff=rules.backoff,
        backoff_max=rules.backoff_max,
        choice="random",
    )
    return TopicInfo(topic.counts(), topic.policy, filled(topic.effective, node), sorted(topic.groups))


Delayed = dict[int, list[int]]  # by topic number, the offsets of messages that are still to fall due


def split_delayed(ids: Iterable[int], offsets: Delayed) -> None:
    """Add the offsets of these messages to those by topic number: what is added of a topic ascends."""
    for message_id in sorted(ids):
        offsets.setdefault(topic_of(message_id), []).append(message_id & OFFSET_MASK)


def group_info(topic: Topic, group: Group, rules: Rules, delayed: Sequence[int]) -> GroupInfo:
    """A group of a topic. `delayed` are the offsets of those of its messages that are still to fall due, ascending."""
    position = group.position
    dead = position.dead.count
    undone = topic.visible - position.mark - position.done.count
    done = _done_of(position, delayed)
    heads = [queue[0].since for queue in (position.ready, position.ahead) if queue]
    return GroupInfo(
        topic=topic.name,
        name=group.name,
        mode=group.mode,
        config=group.config,
        effective=effective_config(topic, group, rules),
        mark=position.mark,
        next=topic.next,
        lag=max(0, undone - dead - (topic.delayed - done)),
        in_flight=group.in_flight,
        dead=dead,
        members=len(group.members),
        oldest=min(heads, default=None),
    )


def _done_of(position: Position, delayed: Sequence[int]) -> int:
    """With how many of what is not due yet a group is done: some lies before its start, or was purged."""
    below = bisect_left(delayed, position.mark)
    if len(delayed) - below < len(position.done):
        return below + sum(offset in position.done for offset in islice(delayed, below, None))
    return below + sum(bisect_right(delayed, last) - bisect_left(delayed, first) for first, last in position.done)


def effective_config(topic: Topic, group: Group, rules: Rules) -> GroupConfig:
    """What a group goes by."""
    return config_for(group.config, topic.effective, rules, default=group.name == DEFAULT)


def member_infos(consumers: Iterable[Consumer]) -> list[MemberInfo]:
    """Everybody who consumes, oldest first."""
    return [
        MemberInfo(
            label=consumer.receiver.label,
            topic=consumer.pattern,
            group=consumer.group,
            credit=None if consumer.level == float("inf") else max(0, int(consumer.credit)),
            in_flight=sum(len(member.held) for _, member in consumer.places.values()),
            number=consumer.receiver.number,
            address=consumer.receiver.address,
            since=consumer.since,
            delivered=consumer.delivered,
            acked=consumer.acked,
        )
        for consumer in consumers
    ]
