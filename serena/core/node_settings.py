"""What a registry goes by, and what any node that gossips goes by. Each part gets its own small class, never the whole.

Times are in seconds, sizes in bytes. `RegistrySettings()` is what a registry does when nobody tells it anything. Which
keys of a configuration these are made from, with their ranges, is in `serena.core.setting_keys`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from serena.core.gossip_kinds import Place
from serena.core.kinds import Network
from serena.core.secret import Secret

DEFAULT_KEY = "test"  # the originals ship it, so everybody knows it
BUILT_IN = "built-in defaults"
GOSSIP_PORT = 8041  # a registry's


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the registry's HTTP is found."""

    addr: str = "127.0.0.1"
    """The host that others are told: it is in the registry's name. Not what is listened on."""
    bind: str = "127.0.0.1"
    """The IP address that is listened on; 0.0.0.0 is all of them."""
    port: int = 8031
    """The TCP port of HTTP; 0 is any that is free."""
    certificate: str | None = None
    """A PEM file with the certificate chain. With it (and then `private_key` is set as well) the port speaks TLS."""
    private_key: str | None = None
    """A PEM file with the certificate's private key."""
    trusted_proxies: tuple[Network, ...] = ()
    """From whom X-Forwarded-For is believed."""


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may ask."""

    secret: Secret = field(default_factory=lambda: Secret(DEFAULT_KEY))
    """The key that clients and operators must know."""
    max_connections: int = 10_000
    """How many HTTP connections there may be at a time."""

    @property
    def default_key(self) -> bool:
        """Whether the key is still the one that everybody knows."""
        return self.secret.matches(DEFAULT_KEY)


@dataclass(frozen=True, slots=True)
class GossipSettings:
    """How a node of any kind takes part in a pool."""

    addr: str = "127.0.0.1"
    """The host that other members are told: an IP address, or a name that is resolved at the start."""
    bind: str = "127.0.0.1"
    """The IP address that is listened on, TCP and UDP; 0.0.0.0 is all of them."""
    port: int = GOSSIP_PORT
    """The port of both; 0 is any that is free."""
    seeds: tuple[Place, ...] = ()
    """Members to join: registries, usually. Those that are away are tried again for ever."""
    seed_port: int = GOSSIP_PORT
    """The port of a seed that names none."""
    profile: str = "lan"
    """Which intervals: "lan", "wan" or "local"."""
    overrides: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Other values for fields of the profile, by their names."""
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    """Keys of 16, 24 or 32 bytes: the first encrypts, each decrypts; none: nothing is encrypted."""
    verify_incoming: bool = True
    """Whether plaintext is refused while there are keys."""
    verify_outgoing: bool = True
    """Whether what is sent is encrypted while there are keys."""
    label: bytes = b""
    """The label of the pool; empty for none. What has another is dropped."""
    delegate_versions: tuple[int, int, int] | None = None
    """Least, highest and current version of the delegate; None: 0/0/0, or those of the first peer."""
    compression: bool = False
    """Whether what is sent is compressed. What comes in may always be."""
    allowed: tuple[Network, ...] = ()
    """From where members may be; empty: from everywhere."""
    max_members: int = 10_000
    """How many members are known at most."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written down."""

    directory: str = "log"
    """Where the log files are, seen from the working directory."""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Everything one registry goes by, and where it was read."""

    server: ServerSettings = field(default_factory=ServerSettings)
    access: AccessSettings = field(default_factory=AccessSettings)
    gossip: GossipSettings = field(default_factory=GossipSettings)
    log: LogSettings = field(default_factory=LogSettings)
    source: str = BUILT_IN
    """The file that was read, or BUILT_IN. The environment may have had its say as well."""
    warnings: tuple[str, ...] = ()
    """What can be used but should be looked at; a line each, naming file and key."""
