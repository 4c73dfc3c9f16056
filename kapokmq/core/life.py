"""The life of a message in each group, from what the broker holds and what the store recorded."""

from kapokmq.core.broker import Broker
from kapokmq.core.group import Group
from kapokmq.core.lives import Event, GroupLife, Holder, Life
from kapokmq.core.message import OFFSET_MASK, Found, Status, topic_of
from kapokmq.core.moment import Moment
from kapokmq.core.query import Stored, Trace
from kapokmq.core.topic import Topic


def life_of(broker: Broker, stored: Stored, shown: Found, trace: Trace, now: Moment) -> Life:
    """What is known of a message that the store has, group by group."""
    topic = broker.catalog.by_number.get(topic_of(stored.message.id))
    if topic is None:
        return Life(shown, [])
    lives = [_Glance(broker, topic, group, stored, trace, now).life() for group in topic.groups.values()]
    return Life(shown, lives)


class _Glance:
    """One message in one group, now."""

    def __init__(self, broker: Broker, topic: Topic, group: Group, stored: Stored, trace: Trace, now: Moment) -> None:
        self._broker = broker
        self._topic = topic
        self._group = group
        self._stored = stored
        self._trace = trace
        self._now = now
        self._offset = stored.message.id & OFFSET_MASK

    def life(self) -> GroupLife:  # noqa: PLR0911 -- one state a return
        group = self._group
        attempt = group.attempts.get(self._offset)
        tries = 0 if attempt is None else attempt.tries
        events = [
            Event(event.at, event.kind, event.tries, event.who, event.reason)
            for event in self._trace.events
            if event.group == group.number
        ]
        dead = next((row for row in self._trace.dead if row[0] == group.number), None)
        if self._offset in group.position.dead:
            at, tries = (None, tries) if dead is None else (dead[1], dead[2])
            return GroupLife(group.name, "dead", tries, at, None, [], events)
        expire = self._stored.message.expire
        if expire is not None and expire <= self._now.wall and self._acknowledged_at() is None:
            return GroupLife(group.name, "expired", tries, expire, None, [], events)
        if group.position.is_done(self._offset):
            since = self._acknowledged_at()
            state = "notDue" if self._offset < group.start and since is None else "acknowledged"
            return GroupLife(group.name, state, tries, since, None, [], events)
        holders = self._holders()
        if holders:
            return GroupLife(group.name, "leased", tries, None, None, holders, events)
        until = group.position.postponed_until(self._offset)
        if until is not None:
            wall = self._now.wall + int((until - self._now.steady) * 1000)
            return GroupLife(group.name, "retrying", tries, None, wall, [], events)
        message = self._stored.message
        if message.due is not None and self._broker.schedule.is_waiting(message.id, message.due):
            return GroupLife(group.name, "delayed", tries, None, message.due, [], events)
        return GroupLife(group.name, "waiting", tries, None, None, [], events)

    def _acknowledged_at(self) -> int | None:
        at = next((at for number, at in self._trace.acked if number == self._group.number), None)
        if at is None and self._stored.status is Status.CONSUMED and self._offset >= self._group.start:
            return self._stored.consumed
        return at

    def _holders(self) -> list[Holder]:
        code = self._broker.codes.of([self._stored.message])[0]
        found: list[Holder] = []
        for member in self._group.members:
            lease = member.held.get(code)
            if lease is not None:
                deadline = lease[1].deadline
                until = None if deadline is None else self._now.wall + int((deadline - self._now.steady) * 1000)
                found.append(Holder(member.consumer.receiver.label, lease[1].since, until))
        return found
