"""Who is in the pool, as the faces of a registry see it."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any, NamedTuple, Protocol

import msgspec

from serena.core.node_meta import read_meta
from serena.core.node_name import parse_node_name
from serena.core.swim.messages import Address, State

ALIVE = (State.ALIVE, State.SUSPECT)  # who is suspected has not been given up
_STATES = {state: state.name.lower() for state in State}


class Member(Protocol):
    """One member. `since` is when it got its state, in seconds of the steady clock; `rtt` in seconds."""

    @property
    def name(self) -> bytes:
        """What it is called."""
        ...

    @property
    def address(self) -> Address:
        """Where it gossips."""
        ...

    @property
    def state(self) -> State:
        """What it is held to be."""
        ...

    @property
    def incarnation(self) -> int:
        """How often it has begun anew."""
        ...

    @property
    def meta(self) -> bytes | None:
        """What it says of itself."""
        ...

    @property
    def since(self) -> float:
        """When it got its state."""
        ...

    @property
    def rtt(self) -> float | None:
        """How long an answer takes, as far as that is known."""
        ...


class Change(NamedTuple):
    """What has become of a member: "join", "update", "fail", "leave" or, when it is no longer known, "forget"."""

    kind: str
    member: Member


class Membership(Protocol):
    """The pool as it is now, and its changes."""

    def members(self) -> Iterable[Member]:
        """All that are known, this node included, also the dead and those that have left, for a while."""
        ...

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Have each change told. Gives what ends that."""
        ...


class PoolMember(msgspec.Struct, forbid_unknown_fields=True):
    """A member. `kind` is "mq", "r" or null, `rtt` in seconds, `since` in unix seconds.

    `meta` is an object where it is of our making, else its bytes in base64; null where there is none.
    """

    name: str
    kind: str | None
    address: str
    port: int
    state: str
    incarnation: int
    meta: Any
    rtt: float | None
    since: float


def view(member: Member, unix: Callable[[float], float]) -> PoolMember:
    """Show a member. `unix` makes unix seconds of steady ones."""
    name = parse_node_name(member.name)
    meta: Any = read_meta(member.meta)
    if meta is None and member.meta:
        meta = b64encode(member.meta).decode()
    return PoolMember(
        name=member.name.decode("utf-8", "backslashreplace"),
        kind=name and name.kind,
        address=shown_host(member.address.host),
        port=member.address.port,
        state=_STATES[member.state],
        incarnation=member.incarnation,
        meta=meta,
        rtt=None if member.rtt is None else round(member.rtt, 6),
        since=round(unix(member.since), 3),
    )


def shown_host(host: bytes) -> str:
    """An address of 4 or 16 bytes in its usual spelling."""
    return str(ip_address(host))
