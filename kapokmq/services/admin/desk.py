"""What all parts of the administration stand on."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from kapokmq.core.broker import Broker
from kapokmq.core.effects import Effect
from kapokmq.core.moment import Moment
from kapokmq.core.topic import Topic
from kapokmq.services.questions import Questions
from kapokmq.storage.store import Store


class Backstage(NamedTuple):
    """The parts of an engine that is open. `run` carries out effects, `settled` waits for what changed so far."""

    broker: Broker
    store: Store
    questions: Questions
    clock: IReactorTime
    now: Callable[[], Moment]
    run: Callable[[Sequence[Effect]], None]
    settled: Callable[[], "Deferred[None]"]


class Desk:
    """A part of the administration. `open` must have been called before anything else."""

    parts: Backstage

    def open(self, parts: Backstage) -> None:
        """The engine is open."""
        self.parts = parts

    def found(self, name: str) -> Topic | None:
        """The topic of that name, unless it is on its way out."""
        topic = self.parts.broker.catalog.by_name.get(name)
        return None if topic is None or topic.deleting else topic

    async def done(self, effects: Sequence[Effect] = ()) -> None:
        """Carry these out, and wait until all that changed is stored as the node promises. Raises StoreUnavailable."""
        self.parts.run(effects)
        await self.parts.questions.committed()
