"""The topics of a node and their groups: found at the start, made when first named."""

from collections.abc import Callable

import msgspec

from kapokmq.core.attempts import Attempt
from kapokmq.core.broadcast import BroadcastGroup
from kapokmq.core.codes import Codes
from kapokmq.core.commit import PatternRow
from kapokmq.core.errors import BadName, Deleting, TooMany, Unsupported
from kapokmq.core.group import Choose, Group, Setup
from kapokmq.core.ledger import Ledger
from kapokmq.core.memory import Memory
from kapokmq.core.message import TOPICS_MAX, make_id
from kapokmq.core.moment import Moment
from kapokmq.core.pattern import matcher, matches
from kapokmq.core.policy import DELETING, GroupConfig, TopicPolicy, read_policy, written
from kapokmq.core.position import Position
from kapokmq.core.queue import QueueGroup
from kapokmq.core.ranges import RangeSet
from kapokmq.core.recovered import Recovered, RecoveredGroup
from kapokmq.core.rules import Rules
from kapokmq.core.terms import policy_for, terms_of
from kapokmq.core.topic import Topic

DEFAULT = "default"  # name and kind of the group that all classic consumers of a topic are members of
NAMED = "named"
NONE = "none"
MOST_GROUPS = 1_000  # durable groups of a topic


