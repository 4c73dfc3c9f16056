"""What a client raises. What a broker refuses has the code that it gave (docs/protocol-v2.md, Errors)."""


class ClientError(Exception):
    """Everything that KapokMQ's clients raise on purpose, except for arguments that make no sense (ValueError)."""


class Closed(ClientError):
    """The client was closed before this was done. What was sent and not confirmed may be stored all the same."""


class Unreachable(ClientError):
    """No broker answered in the time given. The text has the last reason."""


class Untrusted(ClientError):
    """The broker's certificate is not what our authorities vouch for."""


class Refused(ClientError):
    """The broker said no, and carried out nothing of it.

    `code` is the broker's, `index` the message at fault in a publish, `retry_after` how many seconds later trying
    again makes sense; None where it didn't say.
    """

    def __init__(self, code: str, message: str, *, index: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.index = index
        self.retry_after = retry_after


class WrongKey(Refused):
    """The broker has another key."""


class TryLater(Refused):
    """The broker can't take it now: it is full or out of disk, or the topic is full, paused or being deleted."""


class Gone(Refused):
    """The subscription is over: its group or topic was deleted."""


_KINDS: dict[str, type[Refused]] = {
    "unauthorized": WrongKey,
    "gone": Gone,
    "full": TryLater,
    "unavailable": TryLater,
    "topicFull": TryLater,
    "paused": TryLater,
    "deleting": TryLater,
    "draining": TryLater,
}


def refused(code: str, message: str, index: int | None = None, retry_after: float | None = None) -> Refused:
    """What to raise for an error of the broker."""
    return _KINDS.get(code, Refused)(code, message, index=index, retry_after=retry_after)
