"""Finding out that a peer has begun something and does not end it."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

ENDED_WITHIN = 60.0  # seconds


class Patience:
    """Tells when something was begun and not ended in time.

    It stands still while it is paused, because who isn't read can't end anything. There is at most one timer a
    connection, none for who begins nothing, and beginning and ending don't touch it while it runs.
    """

    def __init__(self, clock: IReactorTime, lost: Callable[[], None]) -> None:
        self._clock = clock
        self._lost = lost
        self._begun: float | None = None
        self._paused: float | None = None
        self._timer: IDelayedCall | None = None

    def begun(self) -> None:
        """Something was begun, and all before it has ended."""
        self._begun = self._clock.seconds()
        if self._timer is None:
            self._look()

    @property
    def waiting(self) -> bool:
        """Whether something was begun."""
        return self._begun is not None

    def ended(self) -> None:
        """Nothing is left to be ended."""
        self._begun = None

    def pause(self) -> None:
        """Stand still."""
        self._paused = self._clock.seconds()
        self._stop_timer()

    def go_on(self) -> None:
        """Go on after a pause."""
        if self._paused is not None:
            if self._begun is not None:
                self._begun += self._clock.seconds() - self._paused
            self._paused = None
            self._look()

    def stop(self) -> None:
        """Be lost never more."""
        self._begun = None
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._begun is None or self._paused is not None:
            return
        left = self._begun + ENDED_WITHIN - self._clock.seconds()
        if left > 0:
            self._timer = self._clock.callLater(left, self._look)
        else:
            self._begun = None
            self._lost()
