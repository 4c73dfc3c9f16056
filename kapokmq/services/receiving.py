"""The embedded engine's face to whoever consumes."""

from collections.abc import Callable, Sequence

from kapokmq.core.broker import Broker
from kapokmq.core.effects import Effect
from kapokmq.core.engine import Subscription, Wish
from kapokmq.core.errors import Draining, MisuseError
from kapokmq.core.member import Consumer
from kapokmq.core.moment import Moment
from kapokmq.core.peers import Receiver
from kapokmq.services.admin import Administration


class Receiving:
    """What Engine has for receivers. `run` carries out effects."""

    broker: Broker
    admin: Administration
    frozen: bool
    run: Callable[[Sequence[Effect]], None]

    def now(self) -> Moment:
        """Both clocks."""
        raise NotImplementedError

    def joined(self, effects: Sequence[Effect]) -> None:
        """Somebody became a member."""
        raise NotImplementedError

    def subscribe(self, receiver: Receiver, topic: str, credit: int | None) -> Subscription:
        """See Engine."""
        consumer, effects = self.broker.subscribe(receiver, topic, credit, self.now())
        self.joined(effects)
        return consumer

    async def join(self, receiver: Receiver, pattern: str, wish: Wish) -> Consumer:
        """See Engine."""
        self._check_draining()
        consuming = self.broker.consuming
        consuming.check(pattern, wish.group)
        starts = await self.admin.starts(consuming.seeks(pattern, wish), wish.start)
        self._check_draining()
        consumer, effects = self.broker.join(receiver, pattern, wish, starts, self.now())
        self.joined(effects)
        return consumer

    def _check_draining(self) -> None:
        if self.frozen or self.broker.draining:
            raise Draining("this node stops: go to another one")

    def unsubscribe(self, subscription: Subscription) -> None:
        """See Engine."""
        if not self.frozen:
            self.run(self.broker.unsubscribe(_consumer(subscription), self.now()))

    def credit(self, subscription: Subscription, credit: int) -> None:
        """See Engine."""
        self.run(self.broker.credit(_consumer(subscription), credit, self.now()))

    def ack(self, subscription: Subscription, codes: Sequence[str]) -> list[str]:
        """See Engine."""
        ignored, effects = self.broker.ack(_consumer(subscription), codes, self.now())
        self.run(effects)
        return ignored

    def nack(self, subscription: Subscription, codes: Sequence[str], delay_ms: int | None, reason: str) -> list[str]:
        """See Engine."""
        wait = None if delay_ms is None else delay_ms / 1000
        ignored, effects = self.broker.nack(_consumer(subscription), codes, wait, reason, self.now())
        self.run(effects)
        return ignored

    def touch(self, subscription: Subscription, codes: Sequence[str]) -> list[str]:
        """See Engine."""
        ignored = self.broker.touch(_consumer(subscription), codes, self.now())
        self.run(())
        return ignored

    def stall(self, subscription: Subscription) -> None:
        """See Engine."""
        self.run(self.broker.flow(_consumer(subscription), flowing=False, now=self.now()))

    def drained(self, subscription: Subscription) -> None:
        """See Engine."""
        self.run(self.broker.flow(_consumer(subscription), flowing=True, now=self.now()))


def _consumer(subscription: Subscription) -> Consumer:
    if not isinstance(subscription, Consumer):
        raise MisuseError("a subscription of another engine")
    return subscription
