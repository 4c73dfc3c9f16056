"""What the store in memory remembers of publish calls: keys, and sessions."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from kapokmq.core.commit import Duplicate, ForgottenRow, KeyRow, SentRow
from kapokmq.storage.store import Remembered

KEYS = 500_000  # all together, about 120 MB; beyond that the oldest of the oldest window are forgotten


class MemoryKeys:
    """Keys by topic and window, and what stands for each: (id, epoch)."""

    def __init__(self) -> None:
        self._windows: dict[tuple[int, int], OrderedDict[str, tuple[int, int]]] = {}
        self._count = 0

    def duplicates(self, rows: Iterable[KeyRow]) -> list[Duplicate]:
        """Which messages repeat a key; changes nothing."""
        found: list[Duplicate] = []
        here: dict[tuple[int, str], tuple[int, int]] = {}
        for topic, bucket, key, message_id, epoch in sorted(rows, key=_id):
            original = here.get((topic, key))
            for number in (bucket, bucket - 1):
                window = self._windows.get((topic, number))
                if original is None and window is not None:
                    original = window.get(key)
            if original is None:
                here[topic, key] = (message_id, epoch)
            else:
                here[topic, key] = original
                found.append(Duplicate(message_id, *original))
        return found

    def remember(self, rows: Iterable[KeyRow]) -> None:
        """These keys are those of messages that are stored now."""
        for topic, bucket, key, message_id, epoch in rows:
            window = self._windows.setdefault((topic, bucket), OrderedDict())
            self._count += key not in window
            window[key] = (message_id, epoch)
        while self._count > KEYS:
            self._forget(min(self._windows, key=lambda window: window[1]), self._count - KEYS)

    def tidy(self, buckets: Sequence[tuple[int, int]], limit: int) -> int:
        """See Store.tidy."""
        live = {(topic, number) for topic, bucket in buckets for number in (bucket, bucket - 1)}
        topics = {topic for topic, _ in buckets}
        taken = 0
        for window in [window for window in self._windows if window[0] in topics and window not in live]:
            taken += self._forget(window, limit - taken)
        return taken

    def drop(self, topic: int) -> None:
        """A topic is gone."""
        for window in [window for window in self._windows if window[0] == topic]:
            self._forget(window, len(self._windows[window]))

    def _forget(self, window: tuple[int, int], count: int) -> int:
        keys = self._windows[window]
        count = min(count, len(keys))
        for _ in range(count):
            keys.popitem(last=False)
        self._count -= count
        if not keys:
            del self._windows[window]
        return count


class MemorySessions:
    """The publish calls that can be told apart, by session and number."""

    def __init__(self) -> None:
        self._calls: dict[str, dict[int, Remembered]] = {}
        self._last: dict[str, int] = {}  # when that was, by session

    def remember(self, rows: Iterable[SentRow], duplicates: Sequence[Duplicate]) -> None:
        """Calls, and which of their messages were not stored."""
        by_id = {one.id: one for one in duplicates}
        for session, publish, first, epoch, count, at, crc in rows:
            ids = by_id.keys() & range(first, first + count) if by_id else ()
            repeats = [(one.id - first, one.original, one.epoch) for one in map(by_id.__getitem__, sorted(ids))]
            self._calls.setdefault(session, {})[publish] = Remembered(publish, first, epoch, count, crc, repeats)
            self._last[session] = max(at, self._last.get(session, at))

    def forget(self, rows: Iterable[ForgottenRow]) -> None:
        """Calls up to a number need not be remembered any more."""
        for session, publish in rows:
            calls = self._calls.get(session, {})
            for number in [number for number in calls if number <= publish]:
                del calls[number]

    def sent(self, session: str, limit: int) -> list[Remembered]:
        """See Store.sent."""
        calls = self._calls.get(session, {})
        return [calls[number] for number in sorted(calls)[max(len(calls) - limit, 0) :]]

    def tidy(self, before: int, limit: int) -> int:
        """See Store.tidy."""
        taken = 0
        for session in [session for session, last in self._last.items() if last < before]:
            if taken >= limit:
                break
            taken += 1 + len(self._calls.pop(session))
            del self._last[session]
        return taken


def _id(row: KeyRow) -> int:
    return row.id
