"""How a client is set up, the same for all faces."""

import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ssl import SSLContext, create_default_context
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.outbox import Bounds
from kapokmq.core.client.session import ClientSession, Greeting

LONGEST_FRAME = 64 << 20  # bytes that we take; a broker's longest depends on its settings
SUBPROTOCOL = "kapokmq.v2"


class State(NamedTuple):
    """What happened to a client. `kind`: "connected", "lost", "draining", "complaint" or "closed".

    `text` is for people; `wait` is in how many seconds it tries again, None where it doesn't, or needs not to.
    """

    kind: str
    text: str
    wait: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a client is set up. Times are in seconds."""

    key: str | None = None
    """The node's `secretKey`."""
    name: str | None = None
    """What people see of this client."""
    session: str | None = None
    """A name for what is published; drawn at random if it is left out, as it should be."""
    ca: str | None = None
    """A PEM file with the authorities to be trusted, instead of the system's."""
    ssl: SSLContext | None = None
    """All about TLS, instead of `ca`. Not for Twisted."""
    patience: float = 10.0
    """How long the first connection may take before Unreachable is raised."""
    tries: int | None = None
    """How many dials the first connection may take before Unreachable is raised, None for any number in that time."""
    absence: float | None = None
    """How long later ones may take before the client is over with Unreachable, None for ever."""
    heartbeat: float = 20.0
    """How long a connection may be silent before it is pinged, and then before it is given up."""
    linger: float = 5.0
    """How long `close` waits for answers."""
    first_wait: float = 0.1
    longest_wait: float = 10.0
    """Between tries: up to the first, doubled each time, up to the longest; any time below it."""
    bounds: Bounds = field(default_factory=Bounds)
    """How much may be published and not confirmed. Beyond it `publish` waits."""
    on_state: Callable[[State], None] | None = None
    """Called on each change, from the client's own thread or loop: it must not block, nor wait for the client."""


def session_of(options: Options) -> ClientSession:
    """A session with chance picked up here."""
    backoff = Backoff(random.random, first=options.first_wait, longest=options.longest_wait)
    greeting = Greeting(options.session or secrets.token_hex(16), options.key, options.name)
    return ClientSession(greeting, backoff, options.bounds)


def addresses(urls: str | Sequence[str]) -> list[str]:
    """The URLs of v2 for what was given: `ws://host:port` or `wss://…`, one or several. Raises ValueError."""
    found = []
    for url in [urls] if isinstance(urls, str) else urls:
        parts = urlsplit(url)
        if parts.scheme not in {"ws", "wss"} or not parts.hostname:
            raise ValueError(f"{url}: is no ws:// or wss:// address")
        found.append(urlunsplit(parts._replace(path=parts.path.rstrip("/") or "/v2", fragment="")))
    if not found:
        raise ValueError("url: there is none")
    return found


def tls_context(options: Options) -> SSLContext:
    """What the first two faces connect with to `wss://`."""
    return options.ssl or create_default_context(cafile=options.ca)
