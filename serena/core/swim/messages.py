"""What members say to each other. Bytes come in and go out in `wire`; here they are values.

Names, addresses and metadata are bytes, exactly as they came: memberlist compares them byte by byte and checks no
encoding, so text that was read and written again might name another node.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple


class State(IntEnum):
    """What a member is held to be, as push/pull numbers it."""

    ALIVE = 0
    SUSPECT = 1
    DEAD = 2
    LEFT = 3


class Address(NamedTuple):
    """Where a member listens. `host` has 4 or 16 bytes, compared as bytes: the same IPv4 in 16 is another address."""

    host: bytes
    port: int


class Source(NamedTuple):
    """Who asks, for whoever answers: where to, and by which name. Older nodes leave it out."""

    address: Address
    name: bytes


class Ping(NamedTuple):
    """Are you there? `node` is who is meant."""

    seq: int
    node: bytes
    source: Source | None = None


class IndirectPing(NamedTuple):
    """Ask that node for me; with `nack`, say so if it does not answer."""

    seq: int
    node: bytes
    target: Address
    nack: bool
    source: Source | None = None


class Ack(NamedTuple):
    """I am there. The payload is opaque."""

    seq: int
    payload: bytes | None = None


class Nack(NamedTuple):
    """The node that you had me ask does not answer."""

    seq: int


class Suspect(NamedTuple):
    """`sender` has no answer from the node at that incarnation."""

    node: bytes
    incarnation: int
    sender: bytes


class Dead(NamedTuple):
    """`sender` holds the node dead; where it is the node itself, it leaves."""

    node: bytes
    incarnation: int
    sender: bytes


class Alive(NamedTuple):
    """The node lives there, with that metadata and those versions: protocol min, max, current; delegate the same."""

    node: bytes
    incarnation: int
    address: Address
    meta: bytes | None
    versions: bytes


class UserMessage(NamedTuple):
    """Something of the program above; opaque."""

    data: bytes


class Err(NamedTuple):
    """The answer to a stream that could not be read."""

    text: str


class Entry(NamedTuple):
    """A member in a push/pull."""

    name: bytes
    incarnation: int
    address: Address
    state: int
    meta: bytes | None
    versions: bytes


class PushPull(NamedTuple):
    """All that a node knows, in exchange for the same."""

    join: bool
    entries: Sequence[Entry]
    user: bytes = b""


Message = Ping | IndirectPing | Ack | Nack | Suspect | Dead | Alive | UserMessage
"""What comes in datagrams."""
Exchange = Ping | Ack | PushPull | UserMessage | Err
"""What comes in streams."""
