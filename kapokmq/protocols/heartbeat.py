"""Finding out that a peer is gone although its socket does not say so."""

from collections.abc import Callable
from math import ceil

from twisted.internet.interfaces import IDelayedCall, IReactorTime

PING_AFTER = 30.0  # seconds of silence
PONG_WITHIN = 20.0  # seconds after that
_SLOT = 0.1  # seconds: what is due within one is done in the same turn, with one wake-up, and so are the answers


class Heartbeat:
    """Pings after a silence, and tells when that stays unanswered. Any bytes are an answer.

    It stands still while it is paused, because who isn't read can't be heard. There is one timer a connection, and
    hearing from the peer doesn't touch it.
    """

    def __init__(self, clock: IReactorTime, *, ping: Callable[[], None], unanswered: Callable[[], None]) -> None:
        self._clock = clock
        self._ping = ping
        self._unanswered = unanswered
        self._heard_at = 0.0
        self._asked = False
        self._timer: IDelayedCall | None = None

    def start(self) -> None:
        """Begin, or go on after a pause, as if the peer had been heard just now."""
        self.stop()
        self.heard()
        self._look_after(PING_AFTER)

    def stop(self) -> None:
        """Stand still."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def heard(self) -> None:
        """Bytes came."""
        self._heard_at = self._clock.seconds()
        self._asked = False

    def _look(self) -> None:
        self._timer = None
        left = self._heard_at + PING_AFTER - self._clock.seconds()
        if self._asked:
            self.start()  # for an owner who bears the silence; one who doesn't stops us
            self._unanswered()
        elif left > 0:
            self._look_after(left)
        else:
            self._asked = True
            self._look_after(PONG_WITHIN)
            self._ping()

    def _look_after(self, seconds: float) -> None:
        now = self._clock.seconds()
        self._timer = self._clock.callLater(ceil((now + seconds) / _SLOT) * _SLOT - now, self._look)
