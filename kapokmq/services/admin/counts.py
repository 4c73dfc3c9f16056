"""What happened, hour by hour."""

from kapokmq.core.query import HourCounts
from kapokmq.services.admin.desk import Desk

HOUR = 3_600_000  # milliseconds


class CountDesk(Desk):
    """What Admin has of counts."""

    async def hours(self, topic: str | None, start: int, end: int) -> list[HourCounts]:
        """See Admin."""
        found = None if topic is None else self.found(topic)
        if topic is not None and found is None:
            return []
        await self.parts.settled()
        return await self.parts.store.hours(None if found is None else found.number, start // HOUR, end // HOUR)
