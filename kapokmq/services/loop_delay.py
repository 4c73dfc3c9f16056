"""How late the reactor is: what everybody else waits for while one turn takes long."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

EVERY = 0.02  # seconds: a pause of this length is always seen, a shorter one mostly


class LoopDelay:
    """To be called every `EVERY` seconds: tells `observe` by how many seconds that was late."""

    def __init__(self, clock: IReactorTime, observe: Callable[[float], None]) -> None:
        self._clock = clock
        self._observe = observe
        self._due: float | None = None

    def look(self) -> None:
        """The call has come."""
        now = self._clock.seconds()
        if self._due is not None:
            self._observe(max(0.0, now - self._due))
        self._due = now + EVERY
