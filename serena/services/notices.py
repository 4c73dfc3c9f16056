"""What operators should know of a pool: somebody has another's name, or speaks other versions. Each is logged once."""

from twisted.logger import Logger

from serena.core.swim.events import Conflict, Event, Incompatible
from serena.transports.addresses import unpacked

MOST = 1_000  # are remembered; then all may be told again


class Notices:
    """Hears events, and logs those that somebody should look at."""

    _log = Logger()

    def __init__(self) -> None:
        self._told: set[tuple[object, ...]] = set()

    def heard(self, event: Event) -> None:
        """Look at an event."""
        if isinstance(event, Conflict):
            other = f"{unpacked(event.other.host)} port {event.other.port}"
            known = f"{unpacked(event.member.address.host)} port {event.member.address.port}"
            if self._is_news(event.member.name, other):
                text = "{name} is at {known}; somebody at {other} has the same name, and is ignored"
                self._log.warn(text, name=_shown(event.member.name), known=known, other=other)
        elif isinstance(event, Incompatible) and self._is_news(event.name, event.versions):
            text = "{name} at {host} speaks versions {versions}, which do not fit ours, and is not let in"
            host = unpacked(event.address.host)
            self._log.warn(text, name=_shown(event.name), host=host, versions=list(event.versions))

    def _is_news(self, *what: object) -> bool:
        if what in self._told:
            return False
        if len(self._told) >= MOST:
            self._told.clear()
        self._told.add(what)
        return True


def _shown(name: bytes) -> str:
    return ascii(name.decode("utf-8", "backslashreplace"))
