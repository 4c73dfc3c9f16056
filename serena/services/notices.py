"""What operators should know of a pool: somebody has another's name, or speaks other versions. Each is logged once.

Strangers can make up as many names as they like, so there are no more than ten lines a minute, and then one that says
how many were left out.
"""

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from serena.core.swim.events import Conflict, Event, Incompatible
from serena.transports.addresses import unpacked

MOST = 1_000  # are remembered; then all may be told again
PER_MINUTE = 10
_MINUTE = 60.0  # seconds


class Notices:
    """Hears events, and logs those that somebody should look at."""

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._told: set[tuple[object, ...]] = set()
        self._lines = self._left_out = 0  # of this minute
        self._timer: IDelayedCall | None = None

    def heard(self, event: Event) -> None:
        """Look at an event."""
        if isinstance(event, Conflict):
            if self._is_told(event.member.name):
                other = f"{unpacked(event.other.host)} port {event.other.port}"
                known = f"{unpacked(event.member.address.host)} port {event.member.address.port}"
                text = "{name} is at {known}; somebody at {other} has the same name, and is ignored"
                self._log.warn(text, name=_shown(event.member.name), known=known, other=other)
        elif isinstance(event, Incompatible) and self._is_told(event.name, event.versions):
            text = "{name} at {host} speaks versions {versions}, which do not fit ours, and is not let in"
            host = unpacked(event.address.host)
            self._log.warn(text, name=_shown(event.name), host=host, versions=list(event.versions))

    def stop(self) -> None:
        """Say nothing any more of what was left out."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_told(self, *what: object) -> bool:
        """Whether it is news, and there is room for it. What is left out now is news the next time."""
        if what in self._told:
            return False
        if self._timer is None:
            self._timer = self._clock.callLater(_MINUTE, self._next_minute)
        if self._lines >= PER_MINUTE:
            self._left_out += 1
            return False
        self._lines += 1
        if len(self._told) >= MOST:
            self._told.clear()
        self._told.add(what)
        return True

    def _next_minute(self) -> None:
        self._timer = None
        left_out, self._lines, self._left_out = self._left_out, 0, 0
        if left_out:
            text = "{count} times more somebody had a name that is taken, or versions that do not fit"
            self._log.warn(text, count=left_out)


def _shown(name: bytes) -> str:
    return ascii(name.decode("utf-8", "backslashreplace"))
