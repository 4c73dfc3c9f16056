"""How long a client goes on dialling where there is no broker. The clock is handed in."""

from kapokmq.core.client.errors import ClientError


class Endurance:
    """`tries` is of dials before there ever was a connection, `absence` of seconds later on; None is any number."""

    def __init__(self, tries: int | None, absence: float | None) -> None:
        self._tries = tries
        self._absence = absence
        self._dials = 0
        self._was_there = False
        self._since: float | None = None

    def there(self) -> None:
        """The broker has welcomed us."""
        self._was_there = True
        self._since = None

    def failed(self) -> bool:
        """A dial failed. Whether it was the last."""
        self._dials += 1
        return self._dials == self._tries and not self._was_there

    def away(self, wait: float, now: float) -> float | None:
        """There is no connection: how long to wait until the next dial, None where there should be none."""
        if self._absence is None or not self._was_there:
            return wait
        if self._since is None:
            self._since = now
        left = self._since + self._absence - now
        return min(wait, left) if left > 0 else None


def caused(error: ClientError, cause: Exception) -> ClientError:
    """The error, knowing why."""
    error.__cause__ = cause
    return error
