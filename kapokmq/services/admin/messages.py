"""Messages: searched for, looked at from their beginning to their end, deleted; those not yet due moved."""

from collections import Counter
from collections.abc import Sequence

from twisted.internet.task import deferLater

from kapokmq.core.admin import FoundPage, Verdict
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.life import life_of
from kapokmq.core.lives import Life
from kapokmq.core.message import Found, Message, Status, parse_code
from kapokmq.core.query import ANSWER_BYTES, DueQuery, Mark, Search
from kapokmq.core.rules import PAGE_BYTES
from kapokmq.services.admin.desk import Desk
from kapokmq.services.questions import remnant_of
from kapokmq.storage.store import Due

AT_ONCE = 1_000  # messages that are read and deleted in one go
LOOK = 5_000  # delayed messages that are counted in one go: some milliseconds


class MessageDesk(Desk):
    """What Admin has of messages and of the schedule."""

    async def look(  # noqa: PLR0913 -- all by name
        self,
        *,
        topic: str | None,
        status: int | None,
        start: int,
        end: int,
        text: str | None,
        key: str | None,
        header: tuple[str, str | None] | None,
        after: Mark | None,
        limit: int,
    ) -> FoundPage:
        """See Admin."""
        found = None if topic is None else self.found(topic)
        if topic is not None and found is None:
            return FoundPage([], None)
        await self.parts.settled()
        search = Search(
            now=self.parts.now().wall,
            start=start,
            end=end,
            topic=None if found is None else found.number,
            status=None if status is None else Status(status),
            text=text,
            key=key,
            header=header,
            after=after,
            limit=limit,
        )
        page = await self.parts.store.inspect(search)
        return FoundPage([self.parts.questions.shown(stored) for stored in page.found], page.next)

    async def life(self, code: str) -> Life | None:
        """See Admin."""
        stored = await self.parts.questions.stored(code)
        if stored is None:
            return None
        trace = await self.parts.store.trace(stored.message.id)
        return life_of(self.parts.broker, stored, self.parts.questions.shown(stored), trace, self.parts.now())

    async def bulk(self, codes: Sequence[str]) -> int:
        """See Admin."""
        ours = self.parts.broker.store_id
        named = {(found.id, found.epoch) for found in map(parse_code, codes) if found and found.store_id == ours}
        wanted = sorted(named)
        count = 0
        await self.parts.settled()
        for begin in range(0, len(wanted), AT_ONCE):
            count += await self._delete(wanted[begin : begin + AT_ONCE])
        await self.done()
        return count

    async def _delete(self, wanted: Sequence[tuple[int, int]]) -> int:
        """Delete those of the messages (id, epoch; ascending) that there are. Gives how many."""
        retention = self.parts.broker.retention
        retention.look_up()
        try:
            found = await self._stored(wanted)
        except BaseException:
            retention.looked()
            raise
        return retention.delete([remnant_of(message) for message in found], self.parts.now())

    async def _stored(self, wanted: Sequence[tuple[int, int]]) -> list[Message]:
        """Those of the messages that the store has. Raises StoreUnavailable where that is not known of one."""
        broker, ids = self.parts.broker, sorted({message_id for message_id, _ in wanted})
        found: list[Message] = []
        while ids:
            page = await self.parts.store.fetch(ids, PAGE_BYTES)
            found += page.messages
            ids = [message_id for message_id in ids if message_id >= page.next]
        these = {*wanted}  # an id may be given again after a crash (isPersistent: 1), a code is not
        found = [message for message in found if (message.id, message.epoch) in these]
        if len(found) < len(wanted) and broker.rules.eager and broker.failure is not None:
            raise StoreUnavailable(str(broker.failure))  # it may be confirmed, and not stored yet
        return found

    # ---- the schedule

    async def scheduled(self, topic: str | None, after: tuple[int, int] | None, limit: int) -> list[Found]:
        """See Admin."""
        found = None if topic is None else self.found(topic)
        if topic is not None and found is None:
            return []
        await self.parts.settled()
        number, wall = None if found is None else found.number, self.parts.now().wall
        place = Due(wall, -1) if after is None else Due(*after)
        messages = await self.parts.store.delayed(number, wall, place, limit, ANSWER_BYTES)
        return [self.parts.questions.shown_delayed(message) for message in messages]

    async def due_counts(self, topic: str | None, start: int, end: int, step: int) -> list[tuple[int, int]]:
        """See Admin. Counts in slices, between which others take their turn."""
        found = None if topic is None else self.found(topic)
        if topic is not None and found is None:
            return []
        await self.parts.settled()
        counts: Counter[int] = Counter()
        number = None if found is None else found.number
        begin: tuple[int, int] | None = (max(start, self.parts.now().wall + 1), 0)
        while begin is not None:
            page = await self.parts.store.due_counts(DueQuery(number, start, step, begin, end, LOOK))
            for place, count in page.counts:
                counts[place] += count
            begin = page.next
            await deferLater(self.parts.clock, 0)
        return [(start + place * step, count) for place, count in sorted(counts.items())]

    async def cancel(self, code: str) -> Verdict:
        """See Admin."""
        parts = self.parts
        parts.broker.retention.look_up()
        verdict = Verdict.UNKNOWN
        stored = None
        try:
            stored = await parts.questions.stored(code)
        finally:
            if stored is None:
                parts.broker.retention.delete([], parts.now())
            else:
                verdict = parts.broker.steering.cancel(stored.message, remnant_of(stored.message), parts.now())
        await self.done()
        return verdict

    async def reschedule(self, code: str, due: int) -> Verdict:
        """See Admin."""
        broker = self.parts.broker
        broker.retention.look_up()
        try:
            stored = await self.parts.questions.stored(code)
            verdict = Verdict.UNKNOWN if stored is None else broker.steering.reschedule(stored.message, due)
        finally:
            broker.retention.looked()
        await self.done()
        return verdict
