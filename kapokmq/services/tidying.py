"""Forgetting what need not be remembered: keys whose window is over, sessions that ended long ago."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kapokmq.core.broker import Broker
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.moment import Moment
from kapokmq.storage.store import Store

AT_ONCE = 2_000  # rows
TOPICS_AT_ONCE = 200  # whose old keys are looked for in one go


class Tidying:
    """Has the store forget, a slice at a time, from the check loop on."""

    _log = Logger()

    def __init__(self, broker: Broker, store: Store, now: Callable[[], Moment]) -> None:
        self._broker = broker
        self._store = store
        self._now = now
        self._busy = False
        self._looked = 0  # the number of the last topic that was looked at

    def look(self) -> None:
        """Go on, unless that is under way."""
        if not self._busy:
            self._busy = True
            Deferred.fromCoroutine(self._tidy()).addBoth(self._over)

    async def _tidy(self) -> None:
        rules, wall = self._broker.rules, self._now().wall
        topics = self._broker.catalog.by_number
        numbers = [number for number in sorted(topics) if number > self._looked][:TOPICS_AT_ONCE]
        self._looked = numbers[-1] if len(numbers) == TOPICS_AT_ONCE else 0
        buckets: list[tuple[int, int]] = []
        for number in numbers:
            window = topics[number].effective.dedup_window
            bucket = wall // max(1, int((rules.dedup_window if window is None else window) * 1000))
            buckets.append((number, max(bucket, topics[number].bucket)))
        before = wall - int(rules.dedup_window * 1000)
        while await self._store.tidy(before, buckets, AT_ONCE) >= AT_ONCE:
            """There is more."""

    def _over(self, result: Failure | None) -> None:
        self._busy = False
        # A disk that fails is said elsewhere, and this is tried again with the next check.
        if isinstance(result, Failure) and result.check(StoreUnavailable) is None:
            self._log.failure("old keys can't be forgotten: this is a bug", result)
