"""What those who poll were given and have not settled, and until when it may be held at most."""

from collections.abc import Iterable


class Holding:
    """Codes, and when each is given back at the latest, in seconds of a clock."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._last = 0.0

    @property
    def last(self) -> float | None:
        """When all of them are given back at the latest, None where there are none."""
        return self._last if self._until else None

    def add(self, codes: Iterable[str], until: float) -> None:
        """Hold these until then: also those that are held already."""
        self._last = max(until, self._last) if self._until else until
        for code in codes:
            self._until.pop(code, None)  # so that it comes last
            self._until[code] = until

    def discard(self, codes: Iterable[str]) -> None:
        """Hold these no more, if they are held."""
        for code in codes:
            self._until.pop(code, None)

    def discard_before(self, now: float) -> None:
        """Forget, oldest first, those whose leases ran out long ago: nobody tells of them."""
        while self._until:
            code, until = next(iter(self._until.items()))
            if until > now:
                return
            del self._until[code]
