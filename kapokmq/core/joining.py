"""Consumers that join more groups than is good for one go: the rest of them comes in slices, turn by turn."""

from collections import deque
from collections.abc import Iterable

from kapokmq.core.member import Consumer
from kapokmq.core.topic import Topic

AT_ONCE = 500  # topics that a consumer joins in one slice


class Joining:
    """Who is to join what. True while anybody is."""

    def __init__(self) -> None:
        self._waiting: dict[Consumer, deque[Topic]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def begin(self, consumer: Consumer, topics: Iterable[Topic]) -> None:
        """A consumer is to join the groups of these topics."""
        self._waiting[consumer] = deque(topics)

    def drop(self, consumer: Consumer) -> None:
        """A consumer went, wherever it has got to."""
        self._waiting.pop(consumer, None)

    def slice(self) -> list[tuple[Consumer, Topic]]:
        """The next ones, of the consumer that has waited longest."""
        for consumer, topics in self._waiting.items():
            taken = [(consumer, topics.popleft()) for _ in range(min(AT_ONCE, len(topics)))]
            if not topics:
                del self._waiting[consumer]
            return taken
        return []
