"""How long a client waits before it dials again: full jitter, so that a thousand of them don't come at once."""

from collections.abc import Callable

_MOST_DOUBLINGS = 30


class Backoff:
    """Each failure in a row doubles the longest wait, from `first` up to `longest` seconds; the wait is any below it.

    `chance` gives numbers from 0 to 1.
    """

    def __init__(self, chance: Callable[[], float], *, first: float = 0.1, longest: float = 10.0) -> None:
        self._chance = chance
        self._first = first
        self._longest = longest
        self._failures = 0

    def failed(self) -> float:
        """Seconds until the next try."""
        ceiling = min(self._longest, self._first * 2.0**self._failures)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return self._chance() * ceiling

    def worked(self) -> None:
        """Begin anew."""
        self._failures = 0
