"""What becomes of messages that nobody holds any more: groups are done with them, or have lost an attempt."""

from kapokmq.core.dealer import Place
from kapokmq.core.ledger import Ledger
from kapokmq.core.lost import Lost
from kapokmq.core.moment import Moment
from kapokmq.core.retention import Retention
from kapokmq.core.tally import Tally


class Settling:
    """Writes it down in the ledger, and knows when a message is consumed by it."""

    def __init__(self, ledger: Ledger, tally: Tally, retention: Retention) -> None:
        self._ledger = ledger
        self._tally = tally
        self._retention = retention

    def took_back(self, place: Place, lost: Lost, now: Moment) -> None:
        """Leases ended badly."""
        topic, group = place
        self._ledger.lost(group, lost)
        self._tally.dead += len(lost.dead)
        if lost.leases:
            self._tally.retried(topic, lost.leases, now)
        self.settled(place, lost.done, now)

    def settled(self, place: Place, offsets: list[int], now: Moment) -> None:
        """A group is done with these: the store is to know, and perhaps they are consumed by that."""
        if not offsets:
            return
        topic, group = place
        runs = group.position.settle_all(offsets)
        if not group.durable:
            return
        self._ledger.acknowledge(group, runs)
        if len(topic.groups) > 1:
            self._ledger.acked_at(group.trail.rows(runs, now.wall))
        self._retention.consumed(topic, topic.consumed_by_all(group, runs), now)
