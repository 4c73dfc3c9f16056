"""How a client of a cluster is set up, the same for all faces."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from kapokmq.client.options import Options, addresses, check_options, positive, session_of
from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.cluster.asking import Registries
from kapokmq.core.client.cluster.choice import strategy
from kapokmq.core.client.cluster.cluster import ClusterSession
from kapokmq.core.client.session import ClientSession

_LONGEST_NAME = 240  # characters, of 255 for a session


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions(Options):
    """As `Options`, with these besides. `bounds` are for all nodes together."""

    longest_wait: float = 2.0
    """Between tries: a node that is listed may be back at any moment."""
    nodes: Sequence[str] = ()
    """Instead of registries: the nodes' addresses, as `connect` takes them."""
    strategy: str = "random"
    """Who gets the next publish: "random", "round robin" or "least in flight"."""
    scheme: str = "ws"
    """How nodes are dialled that a registry tells of: "ws" or "wss"."""
    registry_key: str | None = field(default=None, repr=False)
    """The registries' `secretKey`; `key` if it is left out."""
    move_after: float = 1.0
    """How long a node may be away until what it has not answered goes to another."""
    poll_every: float = 1.0
    """How often a registry that has no watch is asked."""

    def __post_init__(self) -> None:
        check_options(self)
        positive("move_after", self.move_after, nothing=True)
        positive("poll_every", self.poll_every)


def cluster_of(options: ClusterOptions) -> ClusterSession:
    """A session with chance picked up here. Raises ValueError and TypeError."""
    name, numbers = options.session or secrets.token_hex(16), count(1)

    def make() -> ClientSession:
        """One of its own for each node: two addresses may be of one broker, and each session counts by itself."""
        return session_of(replace(options, session=f"{name[:_LONGEST_NAME]}.{next(numbers)}"))

    chosen = strategy(options.strategy, random.random)
    return ClusterSession(make, chosen, options.bounds, move_after=options.move_after)


def registries_of(urls: str | Sequence[str], options: ClusterOptions) -> Registries | None:
    """Whom to ask; None if nodes are given. Raises ValueError."""
    given = [urls] if isinstance(urls, str) else list(urls)
    if bool(given) == bool(options.nodes):
        raise ValueError("registries: either these or nodes are wanted")
    if options.scheme not in {"ws", "wss"}:
        raise ValueError(f"scheme: {options.scheme!r} is neither ws nor wss")
    if not given:
        return None
    key = options.key if options.registry_key is None else options.registry_key
    backoff = Backoff(random.random, first=options.first_wait, longest=options.longest_wait)
    return Registries(given, key, backoff, poll_every=options.poll_every)


def secure(options: ClusterOptions) -> bool:
    """Whether TLS is wanted for nodes."""
    return options.scheme == "wss" or any(url.startswith("wss:") for url in addresses(options.nodes or ["ws://none"]))


def url_of(address: str, scheme: str) -> str:
    """Where a node is dialled: `host:port` as a registry tells it, or a URL already."""
    return address if "://" in address else addresses(f"{scheme}://{address}")[0]
