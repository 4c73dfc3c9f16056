"""Groups, and groups by pattern: seen, made, changed, purged and deleted."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from kapokmq.core.admin import GroupInfo, MemberInfo, PatternInfo
from kapokmq.core.consuming import MOST_MATCHES
from kapokmq.core.errors import NotKept, TooMany
from kapokmq.core.group import Group
from kapokmq.core.member import Consumer
from kapokmq.core.overview import effective_config, group_info, member_infos
from kapokmq.core.pattern import is_pattern, matches
from kapokmq.core.policy import GroupConfig
from kapokmq.core.topic import Topic
from kapokmq.services.admin.desk import Desk
from kapokmq.services.slices import Slices


class GroupDesk(Desk):
    """What Admin has of groups."""

    async def groups(
        self, topics: Collection[str] | None = None, behind: tuple[str, str] = ("", ""), limit: int | None = None
    ) -> list[GroupInfo]:
        """See Admin."""
        by_name = self.parts.broker.catalog.by_name
        slices = self._slices()
        found: list[GroupInfo] = []
        for name in sorted(by_name if topics is None else topics):
            topic = by_name.get(name)
            if topic is None:
                continue
            for each in sorted(topic.groups):
                if (name, each) <= behind:
                    continue
                if slices.over:
                    await slices.rest()
                info = await self._info(topic, each, slices)
                if info is not None:  # it may have gone meanwhile
                    found.append(info)
                if len(found) == limit:
                    return found
            if slices.over:
                await slices.rest()
        return found

    async def group(self, topic: str, name: str) -> GroupInfo | None:
        """See Admin."""
        found = self.parts.broker.catalog.by_name.get(topic)
        return None if found is None else await self._info(found, name, self._slices())

    def config(self, topic: str, name: str) -> GroupConfig | None:
        """See Admin."""
        found = self._with_topic(topic, name)
        return None if found is None else found[1].config

    def effective(self, topic: str, name: str) -> GroupConfig | None:
        """See Admin."""
        found = self._with_topic(topic, name)
        return None if found is None else effective_config(*found, self.parts.broker.rules)

    def _with_topic(self, topic: str, name: str) -> tuple[Topic, Group] | None:
        """A group, and the topic that it is of."""
        found = self.parts.broker.catalog.by_name.get(topic)
        group = None if found is None else found.groups.get(name)
        return None if found is None or group is None else (found, group)

    async def _info(self, topic: Topic, name: str, slices: Slices) -> GroupInfo | None:
        delayed = await slices.delayed(topic) if topic.delayed else ()
        group = topic.groups.get(name)
        return None if group is None else group_info(topic, group, self.parts.broker.rules, delayed)

    def _slices(self) -> Slices:
        return Slices(self.parts.clock, self.parts.broker.schedule)

    def patterns(self) -> list[PatternInfo]:
        """See Admin."""
        found = self.parts.broker.catalog.patterns
        return [
            PatternInfo(pattern, name, config)
            for (pattern, name), config in sorted(found.items(), key=lambda item: item[0])
        ]

    def members(
        self, topic: str | None = None, group: str | None = None, first: int = 0, limit: int | None = None
    ) -> list[MemberInfo]:
        """See Admin."""
        return member_infos(islice(islice(self._consumers(topic, group), first, None), limit))

    async def create_group(self, topic: str, name: str, start: str | int, config: GroupConfig) -> bool:
        """See Admin."""
        consuming = self.parts.broker.consuming
        consuming.check(topic, name)
        starts = await self.starts(self._lacking(topic, name), start)
        lacking = self._lacking(topic, name)  # some may have come, or gone, while the store was asked
        if not (consuming.make_pattern(topic, name, config) if is_pattern(topic) else lacking):
            return False
        for each in lacking:
            consuming.group(each, name, start, starts.get(each), config)
        await self.done()
        return True

    async def set_config(self, topic: str, name: str, config: GroupConfig) -> bool:
        """See Admin."""
        broker = self.parts.broker
        if is_pattern(topic):
            if (topic, name) not in broker.catalog.patterns:
                return False
            broker.catalog.set_pattern(topic, name, config)
        found = self._with_group(topic, name)
        for each in found:
            broker.steering.set_config(each, each.groups[name], config)
        await self.done(broker.dealer.deal(self.parts.now()))
        return bool(found) or is_pattern(topic)

    async def purge_group(self, topic: str, name: str) -> int | None:
        """See Admin."""
        found = self._with_group(topic, name)
        count = 0
        for each in found:
            purged, effects = self.parts.broker.steering.purge_group(each, each.groups[name])
            self.parts.run(effects)
            count += purged
        await self.done()
        return count if found else None

    async def delete_group(self, topic: str, name: str) -> bool:
        """See Admin."""
        broker, now = self.parts.broker, self.parts.now()
        if is_pattern(topic):
            if (topic, name) not in broker.catalog.patterns:
                return False
            self.parts.run(broker.steering.delete_pattern(topic, name, now))
        found = self._with_group(topic, name)
        for each in found:
            self.parts.run(broker.steering.delete_group(each, each.groups[name], now))
        await self.done()
        return bool(found) or is_pattern(topic)

    async def starts(self, topics: Sequence[Topic], start: str | int) -> dict[Topic, int]:
        """The offsets in these topics at which a group begins that begins at a time (wall ms). Raises TooMany."""
        found: dict[Topic, int] = {}
        if isinstance(start, str) or not topics:
            return found
        if len(topics) > MOST_MATCHES:
            raise TooMany(f"topic: {len(topics)} topics match; a group may begin at a time in {MOST_MATCHES}")
        await self.parts.settled()
        for topic in topics:
            stored = topic.committed  # what comes while the store is asked is due to the group
            offset = await self.parts.store.since(topic.number, start)
            found[topic] = stored if offset is None else offset
        return found

    def _consumers(self, topic: str | None, group: str | None) -> Iterator[Consumer]:
        """Those of a topic and of a group, or of all."""
        consumers = self.parts.broker.consuming.consumers
        found = self.parts.broker.catalog.by_name.get(topic or "")
        if found is not None and group is not None:  # few of many, as a rule
            place = found.groups.get(group)
            return iter([] if place is None else [member.consumer for member in place.members])
        number = -1 if found is None else found.number
        return (
            one
            for one in consumers
            if (group is None or one.group == group) and (topic is None or number in one.topics or one.pattern == topic)
        )

    def _lacking(self, topic: str, name: str) -> list[Topic]:
        """The topics meant by a name or a pattern that have no group of that name. Raises Deleting, NotKept."""
        catalog = self.parts.broker.catalog
        if is_pattern(topic):
            return [each for each in catalog.matching(topic) if name not in each.groups]
        only = catalog.topic(topic)
        if name in only.groups:
            return []
        if not only.keeps:
            raise NotKept(f"topic {topic!r} keeps no messages, so its groups last as long as their members")
        return [only]

    def _with_group(self, topic: str, name: str) -> list[Topic]:
        """The topics meant by a name or a pattern that have a group of that name."""
        topics = self.parts.broker.catalog.by_name
        if not is_pattern(topic):
            topics = {each: topics[each] for each in [topic] if each in topics}
        return [
            found
            for each, found in topics.items()
            if not found.deleting and name in found.groups and (each == topic or matches(topic, each))
        ]
