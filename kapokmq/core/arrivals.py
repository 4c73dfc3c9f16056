"""How messages reach the groups of their topics: from a commit, from the schedule, from the store.

A group sees a message once: in order at `Position.end`, by a commit that touches it or by a page; or out of order, when
it falls due after the group has passed it.
"""

from collections.abc import Sequence

from kapokmq.core.catalog import Catalog
from kapokmq.core.dealer import Dealer
from kapokmq.core.effects import Effect, FetchMessages, LoadSchedule, ReadPage
from kapokmq.core.group import Group
from kapokmq.core.ledger import Ledger, Published
from kapokmq.core.memory import Memory
from kapokmq.core.message import OFFSET_MASK, Message, make_id, topic_of
from kapokmq.core.moment import Moment
from kapokmq.core.retention import Retention
from kapokmq.core.rules import Rules
from kapokmq.core.schedule import Due, Schedule
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic

READ_AGAIN = 1.0  # seconds until a read that failed is tried again
MOST_AHEAD = 10_000  # messages kept in memory for somebody who is not owed them


class Arrivals:
    """Feeds groups, and stirs them for the next round of dealing."""

    def __init__(  # noqa: PLR0913, PLR0917 -- each is a part of the broker
        self,
        rules: Rules,
        memory: Memory,
        schedule: Schedule,
        catalog: Catalog,
        ledger: Ledger,
        tally: Tally,
        dealer: Dealer,
        retention: Retention,
    ) -> None:
        self._rules = rules
        self._memory = memory
        self._schedule = schedule
        self._catalog = catalog
        self._ledger = ledger
        self._tally = tally
        self._dealer = dealer
        self._retention = retention
        self._unsaved: dict[int, Message] = {}  # delayed, and visible before their commit (eager only)
        self._load_at = 0.0  # steady seconds: not before, after a load that failed

    # ---- from commits

    def appear(self, topic: Topic, messages: Sequence[Message], stop: int, size: int) -> None:
        """Let the groups of a topic see new messages, below the offset `stop`. `size` is theirs in bytes."""
        before, topic.visible = topic.visible, stop
        delayed = [message for message in messages if message.due is not None]
        if delayed:
            fresh = make_id(topic.number, topic.committed if self._rules.eager else stop)  # not stored yet
            self._schedule.add_stored([(message.due or 0, message.id) for message in delayed if message.id < fresh])
            for message in delayed:
                if message.id >= fresh:
                    self._schedule.add(message.due or 0, message.id, stored=False)
                    self._unsaved[message.id] = message
        self._tally.published(topic, len(messages), len(delayed))
        room = self._memory.held + size <= self._rules.memory_budget
        timed = bool(delayed)
        for group in topic.all_groups():
            # Kept in memory for a group that has come so far and has somebody to deal to; else paged when it is due.
            if group.position.end == before and self._keeps(group, room=room):
                self._ledger.acknowledge(group, group.position.feed(messages, stop, self._schedule, size, timed=timed))
            if group.members:
                self._dealer.stir((topic, group))

    def pass_through(self, topic: Topic, messages: Sequence[Message], size: int) -> None:
        """Let those who are connected have messages that are stored nowhere."""
        topic.visible = topic.committed = stop = topic.next
        room = self._memory.held + size <= self._rules.memory_budget
        self._tally.passed(len(messages))
        for group in topic.all_groups():
            if group.members and room and len(group.position.ahead) < MOST_AHEAD:
                group.position.feed(messages, stop, self._schedule, size)
                self._dealer.stir((topic, group))
            else:
                group.position.feed((), stop, self._schedule, 0)

    def _keeps(self, group: Group, *, room: bool) -> bool:
        if group.durable and not self._rules.paged:
            return True
        return room and bool(group.members) and (group.durable or len(group.position.ahead) < MOST_AHEAD)

    def saved(self, topic: Topic, entries: Sequence[Published]) -> None:
        """Messages that groups could see before are in the store now."""
        if self._unsaved:
            ids = [message.id for entry in entries for message in entry.messages]
            self._schedule.saved(ids)
            for message_id in ids:
                self._unsaved.pop(message_id, None)
        for group in topic.all_groups():
            self._dealer.stir((topic, group))

    # ---- from the schedule

    def fall_due(self, now: Moment) -> None:
        """Let groups have what has fallen due."""
        for message_id in self._schedule.fall(now.wall):
            self._fell_due(message_id, now)

    def waits(self, now: Moment) -> list[float]:
        """Seconds until the schedule has something to do, if it has."""
        due = self._schedule.next()
        waits = [] if due is None else [(due - now.wall) / 1000]
        if self._schedule.short:
            waits.append(self._load_at - now.steady)
        return waits

    def load_schedule(self, now: Moment) -> list[Effect]:
        """Ask for the next delayed messages, if few are left in memory."""
        wanted = self._schedule.wanted() if now.steady >= self._load_at else None
        return [LoadSchedule(*wanted)] if wanted else []

    def schedule_loaded(self, asked: LoadSchedule, found: list[Due] | None, now: Moment) -> list[Effect]:
        """The next delayed messages came (None: they could not be read)."""
        if found is None:
            self._schedule.failed()
            self._load_at = now.steady + READ_AGAIN
            return []
        self._schedule.arrived(found, asked.limit)
        self.fall_due(now)
        return self.load_schedule(now) + self._dealer.deal(now)

    # ---- from the store

    def page_read(self, asked: ReadPage, messages: Sequence[Message] | None, stop: int, now: Moment) -> list[Effect]:
        """A page came: the messages from `asked.first` to before the id `stop` (None: it could not be read)."""
        position = asked.group.position
        position.reading = False
        if asked.group.gone:
            return []
        if messages is None:
            self._dealer.deadlines.sooner(asked.group, now.steady + READ_AGAIN)
            return []
        size = sum([message.size for message in messages])
        fresh = position.feed(messages, stop - make_id(asked.topic.number, 0), self._schedule, size)
        self._ledger.acknowledge(asked.group, fresh)
        return self._stirred(asked, now)

    def fetched(self, asked: FetchMessages, messages: Sequence[Message] | None, stop: int, now: Moment) -> list[Effect]:
        """Messages asked for by id came, those below the id `stop`; the others are to be asked for again."""
        position = asked.group.position
        if asked.group.gone:
            return []
        offsets = [message_id & OFFSET_MASK for message_id in asked.ids]
        if messages is None:
            position.fetching = False
            position.wanted.extendleft(reversed(offsets))
            self._dealer.deadlines.sooner(asked.group, now.steady + READ_AGAIN)
            return []
        answered = [message_id & OFFSET_MASK for message_id in asked.ids if message_id < stop]
        position.wanted.extendleft(message_id & OFFSET_MASK for message_id in reversed(asked.ids) if message_id >= stop)
        self._ledger.acknowledge(asked.group, position.fetched(messages, answered, self._schedule))
        return self._stirred(asked, now)

    # ---- inside

    def _stirred(self, asked: ReadPage | FetchMessages, now: Moment) -> list[Effect]:
        self._dealer.stir((asked.topic, asked.group))
        return self._dealer.deal(now)

    def _fell_due(self, message_id: int, now: Moment) -> None:
        topic = self._catalog.by_number.get(topic_of(message_id))
        offset = message_id & OFFSET_MASK
        if topic is None:
            return
        if offset >= topic.visible:
            return  # the store has shown it before it has reported its commit: `appear` schedules it anew
        # Consumed: it had fallen due before a restart with the clock set back, and was not counted as delayed. A group
        # that was made since may wait for it all the same.
        consumed = bool(topic.consumed_part(offset, offset))
        if not consumed:
            self._tally.fell_due(topic)
        unsaved = self._unsaved.pop(message_id, None)
        for group in topic.all_groups():
            if unsaved is not None and offset < group.position.end:
                group.position.supply(unsaved)
            else:
                group.position.fall_due(offset)
            self._dealer.stir((topic, group))
        if not consumed and topic.groups and all(group.position.is_done(offset) for group in topic.groups.values()):
            # Purged while it was delayed, or older than all groups that are left.
            self._retention.consumed(topic, topic.consumed_by_all(None, [(offset, offset)]), now)
