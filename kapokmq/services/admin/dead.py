"""Dead letters: browsed, sent again at a bounded rate, purged."""

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.task import deferLater

from kapokmq.core.admin import DeadDone, DeadFilter, DeadInfo, DeadInfoPage, Verdict
from kapokmq.core.group import Group
from kapokmq.core.message import OFFSET_MASK, Status
from kapokmq.core.query import DeadPage, DeadQuery, Stored
from kapokmq.core.topic import Topic
from kapokmq.services.admin.desk import Desk


class _Place(NamedTuple):
    topic: Topic
    group: Group


class DeadDesk(Desk):
    """What Admin has of dead letters. `rate` is how many a second are sent again, all callers together."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = 0.0  # steady seconds

    async def dead_letters(self, wanted: DeadFilter, limit: int) -> DeadInfoPage | None:
        """See Admin."""
        place = self._place(wanted.topic, wanted.group)
        if place is None:
            return None
        page = await self._page(place, wanted, limit)
        shown = self.parts.questions.shown
        found = [
            DeadInfo(
                shown(Stored(letter.message, Status.DEAD, 0)), wanted.group, letter.at, letter.tries, letter.reason
            )
            for letter in page.found
        ]
        return DeadInfoPage(found, page.next)

    async def send_again(self, wanted: DeadFilter, limit: int, who: str) -> DeadDone | None:
        """See Admin."""
        return await self._settle(wanted, limit, who, again=True)

    async def purge_dead(self, wanted: DeadFilter, limit: int, who: str) -> DeadDone | None:
        """See Admin."""
        return await self._settle(wanted, limit, who, again=False)

    async def send_one_again(self, code: str, group: str, who: str) -> Verdict:
        """See Admin."""
        return await self._settle_one(code, group, who, again=True)

    async def purge_one_dead(self, code: str, group: str, who: str) -> Verdict:
        """See Admin."""
        return await self._settle_one(code, group, who, again=False)

    # ---- inside

    async def _settle(self, wanted: DeadFilter, limit: int, who: str, *, again: bool) -> DeadDone | None:
        place = self._place(wanted.topic, wanted.group)
        if place is None:
            return None
        page = await self._page(place, wanted, limit)
        if again:
            await self._in_turn(len(page.found))
        count = self._do(place, [letter.message.id & OFFSET_MASK for letter in page.found], who, again=again)
        await self.done(self.parts.broker.dealer.deal(self.parts.now()))
        return DeadDone(count, page.next)

    async def _settle_one(self, code: str, group: str, who: str, *, again: bool) -> Verdict:
        stored = await self.parts.questions.stored(code)
        topic = None if stored is None else self.parts.broker.steering.topic_of(stored.message)
        if stored is None or topic is None or group not in topic.groups:
            return Verdict.UNKNOWN
        place = _Place(topic, topic.groups[group])
        if again:
            await self._in_turn(1)
        count = self._do(place, [stored.message.id & OFFSET_MASK], who, again=again)
        await self.done(self.parts.broker.dealer.deal(self.parts.now()))
        return Verdict.DONE if count else Verdict.TOO_LATE

    def _do(self, place: _Place, offsets: Sequence[int], who: str, *, again: bool) -> int:
        if place.group.gone:
            return 0
        steering, now = self.parts.broker.steering, self.parts.now()
        if again:
            return steering.revive(place.topic, place.group, offsets, who, now)
        return steering.purge_dead(place.topic, place.group, offsets, who, now)

    async def _page(self, place: _Place, wanted: DeadFilter, limit: int) -> DeadPage:
        await self.parts.settled()
        query = DeadQuery(
            topic=place.topic.number,
            group=place.group.number,
            first=wanted.first,
            reason=wanted.reason,
            text=wanted.text,
            before=wanted.before,
            limit=limit,
        )
        return await self.parts.store.dead(query)

    async def _in_turn(self, count: int) -> None:
        """Wait until so many may be sent again."""
        now = self.parts.now().steady
        begin = max(now, self._free_at)
        self._free_at = begin + count / self._rate
        if begin > now:
            await deferLater(self.parts.clock, begin - now)

    def _place(self, topic: str, name: str) -> _Place | None:
        found = self.found(topic)
        group = None if found is None else found.groups.get(name)
        return None if found is None or group is None else _Place(found, group)
