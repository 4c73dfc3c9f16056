"""What operators change: topics, groups, schedule and dead letters. Each is one step of the broker's."""

from collections.abc import Sequence

from kapokmq.core.admin import Verdict
from kapokmq.core.catalog import Catalog
from kapokmq.core.commit import DueRow, EventRow
from kapokmq.core.consuming import Consuming
from kapokmq.core.dealer import Dealer
from kapokmq.core.effects import Effect
from kapokmq.core.emptying import Emptying
from kapokmq.core.errors import Gone
from kapokmq.core.group import Group
from kapokmq.core.ledger import Ledger
from kapokmq.core.lost import PURGED, SENT_AGAIN
from kapokmq.core.message import OFFSET_MASK, Message, topic_of
from kapokmq.core.moment import Moment
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.query import Remnant
from kapokmq.core.ranges import Run, runs_of
from kapokmq.core.retention import Retention
from kapokmq.core.schedule import Schedule
from kapokmq.core.settling import Settling
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic

_PURGING = -1  # nobody knows yet how many


class Steering:
    """Changes to what there is, beside the traffic."""

    def __init__(  # noqa: PLR0913, PLR0917 -- each is a part of the broker
        self,
        catalog: Catalog,
        ledger: Ledger,
        tally: Tally,
        schedule: Schedule,
        retention: Retention,
        emptying: Emptying,
        dealer: Dealer,
        consuming: Consuming,
        settling: Settling,
    ) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._tally = tally
        self._schedule = schedule
        self._retention = retention
        self._emptying = emptying
        self._dealer = dealer
        self._consuming = consuming
        self._settling = settling
        # How many rows of removals must be committed until it is empty. A restart goes on with what was to go.
        self._deleting: dict[Topic, int | None] = {
            topic: None for topic in catalog.by_number.values() if topic.deleting
        }

    # ---- topics

    def set_policy(self, topic: Topic, policy: TopicPolicy) -> None:
        """Replace what was set for a topic. Raises Unsupported: a topic that keeps messages goes on doing so."""
        self._catalog.set_policy(topic, policy)
        self._stir_all(topic)

    def purge_topic(self, topic: Topic) -> tuple[int, list[Effect]]:
        """Delete all that it has. Gives how many messages that are."""
        count = topic.stored
        self._emptying.purge(topic)
        return count, self._emptying.next()

    def delete_topic(self, topic: Topic, now: Moment) -> list[Effect]:
        """Dismiss its consumers, and delete it once nothing of it is left."""
        if topic.deleting:
            return []
        topic.deleting = True
        self._ledger.policy_set(topic)
        reason = Gone(f"topic {topic.name!r} was deleted")
        effects: list[Effect] = []
        for group in topic.all_groups():
            effects += self._consuming.dismiss(topic, group, reason, now)
            self._catalog.drop_group(topic, group)
        self._deleting[topic] = None
        return effects + self.finish()

    def finish(self) -> list[Effect]:
        """Go on with what waits for commits: topics that are being deleted."""
        for topic, until in list(self._deleting.items()):
            if topic.pending_bytes:
                continue
            if until is None:
                self._deleting[topic] = _PURGING
                self._emptying.purge(topic)
                continue
            if self._emptying.busy_with(topic):
                continue
            last = self._retention.removed if until == _PURGING else until
            self._deleting[topic] = last
            if self._retention.committed_rows >= last:
                del self._deleting[topic]
                self._emptying.forget(topic)
                self._tally.forget(topic)
                self._catalog.drop_topic(topic)
        return self._emptying.next()

    # ---- groups

    def set_config(self, topic: Topic, group: Group, config: GroupConfig) -> None:
        """Replace a group's configuration."""
        self._catalog.set_config(topic, group, config)
        self._dealer.stir((topic, group))

    def delete_group(self, topic: Topic, group: Group, now: Moment) -> list[Effect]:
        """Dismiss its members and forget it. What all others are done with is consumed now."""
        effects = self._consuming.dismiss(topic, group, Gone(f"group {group.name!r} was deleted"), now)
        self._catalog.drop_group(topic, group)
        self._emptying.recheck(topic)
        return effects + self._emptying.next()

    def delete_pattern(self, pattern: str, name: str, now: Moment) -> list[Effect]:
        """Dismiss who joined by a pattern, and give no more topics a group for it."""
        reason = Gone(f"group {name!r} of {pattern!r} was deleted")
        effects = self._consuming.dismiss_watching(pattern, name, reason, now)
        self._catalog.drop_pattern(pattern, name)
        return effects

    def purge_group(self, topic: Topic, group: Group) -> tuple[int, list[Effect]]:
        """Let it be done with all that nobody holds, dead letters aside. Gives how many offsets that are."""
        held = [message.id & OFFSET_MASK for member in group.members for _, (message, _) in member.held.items()]
        kept = [*runs_of({*held}), *group.position.dead]
        count = 0
        for first, last in _gaps(sorted(kept), topic.visible):
            fresh = group.position.settle(first, last)
            group.attempts.forget(first, last)
            count += sum(end - start + 1 for start, end in fresh)
            self._ledger.acknowledge(group, fresh)
        self._emptying.recheck(topic)
        return count, self._emptying.next()

    # ---- the schedule

    def cancel(self, message: Message, remnant: Remnant, now: Moment) -> Verdict:
        """Delete a message that has not fallen due. It was looked up: see Retention."""
        waiting = message.due is not None and self._schedule.is_waiting(message.id, message.due)
        gone = self._retention.delete([remnant] if waiting else [], now)
        return Verdict.DONE if gone else Verdict.TOO_LATE

    def reschedule(self, message: Message, due: int) -> Verdict:
        """Let a message that has not fallen due do so at another time."""
        if message.due is None or not self._schedule.is_waiting(message.id, message.due):
            return Verdict.TOO_LATE
        if self._retention.is_going(message.id):
            return Verdict.TOO_LATE
        # It expires as long after it is due as before.
        late = None if message.expire is None else message.expire + due - message.due
        row = DueRow(message.id, due, late)
        self._schedule.hold(message.id)
        self._ledger.reschedule(row)
        return Verdict.DONE

    def moved(self, rows: Sequence[DueRow]) -> None:
        """These are in the store."""
        for row in rows:
            self._schedule.moved(row.id, row.due)

    # ---- dead letters

    def revive(self, topic: Topic, group: Group, offsets: Sequence[int], who: str, now: Moment) -> int:
        """Deal dead letters again. Gives how many of these there were."""
        runs = [run for first, last in runs_of(set(offsets)) for run in group.revive(first, last)]
        self._ledger.revive(group, runs, self._events(group, runs, SENT_AGAIN, who, now))
        self._dealer.stir((topic, group))
        return _count(runs)

    def purge_dead(self, topic: Topic, group: Group, offsets: Sequence[int], who: str, now: Moment) -> int:
        """Let a group be done with dead letters. Gives how many of these there were."""
        runs = [run for first, last in runs_of(set(offsets)) for run in group.position.exhume(first, last)]
        self._ledger.revive(group, runs, self._events(group, runs, PURGED, who, now))
        numbers = [offset for first, last in runs for offset in range(first, last + 1)]
        self._settling.settled((topic, group), numbers, now)
        return len(numbers)

    @staticmethod
    def _events(group: Group, runs: list[Run], kind: str, who: str, now: Moment) -> list[EventRow]:
        return [
            EventRow(group.number, offset, now.wall, kind, 0, who, "")
            for first, last in runs
            for offset in range(first, last + 1)
        ]

    def _stir_all(self, topic: Topic) -> None:
        for group in topic.all_groups():
            self._dealer.stir((topic, group))

    # ---- looked up

    def topic_of(self, message: Message) -> Topic | None:
        """The topic that a message of the store belongs to."""
        return self._catalog.by_number.get(topic_of(message.id))


def _count(runs: Sequence[Run]) -> int:
    return sum(last - first + 1 for first, last in runs)


def _gaps(kept: Sequence[Run], stop: int) -> list[Run]:
    """The runs from 0 to before `stop` between these, which ascend."""
    gaps: list[Run] = []
    at = 0
    for first, last in kept:
        if first > at:
            gaps.append((at, first - 1))
        at = max(at, last + 1)
    if at < stop:
        gaps.append((at, stop - 1))
    return gaps
