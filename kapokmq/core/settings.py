"""What a node goes by. Each part of it gets its own small class, never the whole.

Times are in seconds, sizes in bytes. `NodeSettings()` is what a node does when nobody tells it anything. Which keys of
a configuration these are made from, with their ranges, is in `kapokmq.core.setting_keys`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kapokmq.core.policy import TopicPolicy
from serena.core.gossip_kinds import Place
from serena.core.kinds import Network
from serena.core.node_settings import GossipSettings
from serena.core.secret import Secret

DEFAULT_KEY = "test"  # the originals ship it, so everybody knows it
BUILT_IN = "built-in defaults"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the node is found."""

    addr: str = "127.0.0.1"
    """The host that others are told: clients of a registry connect to it. Not what is listened on."""
    bind: str = "127.0.0.1"
    """The IP address that is listened on; 0.0.0.0 is all of them."""
    port: int = 8011
    """The TCP port of WebSocket and HTTP; 0 is any that is free."""
    certificate: str | None = None
    """A PEM file with the certificate chain. With it (and then `private_key` is set as well) the port speaks TLS."""
    private_key: str | None = None
    """A PEM file with the certificate's private key."""
    trusted_proxies: tuple[Network, ...] = ()
    """From whom X-Forwarded-For is believed."""


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may come in, and with how much."""

    secret: Secret = field(default_factory=lambda: Secret(DEFAULT_KEY))
    """The key that producers, consumers and the console must know."""
    max_message_bytes: int = 1 << 20
    """The longest message that is taken, in bytes."""
    login_seconds: float = 10.0
    """How long a connection may take to say the key, in seconds."""
    same_id_limit: int = 16
    """How many connections may use one id at a time; beyond it the oldest is closed."""
    max_connections: int = 20_000
    """How many connections there may be at a time."""

    @property
    def default_key(self) -> bool:
        """Whether the key is still the one that everybody knows."""
        return self.secret.matches(DEFAULT_KEY)


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How messages reach consumers."""

    broadcast: bool = False
    """Every consumer of a topic gets each message, instead of one of them."""
    push_interval: float = 0.0
    """How often `push_count` messages are dealt, in seconds; 0 is no throttle."""
    push_count: int = 1000
    """How many messages the node deals in an interval; 0 is no throttle (`push_interval` is 0 then, too)."""
    retry_count: int = 3
    """How often a message given back by a disconnect is dealt again at once; later it waits for `retry_seconds`."""
    retry_seconds: float = 60.0
    """How long a message may stay unacknowledged before it is dealt again, in seconds."""
    leases_time_out: bool = True
    """Whether it is dealt again at all while its consumer stays connected."""
    require_ack: bool = True
    """Whether a message is consumed when it is acknowledged, instead of when it is written to the consumer's socket."""
    credit: int = 2000
    """How many unacknowledged messages one classic consumer may hold."""
    check_seconds: float = 5.0
    """How often retention looks for what to remove, in seconds. Delays and retries don't wait for it."""
    buffer: int = 10_000_000
    """How many messages may be waiting or in flight in the node before producers must wait."""
    memory_budget: int = 128 << 20
    """How many bytes of messages are kept in memory."""
    max_topics: int = 100_000
    """How many topics there may be."""
    max_attempts: int = 16
    """How often a named group tries a message until it becomes a dead letter; 0: for ever."""
    backoff: float = 1.0
    """How long its second attempt waits, in seconds; each further one waits twice as long."""
    backoff_max: float = 300.0
    """How long any attempt waits at most, in seconds."""
    ack_wait: float | None = None
    """How long members of named groups may hold a message unacknowledged, in seconds; None: `retry_seconds`."""
    dedup_window: float = 600.0
    """How long the keys of messages, and the numbers of publish calls, are remembered, in seconds."""
    dead_letter_rate: int = 1000
    """How many dead letters a second are sent again in bulk."""
    drain_seconds: float = 30.0
    """How long a drain waits for what is in flight, in seconds."""

    @property
    def throttled(self) -> bool:
        """Whether dealing has a speed limit."""
        return self.push_interval > 0 and self.push_count > 0


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What outlives a restart."""

    durability: int = 2
    """0: nothing; 1: all but what came in the last `interval`; 2: all that was acknowledged."""
    path: str = "data/kapokmq.db"
    """The file, seen from the working directory."""
    interval: float = 5.0
    """How often the store is written at durability 1, in seconds."""
    recover: bool = True
    """Whether a start goes on with what is stored; otherwise it begins empty and keeps that aside, dated."""


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """When messages are deleted."""

    clean_consumed: bool = False
    """At once when they are consumed."""
    clean_seconds: float | None = 172_800.0
    """This long after they were due, in seconds, whatever their status; None is never."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Which cluster the node belongs to."""

    enabled: bool = False
    """Whether to any."""
    gossip: GossipSettings = field(default_factory=lambda: GossipSettings(port=8021, seeds=(Place("127.0.0.1"),)))
    """How it takes part; its seeds are registries (Serena)."""


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """What an original file says of replication. It is shown in the console; we offer none."""

    slave: bool = False
    """Whether the node follows a master."""
    master_protocol: str = "ws"
    """How the master is reached."""
    master_addr: str = "127.0.0.1"
    """The master's host."""
    master_port: int = 8011
    """The master's port."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written down."""

    directory: str = "log"
    """Where the log files are, seen from the working directory."""


