"""What has happened in a pool, for whoever listens."""

from typing import NamedTuple

from serena.core.swim.members import Member
from serena.core.swim.messages import Address


class Joined(NamedTuple):
    """A member is there, for the first time or again."""

    member: Member


class Updated(NamedTuple):
    """A member's metadata changed."""

    member: Member


class Suspected(NamedTuple):
    """A member does not answer. It is one still."""

    member: Member


class Recovered(NamedTuple):
    """A suspected member has shown that it lives."""

    member: Member


class Failed(NamedTuple):
    """A member is held dead."""

    member: Member


class Left(NamedTuple):
    """A member has said that it goes."""

    member: Member


class Forgotten(NamedTuple):
    """A member that failed or left is no longer known."""

    member: Member


class Conflict(NamedTuple):
    """Somebody at `other` has the name of a member that we know at another address. It is ignored."""

    member: Member
    other: Address


class Incompatible(NamedTuple):
    """A node speaks versions that don't fit ours, and is not let in."""

    name: bytes
    address: Address
    versions: bytes


class Contacted(NamedTuple):
    """How an attempt to join by that address ended. `reason` says why it failed, for people to read."""

    address: Address
    ok: bool
    reason: str = ""


class UserData(NamedTuple):
    """Something of the program above came in, from that address."""

    data: bytes
    source: Address


Event = (
    Joined
    | Updated
    | Suspected
    | Recovered
    | Failed
    | Left
    | Forgotten
    | Conflict
    | Incompatible
    | Contacted
    | UserData
)
