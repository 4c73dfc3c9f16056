"""What may be asked of the embedded engine: it waits until what went before is committed, then asks the store."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred

from kapokmq.core.broker import Broker
from kapokmq.core.engine import Engine
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.message import Drafts, Found, Message, Status, parse_code, topic_of
from kapokmq.core.moment import Moment
from kapokmq.core.peers import Receipt
from kapokmq.core.publishing import FSYNC, MEMORY
from kapokmq.core.query import MessageQuery, Remnant, Stored
from kapokmq.core.sessions import REMEMBERED, PublishSession
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

    async def send(self, engine: Engine, topic: str, drafts: Drafts, *, durable: bool) -> Receipt:
        """See Engine."""
        sender = _Sender()
        engine.attach(sender)
        try:
            engine.publish(sender, topic, drafts, durable=durable)
            return await sender.done
        finally:
            engine.detach(sender)

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
        return [self.shown(stored) for stored in await self._store.search(query)]

    async def find(self, code: str) -> Found | None:
        """See Engine."""
        stored = await self.stored(code)
        return None if stored is None else self.shown(stored)

    async def delete(self, code: str) -> bool:
        """See Engine."""
        retention = self._broker.retention
        retention.look_up()
        stored = None
        try:
            stored = await self.stored(code)
        finally:
            done = bool(retention.delete([] if stored is None else [remnant_of(stored.message)], self._now()))
        await self.committed()
        return done

    async def session(self, name: str) -> PublishSession:
        """A session as the store remembers it, to be closed."""
        codes = self._broker.codes
        durable = MEMORY if self._broker.rules.durable == MEMORY else FSYNC  # whatever is stored has been committed
        calls: list[tuple[int, Receipt, int]] = []
        for number, first, epoch, count, crc, theirs in await self._store.sent(name, REMEMBERED):
            duplicates = {index: codes.code(other, its) for index, other, its in theirs} or None
            calls.append((number, Receipt(None, first, count, codes.prefix(epoch), durable, duplicates), crc))
        return self._broker.publishing.sessions.loaded(name, calls)

    async def committed(self) -> None:
        """See Engine."""
        await self._settled()
        if self._broker.failure is not None:
            raise StoreUnavailable(str(self._broker.failure))

    async def stored(self, code: str) -> Stored | None:
        """A message as the store has it, by code. Raises StoreUnavailable where that is not known."""
        parts = parse_code(code)
        if parts is None or parts.store_id != self._broker.store_id:
            return None
        await self._settled()
        stored = await self._store.find(parts.id, self._now().wall)
        # An id may be given again after a crash (isPersistent: 1), a code is not.
        if stored is not None and stored.message.epoch == parts.epoch:
            return stored
        if self._broker.rules.eager and self._broker.failure is not None:
            raise StoreUnavailable(str(self._broker.failure))  # it may be one that was confirmed and is not stored yet
        return None

    def shown_delayed(self, message: Message) -> Found:
        """A message that is not due yet, as others see it."""
        return self.shown(Stored(message, Status.DELAYED, 0))

    def shown(self, stored: Stored) -> Found:
        """The same, as others see it."""
        message = stored.message
        topic = self._broker.catalog.by_number.get(topic_of(message.id))
        return Found(
            code=self._broker.codes.of([message])[0],
            topic=topic.name if topic is not None else "",  # deleted while it was read
            data=message.data,
            created=message.created,
            consumed=stored.consumed,
            delay=message.delay,
            status=stored.status,
            due=message.due,
            expire=message.expire,
            key=message.key,
            headers=message.headers,
        )


def remnant_of(message: Message) -> Remnant:
    """What is to be known of a message in order to remove it."""
    return Remnant(message.id, message.due, message.size)
