"""How many messages are where: totals that queries and metrics read, hours that the store keeps."""

from kapokmq.core.engine import Figures
from kapokmq.core.ledger import Ledger
from kapokmq.core.moment import Moment
from kapokmq.core.topic import Topic


class Tally:
    """Counts batches. `stored`, `consumed`, `delayed`, `bytes` are so now, over all topics; the others totals."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.stored = 0
        self.consumed = 0
        self.delayed = 0
        self.bytes = 0
        self.acked = 0
        self.ignored_acks = 0
        self.nacked = 0
        self.dead = 0
        self.duplicates = 0
        self._published = 0
        self._delivered = 0
        self._retried = 0
        self._expired = 0

    @property
    def waiting(self) -> int:
        """Messages due and not consumed, in flight or not."""
        return self.stored - self.consumed - self.delayed

    def found(self, topic: Topic) -> None:
        """A topic was recovered."""
        self.stored += topic.stored
        self.consumed += topic.consumed
        self.delayed += topic.delayed
        self.bytes += topic.bytes

    def resized(self, topic: Topic, by: int) -> None:
        """A topic's messages take so many bytes more."""
        self.bytes += by
        topic.bytes += by

    def published(self, topic: Topic, count: int, delayed: int) -> None:
        """Messages are stored, some of them delayed."""
        self._published += count
        self.stored += count
        topic.stored += count
        self.delayed += delayed
        topic.delayed += delayed

    def passed(self, count: int) -> None:
        """Messages went to whoever is connected, and are stored nowhere."""
        self._published += count

    def fell_due(self, topic: Topic, count: int = 1) -> None:
        """Delayed messages are delayed no more."""
        self.delayed -= count
        topic.delayed -= count

    def delivered(self, topic: Topic, count: int, now: Moment) -> None:
        """Messages were dealt, counted once a member."""
        self._delivered += count
        self._ledger.count(topic, now.wall, "delivered", count)

    def retried(self, topic: Topic, count: int, now: Moment) -> None:
        """Leases ended badly."""
        self._retried += count
        self._ledger.count(topic, now.wall, "retried", count)

    def settled(self, topic: Topic, count: int, now: Moment) -> None:
        """Messages are consumed."""
        self.consumed += count
        topic.consumed += count
        self._ledger.count(topic, now.wall, "consumed", count)

    def removed(self, topic: Topic, count: int, consumed: int, now: Moment, *, by_age: bool) -> None:
        """Messages are deleted, some of them consumed."""
        self.stored -= count
        topic.stored -= count
        self.consumed -= consumed
        topic.consumed -= consumed
        if consumed:
            self._ledger.count(topic, now.wall, "cleaned", consumed)
        if count > consumed:
            self._ledger.count(topic, now.wall, "expired" if by_age else "deleted", count - consumed)
            self._expired += count - consumed if by_age else 0

    def forget(self, topic: Topic) -> None:
        """A topic is gone."""
        self.stored -= topic.stored
        self.consumed -= topic.consumed
        self.delayed -= topic.delayed
        self.bytes -= topic.bytes

    def figures(self, in_flight: int, memory: int, topics: int, groups: int) -> Figures:
        """For metrics."""
        return Figures(
            published=self._published,
            delivered=self._delivered,
            acked=self.acked,
            retried=self._retried,
            expired=self._expired,
            ignored_acks=self.ignored_acks,
            waiting=self.waiting,
            in_flight=in_flight,
            delayed=self.delayed,
            memory=memory,
            topics=topics,
            nacked=self.nacked,
            dead=self.dead,
            duplicates=self.duplicates,
            groups=groups,
        )
