"""What KapokMQ raises on purpose: whose fault, which close code or status, and what to do."""

from serena.core.errors import MisuseError, PeerError, WorldError

__all__ = [
    "BadEncoding",
    "BadMessage",
    "BadName",
    "Full",
    "MisuseError",
    "PeerError",
    "StoreRefused",
    "StoreUnavailable",
    "TooBig",
    "WorldError",
    "WrongKey",
]


class BadEncoding(PeerError):
    """Bytes that are not what they should be: not UTF-8, not JSON, the wrong types."""

    close_code = 1007


class BadMessage(PeerError):
    """Well-formed, and still nothing we carry: a delay beyond the range, for instance."""

    close_code = 1008


class BadName(PeerError):
    """A topic or an id that is empty, too long or has control characters."""

    close_code = 1008


class TooBig(PeerError):
    """More bytes than the settings allow."""

    close_code = 1009
    status = 413


class WrongKey(PeerError):
    """The key does not match."""

    close_code = 1008
    status = 401


class Full(WorldError):
    """The broker holds as much as it may. Nothing was stored; try again in `retry_after` seconds."""

    close_code = 1013
    status = 503
    retry_after = 1.0


class StoreUnavailable(WorldError):
    """The disk refuses what we write (full, I/O error). Nothing was stored; try again in `retry_after` seconds."""

    close_code = 1013
    status = 503
    retry_after = 1.0


class StoreRefused(WorldError):
    """The store can't be opened, and was left as it was. The text names the file and the remedy."""
