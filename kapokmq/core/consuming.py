"""Consumers: how they join groups, what they say of what they got, and how they leave."""

from collections.abc import Sequence

from kapokmq.core.catalog import DEFAULT, Catalog
from kapokmq.core.dealer import Dealer, Place
from kapokmq.core.effects import Dismiss, Effect
from kapokmq.core.engine import Wish
from kapokmq.core.errors import TooMany, Unsupported
from kapokmq.core.group import Group
from kapokmq.core.joining import Joining
from kapokmq.core.member import Consumer
from kapokmq.core.moment import Moment
from kapokmq.core.names import check_name
from kapokmq.core.pattern import check_pattern, is_pattern, matches
from kapokmq.core.peers import Receiver
from kapokmq.core.policy import GroupConfig
from kapokmq.core.retention import Retention
from kapokmq.core.rules import Rules
from kapokmq.core.settling import Settling
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic

MOST_MATCHES = 1_000  # topics that a pattern may match when it is subscribed to; later ones come one by one
MOST_PLACES = 200_000  # of consumers in topics
MOST_PATTERNS = 1_000  # groups by pattern, and consumers with one


class Consuming:
    """Everybody who consumes."""

    def __init__(
        self, rules: Rules, catalog: Catalog, tally: Tally, dealer: Dealer, retention: Retention, settling: Settling
    ) -> None:
        self.consumers: dict[Consumer, None] = {}
        self._rules = rules
        self._catalog = catalog
        self._tally = tally
        self._dealer = dealer
        self._retention = retention
        self._settling = settling
        self._watching: dict[Consumer, int | str] = {}  # with patterns: they join topics that come later
        self.joining = Joining()
        self._places = 0
        catalog.arrived = self._arrived

    # ---- coming

    def subscribe(self, receiver: Receiver, topic_name: str, credit: int | None) -> Consumer:
        """Join the topic's default group."""
        topic = self._catalog.topic(topic_name)
        consumer = Consumer(receiver, topic_name, credit, group=DEFAULT)
        self.consumers[consumer] = None
        self._join(consumer, topic, self._catalog.default_group(topic))
        return consumer

    def seeks(self, pattern: str, wish: Wish) -> list[Topic]:
        """The topics in which a wish needs the offset of a time, because it makes a group that begins there."""
        if isinstance(wish.start, str) or wish.group is None:
            return []
        return [topic for topic in self._catalog.matching(pattern) if self._begins(topic, wish.group)]

    def join(self, receiver: Receiver, pattern: str, wish: Wish, starts: dict[Topic, int]) -> Consumer:
        """Become a member as wished. `starts` has the offsets of the topics that `seeks` named.

        The consumer flows not yet. Raises BadName, TooMany, Deleting, Unsupported, with nothing changed but topics and
        groups made.
        """
        self.check(pattern, wish.group)
        consumer = Consumer(
            receiver, pattern, wish.credit, group=wish.group, owes=wish.owes, renews=wish.renews and wish.owes
        )
        consumer.flowing = False
        if is_pattern(pattern):
            topics = self._catalog.matching(pattern)
            new = [topic for topic in topics if wish.group not in topic.groups]
            if len(new) > MOST_MATCHES:
                raise TooMany(f"topic: {len(new)} topics match; at once groups are made in {MOST_MATCHES} at most")
            if self._places + len(topics) > MOST_PLACES:
                raise TooMany(f"topic: {len(topics)} topics match; this node has {self._places} consumers in topics")
            if len(self._watching) >= MOST_PATTERNS:
                raise TooMany(f"topic: this node has {MOST_PATTERNS} subscriptions by pattern, as many as it may have")
            if wish.group is not None and (pattern, wish.group) not in self._catalog.patterns:
                self._make_pattern(pattern, wish.group, GroupConfig())
            self._watching[consumer] = wish.start
        else:
            topics = [self._catalog.topic(pattern)]
        self.consumers[consumer] = None
        for topic in topics:
            if len(topics) <= MOST_MATCHES or wish.group not in topic.groups:
                self._join(consumer, topic, self.group(topic, wish.group, wish.start, starts.get(topic)))
        if len(consumer.places) < len(topics):
            self.joining.begin(consumer, topics)
        return consumer

    def go_on(self) -> None:
        """Let those who join many groups that are there already join some more."""
        for consumer, topic in self.joining.slice():
            if topic.number not in consumer.topics and consumer.group in topic.groups:
                self._join(consumer, topic, topic.groups[consumer.group])

    def check(self, pattern: str, name: str | None) -> None:
        """Whether somebody may join a group of that name there. Raises BadName, Unsupported."""
        check_pattern(pattern)
        if name is None:
            return
        check_name(name, "group")
        if name == DEFAULT and self._rules.broadcast:
            raise Unsupported(
                "group: the default one is a broadcast on this node (pushType 2); leave `group` out for one of your own"
            )

    def group(
        self,
        topic: Topic,
        name: str | None,
        start: int | str,
        found: int | None,
        config: GroupConfig = GroupConfig(),  # noqa: B008 -- it never changes
    ) -> Group:
        """The group of that name, made if need be: see Wish. `found` is the offset of the time that `start` names."""
        if name is None:
            return self._catalog.private_group(topic)
        group = topic.groups.get(name)
        if group is None:
            first = {"new": topic.visible, "all": 0}.get(str(start), topic.visible if found is None else found)
            group = self._catalog.make_group(topic, name, first, config)
            self._retention.spare(topic, group)
        return group

    def make_pattern(self, pattern: str, name: str, config: GroupConfig) -> bool:
        """Have a group by pattern; False if there is one. Raises TooMany."""
        if (pattern, name) in self._catalog.patterns:
            return False
        self._make_pattern(pattern, name, config)
        return True

    # ---- going

    def leave(self, consumer: Consumer, now: Moment) -> list[Place]:
        """A consumer went: what it holds is given back. Gives where; one that is gone already is ignored."""
        if self.consumers.pop(consumer, ...) is ...:
            return []
        self._watching.pop(consumer, None)
        self.joining.drop(consumer)
        places = [(topic, group) for group, (topic, _) in consumer.places.items()]
        for topic, group in places:
            self._leave(consumer, topic, group, now)
        return places

    def dismiss(self, topic: Topic, group: Group, reason: Exception, now: Moment) -> list[Effect]:
        """A group is about to go: so do its members. One with a pattern only leaves this place."""
        effects: list[Effect] = []
        group.gone = True
        self._dealer.forget(group)
        for member, held in group.dismiss():
            consumer = member.consumer
            consumer.quit(group)
            self._places -= 1
            if consumer in self._watching:
                consumer.renew(held)
                self._rated(consumer)
            else:
                del self.consumers[consumer]
                effects.append(Dismiss(consumer.receiver, reason))
        return effects

    def dismiss_watching(self, pattern: str, name: str, reason: Exception, now: Moment) -> list[Effect]:
        """A group by pattern is about to go: so do the consumers that joined by that pattern."""
        effects: list[Effect] = []
        for consumer in [one for one in self._watching if (one.pattern, one.group) == (pattern, name)]:
            self.leave(consumer, now)
            effects.append(Dismiss(consumer.receiver, reason))
        return effects

    # ---- what they say

    def acknowledge(self, consumer: Consumer, codes: Sequence[str], now: Moment) -> list[str]:
        """These are done. Gives the codes that were ignored."""
        ignored: list[str] = []
        for (topic, group, member), theirs in consumer.by_place(codes, ignored):
            held = len(member.held)
            done, unknown = group.acknowledge(member, theirs)
            ignored += unknown
            if held - len(member.held) < len(theirs) - len(unknown):
                self._renewed(group)  # some of it others held
            self._settling.settled((topic, group), done, now)
            self._again(consumer, (topic, group))
        acked = len(codes) - len(ignored)
        consumer.acked += acked
        self._tally.acked += acked
        self._tally.ignored_acks += len(ignored)
        return consumer.in_order(codes, ignored)

    def reject(
        self, consumer: Consumer, codes: Sequence[str], wait: float | None, reason: str, now: Moment
    ) -> list[str]:
        """These were not done: `wait` seconds, None: as the terms say. Gives the codes that it does not hold."""
        ignored: list[str] = []
        for (topic, group, member), theirs in consumer.by_place(codes, ignored):
            lost, unknown = group.reject(member, theirs, now, wait, reason)
            ignored += unknown
            self._settling.took_back((topic, group), lost, now)
            self._dealer.watch(group)
            self._again(consumer, (topic, group))
        self._tally.nacked += len(codes) - len(ignored)
        return consumer.in_order(codes, ignored)

    def touch(self, consumer: Consumer, codes: Sequence[str], now: Moment) -> list[str]:
        """It is still at work on these. Gives the codes that it does not hold."""
        ignored: list[str] = []
        for (_, group, member), theirs in consumer.by_place(codes, ignored):
            ignored += group.touch(member, theirs, now)
            self._dealer.watch(group)
        return consumer.in_order(codes, ignored)

    def flow(self, consumer: Consumer, *, flowing: bool) -> None:
        """A consumer's transport takes bytes, or takes no more."""
        if flowing != consumer.flowing:
            consumer.flowing = flowing
            self._rated(consumer)

    def allow(self, consumer: Consumer, credit: int) -> None:
        """A consumer may hold so many messages. See Engine.credit."""
        consumer.allow(credit)
        self._rated(consumer)

    # ---- what becomes of messages

    def timed_out(self, place: Place, now: Moment) -> None:
        """Take back what members of a group have held too long."""
        group = place[1]
        self._settling.took_back(place, group.expire(now), now)
        self._renewed(group)

    # ---- inside

    def _begins(self, topic: Topic, name: str) -> bool:
        """Whether a group of that name would be made, and would not begin with everything."""
        return name not in topic.groups and bool(topic.groups) and topic.keeps

    def _make_pattern(self, pattern: str, name: str, config: GroupConfig) -> None:
        if len(self._catalog.patterns) >= MOST_PATTERNS:
            raise TooMany(f"group: this node has {MOST_PATTERNS} groups by pattern, which is as many as it may have")
        self._catalog.set_pattern(pattern, name, config)

    def _arrived(self, topic: Topic) -> None:
        """A topic was made: those who wait for its kind join."""
        for consumer in self._watching:
            if matches(consumer.pattern, topic.name):
                self._join(consumer, topic, self.group(topic, consumer.group, "all", None))

    def _join(self, consumer: Consumer, topic: Topic, group: Group) -> None:
        self._retention.spare(topic, group)
        self._places += 1
        group.join(consumer.enter(topic, group))
        self._dealer.stir((topic, group))

    def _leave(self, consumer: Consumer, topic: Topic, group: Group, now: Moment) -> None:
        member = consumer.quit(group)
        self._places -= 1
        if not group.durable and len(group.members) == 1:  # it ends with its last member
            group.dismiss()
            group.gone = True
            self._dealer.forget(group)
            self._catalog.drop_group(topic, group)
            return
        self._settling.took_back((topic, group), group.leave(member, now), now)
        if not group.members and self._rules.paged:
            group.position.let_go()
        self._dealer.watch(group)
        self._dealer.stir((topic, group))

    def _again(self, consumer: Consumer, place: Place) -> None:
        """A consumer may have credit again: first those have a turn who found it without."""
        if consumer.open:
            self._rated(consumer)
        self._dealer.stir(place)

    def _renewed(self, group: Group) -> None:
        """Members of a group may have got credit back that they can use elsewhere."""
        for member in group.members:
            if member.consumer.open and len(member.consumer.places) > 1:
                self._rated(member.consumer)

    def _rated(self, consumer: Consumer) -> None:
        """What a consumer may be dealt has changed."""
        if not consumer.open:
            if len(consumer.places) == 1:  # those with more are found out when their turn comes
                ((group, (_, member)),) = consumer.places.items()
                group.rate(member)
            return
        for group, member in list(consumer.starved.items()):
            group.rate(member)
            self._dealer.stir((consumer.places[group][0], group))
