"""A rig whose store may answer late, with what it had when it was asked. It tells a World what the broker does."""

from copy import copy

from kapokmq.core.effects import Confirm, Deliver, Dismiss, Effect, Refuse
from kapokmq.core.engine import Wish
from kapokmq.core.policy import GroupConfig
from kapokmq.core.publishing import Call
from kapokmq.core.query import Remnant
from kapokmq.core.rules import Rules
from tests.core.delivery.world import World
from tests.core.naive_store import NaiveStore
from tests.core.rig import Rig
from tests.core.scripted import Consumer, Producer


class Speaker(Producer):
    """A publisher that tells the world what it hears. References are lists of texts."""

    def __init__(self, world: World, *, positional: bool) -> None:
        super().__init__(positional=positional)
        self.world = world
        self.handles = {}  # open sessions by name

    def confirmed(self, receipts):
        for receipt in receipts:
            self.world.confirmed(receipt.reference, receipt)

    def refused(self, receipts, reason):
        for receipt in receipts:
            self.world.refused(receipt.reference)


class LateRig(Rig):
    """`late` is a list while answers are kept back: (effect, the messages that the store had)."""

    def __init__(self, rules: Rules, world: World) -> None:
        self.world = world
        self.late: list[tuple[Effect, dict]] | None = None
        self.removals = []
        super().__init__(rules)
        apply = self.store.apply

        def applied(commit):
            outcome = apply(commit)
            world.applied(commit, self.store)
            return outcome

        self.store.apply = applied

    def start(self) -> None:
        self.late = None
        self.removals = []
        super().start()
        remove = self.broker.ledger.remove

        def removed(topic, rows):
            rows = list(rows)
            self.removals += rows
            remove(topic, rows)

        self.broker.ledger.remove = removed

    def crash(self) -> None:
        self.start()

    def _carry_out(self, effect: Effect) -> list[Effect]:
        if isinstance(effect, Deliver):
            self._tell(effect)
        if isinstance(effect, (Confirm, Refuse, Deliver, Dismiss)):
            return super()._carry_out(effect)
        seen = {message_id: copy(message) for message_id, message in self.store.messages.items()}
        if self.late is not None:
            self.late.append((effect, seen))
            return []
        return self._answer(effect, seen)

    def _tell(self, effect: Deliver) -> None:
        delivery = effect.delivery
        attempts = delivery.attempts or [1] * len(delivery.codes)
        for member in effect.members:
            reader = member.consumer.receiver.reader
            for code, message, attempt in zip(delivery.codes, delivery.messages, attempts, strict=True):
                self.world.delivered(reader, delivery.topic, code, message, attempt)

    def _answer(self, effect: Effect, seen: dict) -> list[Effect]:
        store = self.store
        self.store = NaiveStore()
        self.store.messages = seen
        try:
            return super()._carry_out(effect)
        finally:
            self.store = store

    def answer_late(self, number: int | None) -> None:
        """Answer one read that was kept back, or (None) all, and all later ones at once."""
        if number is None:
            late, self.late = self.late or [], None
        else:
            late = [self.late.pop(number)]
        for effect, seen in late:
            self.run(self._answer(effect, seen))

    def enter(self, reader, credit: int | None, wish: Wish | None) -> None:
        """Somebody connects: to the default group as classic consumers do, or as wished."""
        consumer = reader.consumer = Consumer(reader.pattern, credit)
        consumer.reader = reader
        if wish is None:
            consumer.consumer, effects = self.broker.subscribe(consumer, reader.pattern, credit, self.now)
        else:
            seeks = self.broker.consuming.seeks(reader.pattern, wish)
            starts = {topic: self.since(topic, wish.start) for topic in seeks}
            consumer.consumer, effects = self.broker.join(consumer, reader.pattern, wish, starts, self.now)
        self.consumers.append(consumer)
        self.run(effects)
        self.flow(consumer, flowing=True)

    def call(self, speaker: Speaker, topic: str, drafts, texts, call: Call) -> None:
        self.run(self.broker.publish(speaker, topic, drafts, texts, self.now, call))

    # ---- what operators do, as services/admin does it

    def look_up(self, body: str) -> Remnant:
        """Somebody asks for a message in order to delete it."""
        self.broker.retention.look_up()
        message = self.stored(body)
        return Remnant(message.id, message.due, message.size)

    def group(self, topic: str, name: str):
        found = self.broker.catalog.by_name[topic]
        return found, found.groups[name]

    def pause(self, topic: str, name: str, *, paused: bool) -> None:
        self.broker.steering.set_config(*self.group(topic, name), GroupConfig(paused=paused))
        self.run(self.broker.dealer.deal(self.now))

    def revive(self, topic: str, name: str, offsets, *, again: bool) -> int:
        steering = self.broker.steering
        do = steering.revive if again else steering.purge_dead
        count = do(*self.group(topic, name), offsets, "somebody", self.now)
        self.run(self.broker.dealer.deal(self.now))
        return count
