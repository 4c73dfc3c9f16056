"""How messages reach the groups of their topics: from a commit, from the schedule, from the store.

A group sees a message once: in order at `Position.end`, by a commit that touches it or by a page; or out of order, when
it falls due after the group has passed it.
"""

from collections.abc import Sequence

from kapokmq.core.catalog import Catalog
from kapokmq.core.dealer import Dealer
from kapokmq.core.effects import Effect, FetchMessages, LoadSchedule, ReadPage
from kapokmq.core.ledger import Ledger, Published
from kapokmq.core.message import OFFSET_MASK, Message, make_id, topic_of
from kapokmq.core.moment import Moment
from kapokmq.core.position import Memory
from kapokmq.core.rules import Rules
from kapokmq.core.schedule import Due, Schedule
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic

READ_AGAIN = 1.0  # seconds until a read that failed is tried again


class Arrivals:
    """Feeds groups, and stirs them for the next round of dealing."""

    def __init__(
        self,
        rules: Rules,
        memory: Memory,
        schedule: Schedule,
        catalog: Catalog,
        ledger: Ledger,
        tally: Tally,
        dealer: Dealer,
    ) -> None:
        self._rules = rules
        self._memory = memory
        self._schedule = schedule
        self._catalog = catalog
        self._ledger = ledger
        self._tally = tally
        self._dealer = dealer
        self._unsaved: dict[int, Message] = {}  # delayed, and visible before their commit (eager only)
        self._load_at = 0.0  # steady seconds: not before, after a load that failed

    # ---- from commits

    def appear(self, topic: Topic, messages: list[Message], size: int) -> None:
        """Let the groups of a topic see new messages. `size` is theirs in bytes."""
        before, stop = topic.visible, (messages[-1].id & OFFSET_MASK) + 1
        topic.visible = stop
        eager, paged = self._rules.eager, self._rules.paged
        delayed = [message for message in messages if message.due is not None]
        for message in delayed:
            self._schedule.add(message.due or 0, message.id, stored=not eager)
            if eager:
                self._unsaved[message.id] = message
        self._tally.published(topic, len(messages), len(delayed))
        room = self._memory.held + size <= self._rules.memory_budget
        for group in topic.groups.values():
            position = group.position
            # Kept in memory for a group that has come so far and has somebody to deal to; else paged when it is due.
            if position.end == before and (not paged or (room and group.members)):
                self._ledger.acknowledge(group, position.feed(messages, stop, self._schedule, size))
            self._dealer.stir((topic, group))

    def saved(self, topic: Topic, entries: Sequence[Published]) -> None:
        """Messages that groups could see before are in the store now."""
        if self._unsaved:
            ids = [message.id for entry in entries for message in entry.messages]
            self._schedule.saved(ids)
            for message_id in ids:
                self._unsaved.pop(message_id, None)
        for group in topic.groups.values():
            self._dealer.stir((topic, group))

    # ---- from the schedule

    def fall_due(self, now: Moment) -> None:
        """Let groups have what has fallen due."""
        for message_id in self._schedule.fall(now.wall):
            self._fell_due(message_id)

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

    def _fell_due(self, message_id: int) -> None:
        topic = self._catalog.by_number[topic_of(message_id)]
        offset = message_id & OFFSET_MASK
        if offset >= topic.visible:
            return  # the store has shown it before it has reported its commit: `appear` schedules it anew
        if topic.consumed_part(offset, offset):
            return  # it had fallen due before a restart with the clock set back, and was not counted as delayed
        self._tally.fell_due(topic)
        unsaved = self._unsaved.pop(message_id, None)
        for group in topic.groups.values():
            if unsaved is not None and offset < group.position.end:
                group.position.supply(unsaved)
            else:
                group.position.fall_due(offset)
            self._dealer.stir((topic, group))
