"""What happened hour by hour, in memory: a month of it."""

from collections.abc import Iterable, Sequence

from kapokmq.core.commit import Duplicate, HourRow
from kapokmq.core.message import topic_of
from kapokmq.core.query import HourCounts

KEPT = 31 * 24  # hours
_MILLISECONDS = 3_600_000


class Hours:
    """Counts by topic and hour (since 1970)."""

    def __init__(self) -> None:
        self._counts: dict[int, dict[int, list[int]]] = {}

    def add(self, rows: Iterable[HourRow]) -> None:
        """Add to what is there; what is older than a month goes."""
        for topic, hour, *counts in rows:
            hours = self._counts.setdefault(topic, {})
            if hour not in hours:
                for old in [one for one in hours if one <= hour - KEPT]:
                    del hours[old]
            there = hours.get(hour)
            hours[hour] = counts if there is None else [one + more for one, more in zip(there, counts, strict=True)]

    def leave_out(self, rows: Sequence[HourRow], duplicates: Iterable[Duplicate]) -> None:
        """Of what these rows have counted as published, some turned out to be there already."""
        for one in duplicates:
            topic = topic_of(one.id)
            hour = max((row.hour for row in rows if row.topic == topic and row.published), default=None)
            if hour is not None:
                self._counts[topic][hour][0] -= 1

    def within(self, topics: Iterable[int], first: int, last: int) -> list[HourCounts]:
        """The sums of these topics, hour by hour."""
        sums: dict[int, list[int]] = {}
        for topic in topics:
            for hour, counts in self._counts.get(topic, {}).items():
                if first <= hour <= last:
                    sums[hour] = [
                        one + more for one, more in zip(sums.get(hour, [0] * len(counts)), counts, strict=True)
                    ]
        return [HourCounts(hour * _MILLISECONDS, *sums[hour]) for hour in sorted(sums)]

    def drop(self, topic: int) -> None:
        """A topic is gone."""
        self._counts.pop(topic, None)
