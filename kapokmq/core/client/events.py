"""What a client session tells the face that drives it."""

from typing import NamedTuple

from kapokmq.core.client.errors import ClientError, Refused
from kapokmq.core.client.message import Receipt


class Connected(NamedTuple):
    """The broker has welcomed us."""

    node: str


class Confirmed(NamedTuple):
    """A publish is stored. Each publish is confirmed or denied, once."""

    number: int
    receipt: Receipt


class Denied(NamedTuple):
    """A publish is not stored, or `tooOld`: may be."""

    number: int
    error: Refused


class Joined(NamedTuple):
    """A subscription is there, for the first time or again."""

    sub: int


class Arrived(NamedTuple):
    """There are messages for a subscription."""

    sub: int


class Ended(NamedTuple):
    """A subscription is over: `error` says why, None if it was wanted."""

    sub: int
    error: Refused | None


class Draining(NamedTuple):
    """The node stops. Publishes wait for the next."""

    reason: str


class Complaint(NamedTuple):
    """The broker didn't like something that nobody waits for."""

    error: Refused


class Failed(NamedTuple):
    """The broker won't have us: it makes no sense to come again."""

    error: ClientError


Event = Connected | Confirmed | Denied | Joined | Arrived | Ended | Draining | Complaint | Failed
