"""What KapokMQ raises on purpose: whose fault, which close code or status, and what to do."""

from serena.core.errors import MisuseError, PeerError, TooBig, WorldError, WrongKey

# `name` is what v2 and the API call it (`code` there); docs/protocol.md has the table.

__all__ = [
    "BadEncoding",
    "BadMessage",
    "BadName",
    "Deleting",
    "Draining",
    "Full",
    "Gone",
    "MisuseError",
    "NotDurable",
    "NotKept",
    "Paused",
    "PeerError",
    "Reused",
    "StoreRefused",
    "StoreUnavailable",
    "TooBig",
    "TooMany",
    "TooOld",
    "TopicFull",
    "Unsupported",
    "WorldError",
    "WrongKey",
]


class BadEncoding(PeerError):
    """Bytes that are not what they should be: not UTF-8, not JSON, the wrong types."""

    name = "badEncoding"
    close_code = 1007


class BadMessage(PeerError):
    """Well-formed, and still nothing we carry: a delay beyond the range, for instance."""

    name = "badMessage"
    close_code = 1008


class BadName(PeerError):
    """A topic or an id that is empty, too long or has control characters."""

    name = "badName"
    close_code = 1008


class Full(WorldError):
    """The broker holds as much as it may. Nothing was stored; try again in `retry_after` seconds."""

    name = "full"
    close_code = 1013
    status = 503
    retry_after = 1.0


class StoreUnavailable(WorldError):
    """The disk refuses what we write (full, I/O error). Nothing was stored; try again in `retry_after` seconds."""

    name = "unavailable"
    close_code = 1013
    status = 503
    retry_after = 1.0


class StoreRefused(WorldError):
    """The store can't be opened, and was left as it was. The text names the file and the remedy."""


class Draining(WorldError):
    """This node stops and takes no more. Go to another, or come again in `retry_after` seconds."""

    name = "draining"
    close_code = 1012
    status = 503
    retry_after = 5.0


class TopicFull(WorldError):
    """The topic holds as much as its policy allows. Nothing was stored; try again in `retry_after` seconds."""

    name = "topicFull"
    close_code = 1013
    status = 503
    retry_after = 1.0


class Paused(WorldError):
    """The topic takes no messages until somebody resumes it. Nothing was stored."""

    name = "paused"
    close_code = 1013
    status = 503
    retry_after = 5.0


class Deleting(WorldError):
    """The topic is being deleted: its name is free again when that is done."""

    name = "deleting"
    close_code = 1013
    status = 409
    retry_after = 1.0


class Gone(WorldError):
    """What was subscribed to was deleted."""

    name = "gone"
    close_code = 1001
    status = 410


class NotDurable(PeerError):
    """The node keeps nothing on disk (isPersistent: 0), so it can't promise that it does."""

    name = "notDurable"
    status = 409


class NotKept(PeerError):
    """The topic keeps no messages (retention: none): no delays, no keys, and groups end with their members."""

    name = "notKept"
    status = 409


class Reused(PeerError):
    """The number of this publish call was used in its session for another one."""

    name = "reused"
    status = 409


class TooOld(PeerError):
    """The number of this publish call is lower than what is remembered of its session: it may be stored already."""

    name = "tooOld"
    status = 409


class TooMany(PeerError):
    """More than the node takes: subscriptions, matching topics, messages in a batch."""

    name = "tooMany"
    status = 400


class Unsupported(PeerError):
    """This node is set up so that it can't do that."""

    name = "unsupported"
    status = 409
