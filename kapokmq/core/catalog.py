"""The topics of a node and their groups: found at the start, made when first named."""

from kapokmq.core.broadcast import BroadcastGroup
from kapokmq.core.commit import Recovered, RecoveredGroup
from kapokmq.core.errors import BadName
from kapokmq.core.group import Attempt, Choose, Codes, Group
from kapokmq.core.ledger import Ledger
from kapokmq.core.message import TOPICS_MAX, make_id
from kapokmq.core.moment import Moment
from kapokmq.core.position import Memory, Position
from kapokmq.core.queue import QueueGroup
from kapokmq.core.rules import Rules
from kapokmq.core.topic import Topic

DEFAULT = "default"  # name and kind of the group that all classic consumers of a topic are members of


class Catalog:
    """Topics by name and number, groups by number."""

    def __init__(self, rules: Rules, ledger: Ledger, memory: Memory, codes: Codes, choose: Choose) -> None:
        self.by_name: dict[str, Topic] = {}
        self.by_number: dict[int, Topic] = {}
        self.groups: dict[int, Group] = {}
        self._rules = rules
        self._ledger = ledger
        self._memory = memory
        self._codes = codes
        self._choose = choose
        self._last_topic = 0
        self._last_group = 0

    def recover(self, recovered: Recovered, now: Moment) -> None:
        """Stand where the store says we stood. Nobody holds anything; what was in flight is ready again."""
        for found in recovered.topics:
            topic = self._add(Topic(found.number, found.name, found.next))
            totals = found.totals
            topic.stored = totals.published - totals.expired - totals.deleted - totals.cleaned
            topic.consumed = totals.consumed - totals.cleaned
            topic.delayed = totals.delayed
            topic.swept = make_id(found.number, found.first)
        for row in recovered.groups:
            topic = self.by_number[row.topic]
            group = self._make_group(topic, row.number, row.name, Position(self._memory, row.mark, row.runs))
            self._restore_attempts(group, row, now)

    def topic(self, name: str) -> Topic:
        """The topic of that name, made if it does not exist yet. Raises BadName when there are too many."""
        found = self.by_name.get(name)
        if found is not None:
            return found
        if len(self.by_number) >= min(self._rules.max_topics, TOPICS_MAX):
            raise BadName(f"topic: this node has {len(self.by_number)} already, which is as many as it may have")
        topic = self._add(Topic(self._last_topic + 1, name))
        self._ledger.topic_made(topic)
        return topic

    def default_group(self, topic: Topic) -> Group:
        """The topic's default group, made if it does not exist yet: it is due everything the topic has."""
        group = topic.groups.get(DEFAULT)
        if group is None:
            group = self._make_group(topic, self._last_group + 1, DEFAULT, Position(self._memory, 0))
            self._ledger.group_made(topic, group, DEFAULT)
        return group

    def _add(self, topic: Topic) -> Topic:
        self.by_name[topic.name] = self.by_number[topic.number] = topic
        self._last_topic = max(self._last_topic, topic.number)
        return topic

    def _make_group(self, topic: Topic, number: int, name: str, position: Position) -> Group:
        group: Group
        if self._rules.broadcast and name == DEFAULT:
            group = BroadcastGroup(number, name, topic.name, position, self._rules, self._codes)
        else:
            group = QueueGroup(number, name, topic.name, position, self._rules, self._codes, self._choose)
        topic.groups[name] = group
        self.groups[number] = group
        self._last_group = max(self._last_group, number)
        return group

    def _restore_attempts(self, group: Group, row: RecoveredGroup, now: Moment) -> None:
        for attempt in row.attempts:
            if group.position.is_done(attempt.offset):
                continue
            group.attempts[attempt.offset] = Attempt(attempt.tries, None)
            wait = (attempt.retry_at - now.wall) / 1000
            if wait > 0:
                # The wall clock may have been set back meanwhile: nobody waits longer than the rules say.
                wait = min(wait, self._rules.retry_seconds)
                group.position.postpone(attempt.offset, None, now.steady + wait)
