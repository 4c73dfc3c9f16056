"""How a connection ends: in steps, whoever wants it to and for whatever reason.

    OPEN       frames are read
    SETTLING   nothing is read any more; what the peer is still due is written
    ENDING     our close frame is written, then the sending half is closed; what still comes is read and dropped,
               because a socket that is closed with unread bytes resets, and the peer would never see the close frame
    GONE       the peer closed its half, or has been cut off

SETTLING and ENDING are bounded in time.
"""

from collections.abc import Callable
from enum import Enum

from twisted.internet.interfaces import IDelayedCall, IReactorTime

SETTLE_WITHIN = 40.0  # seconds; the engine gives up on a publish after 30
LINGER = 5.0  # seconds that the peer has for its half of the end

_REGISTERED = frozenset({*range(1000, 1004), *range(1007, 1015)})
_PRIVATE = range(3000, 5000)


class Phase(Enum):
    """How far a connection's end has come."""

    OPEN = 0
    SETTLING = 1
    ENDING = 2
    GONE = 3


class Ending:
    """One connection's end.

    `settled` tells whether the peer has got all that it is due, `goodbye` writes the close frame and closes the sending
    half, `cut` drops the connection.
    """

    def __init__(
        self,
        clock: IReactorTime,
        *,
        settled: Callable[[], bool],
        goodbye: Callable[[], None],
        cut: Callable[[], None],
    ) -> None:
        self.phase = Phase.OPEN
        self._clock = clock
        self._settled = settled
        self._goodbye = goodbye
        self._cut = cut
        self._timer: IDelayedCall | None = None

    def begin(self) -> None:
        """Go from OPEN to SETTLING, and on if nothing is left to be written."""
        self.phase = Phase.SETTLING
        self._timer = self._clock.callLater(SETTLE_WITHIN, self._end)
        self.settle()

    def settle(self) -> None:
        """Go on with the end, if one was begun and nothing is left to be written."""
        if self.phase is Phase.SETTLING and self._settled():
            self._end()

    def gone(self) -> Phase:
        """The connection is gone. Gives how far its end had come."""
        before, self.phase = self.phase, Phase.GONE
        self._stop_timer()
        return before

    def _end(self) -> None:
        self._stop_timer()
        self._goodbye()
        self.phase = Phase.ENDING
        self._timer = self._clock.callLater(LINGER, self._cut)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None


def may_be_sent(code: int) -> bool:
    """Whether an end may send this close code (RFC 6455, 7.4.2, and IANA's register)."""
    return code in _REGISTERED or code in _PRIVATE
