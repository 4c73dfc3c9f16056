"""How a client is set up, the same for all faces."""

import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from ssl import SSLContext, create_default_context
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from kapokmq.client.telling import State
from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.outbox import Bounds
from kapokmq.core.client.session import ClientSession, Greeting, first_number

LONGEST_FRAME = 64 << 20  # bytes that we take; a broker's longest depends on its settings
SUBPROTOCOL = "kapokmq.v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a client is set up. Times are in seconds."""

    key: str | None = field(default=None, repr=False)
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

    def __post_init__(self) -> None:
        check_options(self)


def check_options(options: Options) -> None:
    """Raise ValueError and TypeError for what makes no sense, naming it. Sessions look at the rest."""
    for name in ("patience", "heartbeat", "first_wait", "longest_wait"):
        positive(name, getattr(options, name))
    positive("linger", options.linger, nothing=True)
    if options.absence is not None:
        positive("absence", options.absence, nothing=True)
    if options.tries is not None and options.tries < 1:
        raise ValueError(f"tries: {options.tries!r} is less than 1")
    if options.on_state is not None and not callable(options.on_state):
        raise TypeError("on_state: can't be called")


def positive(name: str, seconds: Any, *, nothing: bool = False) -> None:
    """Raise ValueError for what is no time; 0 is one where it may be `nothing`."""
    number = isinstance(seconds, (int, float)) and isfinite(seconds)
    if not number or seconds < 0 or (seconds == 0 and not nothing):
        raise ValueError(f"{name}: {seconds!r} is no number of seconds {'from' if nothing else 'above'} 0")


def session_of(options: Options) -> ClientSession:
    """A session with chance and the clock picked up here."""
    backoff = Backoff(random.random, first=options.first_wait, longest=options.longest_wait)
    greeting = Greeting(options.session or secrets.token_hex(16), options.key, options.name)
    return ClientSession(greeting, backoff, options.bounds, first_number(time.time()))


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
