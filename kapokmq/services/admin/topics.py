"""Topics: seen, made, changed, purged and deleted."""

from kapokmq.core.admin import TopicInfo
from kapokmq.core.overview import topic_info
from kapokmq.core.pattern import check_topic
from kapokmq.core.policy import TopicPolicy
from kapokmq.services.admin.desk import Desk


class TopicDesk(Desk):
    """What Admin has of topics."""

    def topic(self, name: str) -> TopicInfo | None:
        """See Admin."""
        found = self.found(name)
        return None if found is None else topic_info(found, self.parts.broker.rules)

    def topic_names(self) -> list[str]:
        """See Admin."""
        return sorted(name for name, topic in self.parts.broker.catalog.by_name.items() if not topic.deleting)

    def topic_infos(self) -> list[TopicInfo]:
        """See Admin."""
        topics = self.parts.broker.catalog.by_name
        return [topic_info(topic, self.parts.broker.rules) for _, topic in sorted(topics.items()) if not topic.deleting]

    async def create_topic(self, name: str, policy: TopicPolicy) -> bool:
        """See Admin."""
        catalog = self.parts.broker.catalog
        check_topic(name)
        if name in catalog.by_name:
            catalog.topic(name)  # which may be on its way out
            return False
        catalog.make_topic(name, policy)
        await self.done()
        return True

    async def set_policy(self, name: str, policy: TopicPolicy) -> bool:
        """See Admin."""
        topic = self.found(name)
        if topic is None:
            return False
        self.parts.broker.steering.set_policy(topic, policy)
        await self.done()
        return True

    async def purge_topic(self, name: str) -> int | None:
        """See Admin."""
        topic = self.found(name)
        if topic is None:
            return None
        count, effects = self.parts.broker.steering.purge_topic(topic)
        await self.done(effects)
        return count

    async def delete_topic(self, name: str) -> bool:
        """See Admin."""
        topic = self.found(name)
        if topic is None:
            return False
        await self.done(self.parts.broker.steering.delete_topic(topic, self.parts.now()))
        return True
