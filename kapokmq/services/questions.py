"""What may be asked of the embedded engine: it waits until what went before is committed, then asks the store."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred

from kapokmq.core.broker import Broker
from kapokmq.core.engine import Engine, Receipt
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.message import Draft, Found, Status, make_prefix, parse_code, topic_of
from kapokmq.core.moment import Moment
from kapokmq.core.query import MessageQuery, Stored
from kapokmq.storage.store import Store


class _Sender:
    """The publisher of one batch, who waits for it."""

    positional = False

    def __init__(self) -> None:
        self.done: Deferred[Receipt] = Deferred()

    def confirmed(self, receipts: Sequence[Receipt]) -> None:
        self.done.callback(receipts[0])

    def refused(self, receipts: Sequence[Receipt], reason: Exception) -> None:
        self.done.errback(reason)

    def pause(self) -> None:
        """Nothing to pause: it sends once."""

    def resume(self) -> None:
        """Nothing to resume."""


class Questions:
    """Answers that take a while. `settled` gives a Deferred that fires when all that changed so far is committed."""

    def __init__(
        self, broker: Broker, store: Store, now: Callable[[], Moment], settled: Callable[[], Deferred[None]]
    ) -> None:
        self._broker = broker
        self._store = store
        self._now = now
        self._settled = settled

    async def send(self, engine: Engine, topic: str, drafts: Sequence[Draft]) -> list[str]:
        """See Engine."""
        sender = _Sender()
        engine.attach(sender)
        try:
            engine.publish(sender, topic, drafts)
            receipt = await sender.done
        finally:
            engine.detach(sender)
        prefix = make_prefix(self._broker.store_id, self._broker.epoch)
        return [f"{prefix}{message_id:016x}" for message_id in range(receipt.first, receipt.first + receipt.count)]

    async def search(
        self,
        *,
        start: int,
        end: int,
        topic: str | None,
        status: Status | None,
        with_data: bool,
        limit: int,
        offset: int,
    ) -> list[Found]:
        """See Engine."""
        found = self._broker.catalog.by_name.get(topic) if topic is not None else None
        if topic is not None and found is None:
            return []
        await self._settled()
        query = MessageQuery(
            now=self._now().wall,
            start=start,
            end=end,
            topic=found.number if found is not None else None,
            status=status,
            with_data=with_data,
            limit=limit,
            offset=offset,
        )
        return [self._shown(stored) for stored in await self._store.search(query)]

    async def find(self, code: str) -> Found | None:
        """See Engine."""
        stored = await self._stored(code)
        return None if stored is None else self._shown(stored)

    async def delete(self, code: str) -> bool:
        """See Engine."""
        retention = self._broker.retention
        retention.look_up()
        stored = None
        try:
            stored = await self._stored(code)
        finally:
            done = retention.delete(None if stored is None else stored.message, self._now())
        await self._settled()
        if done and self._broker.failure is not None:
            raise StoreUnavailable(str(self._broker.failure))
        return done

    async def _stored(self, code: str) -> Stored | None:
        parts = parse_code(code)
        if parts is None or parts.store_id != self._broker.store_id:
            return None
        await self._settled()
        stored = await self._store.find(parts.id, self._now().wall)
        # An id may be given again after a crash (isPersistent: 1), a code is not.
        return stored if stored is not None and stored.message.epoch == parts.epoch else None

    def _shown(self, stored: Stored) -> Found:
        message = stored.message
        return Found(
            code=self._broker.codes.of([message])[0],
            topic=self._broker.catalog.by_number[topic_of(message.id)].name,
            data=message.data,
            created=message.created,
            consumed=stored.consumed,
            delay=message.delay,
            status=stored.status,
        )