class Effective(NamedTuple):
    """What one key comes to: plain data, fit for JSON, secrets as `***`.

    `source` is "file", "environment" or "default". `default` is None where another key, or nothing, stands in.
    """

    path: str
    value: Any
    default: Any
    source: str


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Everything one node goes by, and where it was read."""

    server: ServerSettings = field(default_factory=ServerSettings)
    access: AccessSettings = field(default_factory=AccessSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    log: LogSettings = field(default_factory=LogSettings)
    source: str = BUILT_IN
    """The file that was read, or BUILT_IN. The environment may have had its say as well."""
    warnings: tuple[str, ...] = ()
    """What can be used but should be looked at; a line each, naming file and key."""
    sync: SyncSettings = field(default_factory=SyncSettings)
    topics: tuple[tuple[str, TopicPolicy], ...] = ()
    """Policies of topics by pattern: the first that matches counts."""
    effective: tuple[Effective, ...] = field(default=(), compare=False, repr=False)
    """Every key, as it was read. None where the settings were not read, but made by a program."""

    @property
    def shown(self) -> Mapping[str, Any]:
        """What the console's GetConfig answers (spec, 2.4 and 8): the keys of both generations; never the secret key.

        Ports of other servers are text, our own gossip port is a number, switches are 0 and 1.
        """
        delivery, store, retention, cluster = self.delivery, self.store, self.retention, self.cluster
        return {
            "checkSpeed": _number(delivery.check_seconds),
            "cleanTime": _number(retention.clean_seconds or 0),
            "gossipPort": cluster.gossip.port,
            "isClean": int(retention.clean_seconds is not None),
            "isCleanConsumed": int(retention.clean_consumed),
            "isCluster": int(cluster.enabled),
            "isPersistent": store.durability,
            "isRePush": int(delivery.leases_time_out),
            "isSlave": int(self.sync.slave),
            "isSync": 0,
            "masterAddr": self.sync.master_addr,
            "masterPort": str(self.sync.master_port),
            "masterProtocol": self.sync.master_protocol,
            "messageChanBuffer": delivery.buffer,
            "persistentFile": store.path,
            "persistentTime": _number(store.interval),
            "pushCount": delivery.push_count,
            "pushMessagesSpeed": _number(delivery.push_interval),
            "pushRetryCount": delivery.retry_count,
            "pushRetryTime": _number(delivery.retry_seconds),
            "pushType": 1 + delivery.broadcast,
            "recoveryStrategy": int(store.recover),
            "registryAddr": ",".join(str(seed) for seed in cluster.gossip.seeds),
            "registryGossipPort": str(cluster.gossip.seed_port),
        }


def _number(seconds: float) -> float:
    """As the originals write it: without a fraction where there is none."""
    return int(seconds) if seconds == int(seconds) else seconds