class Catalog:
    """Topics by name and number, durable groups by number, and groups by pattern: (pattern, name) to configuration.

    `arrived` is called with each topic that is made, before its first message.
    """

    def __init__(self, rules: Rules, ledger: Ledger, memory: Memory, codes: Codes, choose: Choose) -> None:
        self.by_name: dict[str, Topic] = {}
        self.by_number: dict[int, Topic] = {}
        self.groups: dict[int, Group] = {}
        self.patterns: dict[tuple[str, str], GroupConfig] = {}
        self.limited: dict[Topic, None] = {}  # those that may hold so much and no more
        self.arrived: Callable[[Topic], None] = lambda _: None
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
            topic.deleting = found.policy == DELETING
            topic.policy = TopicPolicy() if topic.deleting else read_policy(found.policy, TopicPolicy)
            totals = found.totals
            topic.stored = totals.published - totals.expired - totals.deleted - totals.cleaned
            topic.consumed = totals.consumed - totals.cleaned
            topic.delayed = totals.delayed
            topic.bytes = found.bytes
            topic.finished = RangeSet(found.consumed)
            topic.swept = make_id(found.number, found.first)
        grouped = {row.topic for row in recovered.groups}
        for topic in self.by_number.values():
            kept = bool(topic.next) or topic.number in grouped
            self._effect(topic, policy_for(topic.name, topic.policy, self._rules), kept=kept)
        for row in recovered.groups:
            topic = self.by_number[row.topic]
            position = Position(self._memory, row.mark, row.runs, row.dead, paged=self._rules.paged)
            config = read_policy(row.config, GroupConfig)
            group = self._make(topic, Setup(row.number, row.name, topic.name, start=row.start), position, config)
            self._restore_attempts(group, row, now)
        for pattern in recovered.patterns:
            self.patterns[pattern.pattern, pattern.name] = read_policy(pattern.config, GroupConfig)

    # ---- topics

    def topic(self, name: str) -> Topic:
        """The topic of that name, made if it does not exist yet.

        Raises BadName when there are too many, Deleting while one of that name is on its way out.
        """
        found = self.by_name.get(name)
        if found is None:
            return self.make_topic(name, TopicPolicy())
        if found.deleting:
            raise Deleting(f"topic: {name!r} is being deleted")
        return found

    def make_topic(self, name: str, policy: TopicPolicy) -> Topic:
        """A new topic, with the groups that patterns give it. Raises BadName when there are too many."""
        if len(self.by_number) >= self._rules.max_topics or self._last_topic >= TOPICS_MAX:
            raise BadName(f"topic: this node has {len(self.by_number)} already, which is as many as it may have")
        topic = self._add(Topic(self._last_topic + 1, name))
        topic.policy = policy
        self._effect(topic, policy_for(name, policy, self._rules), kept=None)
        self._ledger.topic_made(topic)
        for (pattern, group), config in self.patterns.items():
            if matches(pattern, name) and group not in topic.groups:
                self.make_group(topic, group, 0, config)
        self.arrived(topic)
        return topic

    def matching(self, pattern: str) -> list[Topic]:
        """The topics that a pattern stands for, and that stay."""
        fits = matcher(pattern)
        return [topic for name, topic in self.by_name.items() if fits(name) and not topic.deleting]

    def set_policy(self, topic: Topic, policy: TopicPolicy) -> None:
        """Replace what was set for a topic. Raises Unsupported: what keeps messages goes on doing so."""
        effective = policy_for(topic.name, policy, self._rules)
        if (effective.retention != NONE) is not topic.keeps:
            raise Unsupported("retention: whether messages are kept is decided when a topic is made")
        topic.policy = policy
        self._effect(topic, effective, kept=topic.keeps)
        self._ledger.policy_set(topic)
        for group in topic.all_groups():
            self._retune(topic, group)

    def drop_topic(self, topic: Topic) -> None:
        """A topic without messages and groups is gone."""
        del self.by_name[topic.name], self.by_number[topic.number]
        self.limited.pop(topic, None)
        self._ledger.drop_topic(topic)

    # ---- groups

    def default_group(self, topic: Topic) -> Group:
        """The topic's default group, made if it does not exist yet."""
        return topic.groups.get(DEFAULT) or self.make_group(topic, DEFAULT, 0, GroupConfig())

    def make_group(self, topic: Topic, name: str, start: int, config: GroupConfig) -> Group:
        """A new durable group, due everything from the offset `start` on; a topic's first one is due all it has.

        In a topic that keeps nothing it is durable in name only. Raises TooMany.
        """
        if len(topic.groups) >= MOST_GROUPS:
            raise TooMany(f"group: topic {topic.name!r} has {MOST_GROUPS} groups, which is as many as it may have")
        if not topic.keeps:
            start = topic.visible
        elif not topic.groups or name == DEFAULT:
            start = 0
        setup = Setup(self._last_group + 1 if topic.keeps else -1, name, topic.name, topic.keeps, start)
        group = self._make(topic, setup, self._position(topic, start), config)
        if group.durable:
            kind = DEFAULT if name == DEFAULT else NAMED
            self._ledger.group_made(topic, group, kind, written(config))
        return group

    def private_group(self, topic: Topic) -> Group:
        """A group for one subscription: from now on, and stored nowhere."""
        setup = Setup(-1, "", topic.name, durable=False, start=topic.visible)
        terms = terms_of(GroupConfig(), topic.effective, self._rules, default=False)
        position = self._position(topic, topic.visible)
        group = QueueGroup(setup, position, terms, self._codes, self._choose)
        topic.privates[group] = None
        return group

    def set_config(self, topic: Topic, group: Group, config: GroupConfig) -> None:
        """Replace what was set for a group."""
        group.config = config
        self._retune(topic, group)
        if group.durable:
            kind = DEFAULT if group.name == DEFAULT else NAMED
            self._ledger.group_made(topic, group, kind, written(config))

    def drop_group(self, topic: Topic, group: Group) -> None:
        """A group is gone. Its members have left."""
        topic.privates.pop(group, None)
        if topic.groups.get(group.name) is group:
            del topic.groups[group.name]
        if group.durable:
            del self.groups[group.number]
            self._ledger.drop_group(group)
        group.position.clear()

    def set_pattern(self, pattern: str, name: str, config: GroupConfig) -> None:
        """Every topic that matches is to have that group, those that come later too."""
        self.patterns[pattern, name] = config
        self._ledger.pattern(PatternRow(pattern, name, written(config)))

    def drop_pattern(self, pattern: str, name: str) -> None:
        """Topics that come later need not have that group."""
        del self.patterns[pattern, name]
        self._ledger.pattern(PatternRow(pattern, name, None, gone=True))

    # ---- inside

    def _effect(self, topic: Topic, policy: TopicPolicy, *, kept: bool | None) -> None:
        """Have a topic go by a policy. One that has `kept` messages so far goes on with that, whatever settings say."""
        if kept and policy.retention == NONE:
            policy = msgspec.structs.replace(policy, retention=None)
        topic.effective = policy
        topic.bucket = 0  # the window may have changed
        self.limited.pop(topic, None)
        if policy.max_messages is not None or policy.max_bytes is not None:
            self.limited[topic] = None

    def _add(self, topic: Topic) -> Topic:
        self.by_name[topic.name] = self.by_number[topic.number] = topic
        self._last_topic = max(self._last_topic, topic.number)
        return topic

    def _make(self, topic: Topic, setup: Setup, position: Position, config: GroupConfig) -> Group:
        group: Group
        default = setup.name == DEFAULT
        terms = terms_of(config, topic.effective, self._rules, default=default)
        if self._rules.broadcast and default:
            group = BroadcastGroup(setup, position, terms, self._codes, self._rules.memory_budget)
        else:
            group = QueueGroup(setup, position, terms, self._codes, self._choose)
        group.config = config
        topic.groups[setup.name] = group
        if setup.durable:
            self.groups[setup.number] = group
        self._last_group = max(self._last_group, setup.number)
        return group

    def _position(self, topic: Topic, start: int) -> Position:
        return Position(self._memory, start, paged=self._rules.paged and topic.keeps)

    def _retune(self, topic: Topic, group: Group) -> None:
        group.terms = terms_of(group.config, topic.effective, self._rules, default=group.name == DEFAULT)

    def _restore_attempts(self, group: Group, row: RecoveredGroup, now: Moment) -> None:
        for attempt in row.attempts:
            if group.position.is_done(attempt.offset) or attempt.offset in group.position.dead:
                continue
            group.attempts[attempt.offset] = Attempt(attempt.tries, None)
            wait = (attempt.retry_at - now.wall) / 1000
            if wait > 0:
                # The wall clock may have been set back meanwhile. Where nobody chooses how long to wait, nobody waits
                # longer than the terms say.
                most = group.terms.classic_wait
                group.position.postpone(attempt.offset, None, now.steady + (wait if most is None else min(wait, most)))
