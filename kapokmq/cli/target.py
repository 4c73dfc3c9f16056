"""Which broker a command speaks to, with which key. Options come first, then the environment, then the profile.

The variables begin with KAPOK_ and not with KAPOKMQ_, because every variable of that prefix is a node's setting and a
node refuses those that it doesn't know.
"""

import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import click

from kapokmq.cli.profiles import Profile, read_profile
from kapokmq.cli.shared import BROKER, shared
from kapokmq.core.settings import DEFAULT_KEY

DEFAULT_SERVER = "http://127.0.0.1:8011"
DEFAULT_TIMEOUT = 30.0  # seconds
VARIABLES = ("KAPOK_SERVER", "KAPOK_KEY", "KAPOK_CA", "KAPOK_TIMEOUT", "KAPOK_PROFILE", "KAPOK_PROFILES")
_SCHEMES = {"http": False, "ws": False, "https": True, "wss": True}  # whether it is TLS
_PORTS = {False: 80, True: 443}
_HEADER_TEXT = re.compile(r"[\x20-\x7e]+")

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Target:
    """A broker: `prefix` is the path before its own routes, without a slash at its end. `timeout` in seconds.

    The key is shown nowhere, not in repr either.
    """

    host: str
    port: int
    tls: bool
    prefix: str
    key: str
    ca: str | None
    timeout: float

    def __repr__(self) -> str:
        return f"<Target {self.url}>"

    @property
    def authority(self) -> str:
        """Host and port as a URL has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Where its HTTP begins."""
        return f"http{'s' if self.tls else ''}://{self.authority}{self.prefix}"

    @property
    def socket_url(self) -> str:
        """Where v2 is spoken."""
        return f"ws{'s' if self.tls else ''}://{self.authority}{self.prefix}/v2"

    @cached_property
    def context(self) -> ssl.SSLContext | None:
        """How certificates are checked, None without TLS. Raises click.UsageError where the CA can't be read."""
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or "it is no PEM file of certificates"
            raise click.UsageError(f"--ca {self.ca} can't be read: {reason}") from error


def make_target(
    server: str | None,
    key: str | None,
    ca: str | None,
    timeout: float | None,
    profile: Profile,
) -> Target:
    """Put a target together: what is given, else what the profile says, else the defaults. Raises click.UsageError."""
    address = server or profile.server or DEFAULT_SERVER
    host, port, tls, prefix = parse_server(address)
    wait = timeout or profile.timeout or DEFAULT_TIMEOUT
    secret = key or profile.key or DEFAULT_KEY
    if _HEADER_TEXT.fullmatch(secret) is None:
        raise click.UsageError("the key has characters that no key of a node has (control characters, not ASCII)")
    return Target(host, port, tls, prefix, secret, ca or profile.ca, wait)


def parse_server(text: str) -> tuple[str, int, bool, str]:
    """Host, port, whether it is TLS, and the path before the routes. Raises click.UsageError."""
    whole = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(whole)
        port = parts.port
    except ValueError:
        _refuse(text)
    if (
        parts.scheme not in _SCHEMES
        or not parts.hostname
        or parts.query
        or parts.fragment
        or parts.username is not None
    ):
        _refuse(text)
    tls = _SCHEMES[parts.scheme]
    return parts.hostname, port if port is not None else _PORTS[tls], tls, parts.path.rstrip("/")


def _refuse(text: str) -> NoReturn:
    # What stands before an @ may be a secret.
    shown = text.rpartition("@")[2]
    raise click.UsageError(f"--server {shown}: must be like http://HOST:PORT, https://, ws:// or wss://, without a key")


def connected(command: F) -> F:
    """Give a command the options that name a broker, and hand it the Target as its first argument."""

    @shared(BROKER)
    @wraps(command)
    def given(
        *args: Any,
        server: str | None,
        key: str | None,
        ca: str | None,
        timeout: float | None,
        profile: str | None,
        **more: Any,
    ) -> Any:
        return command(make_target(server, key, ca, timeout, read_profile(profile, os.environ)), *args, **more)

    return given  # type: ignore[return-value]  # wraps() keeps all but the type
