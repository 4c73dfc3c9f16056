"""The keys of a configuration, and how settings are made from them.

Every key of both generations of the original is here, under the name it had there, with what we add. An original file
means what it meant; what we don't offer is refused with what to do instead. `docs/configuration.md` has the same table
for people, and a test that the two agree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations

from kapokmq.core.setting_topics import CENTURY, Topics
from kapokmq.core.settings import (
    BUILT_IN,
    DEFAULT_KEY,
    AccessSettings,
    ClusterSettings,
    DeliverySettings,
    Effective,
    LogSettings,
    NodeSettings,
    RetentionSettings,
    ServerSettings,
    StoreSettings,
    SyncSettings,
)
from serena.core.kinds import Address, Choice, Host, Networks, Number, SecretText, Switch, Text, Whole
from serena.core.setting_keys import (
    check_gossip,
    gossip_keys,
    gossip_settings,
    gossip_warnings,
    is_loopback,
    text_names,
)
from serena.core.settings import Key, Reader, shown_name

ENVIRONMENT = "KAPOKMQ_"
EVERYWHERE = "0.0.0.0"
PUBLISH_SUBSCRIBE = 2  # the pushType
BILLION = 1_000_000_000
MIB = 1 << 20
AS_OFTEN_AS_POSSIBLE = 1.0  # seconds: what a time of 0 came down to in the original, whose clock counted seconds

_PATH = Text(4096)
_SWITCH = Switch()
_PORT = Whole(1, 65_535, digits=True)
_TIME = Number(0, CENTURY)
_WAIT = Number(0.001, CENTURY)

KEYS = (
    Key("server.addr", Host(255, 0), "127.0.0.1"),
    Key("server.bind", Address(), "127.0.0.1"),
    Key("server.port", Whole(0, 65_535, digits=True), 8011),
    Key("server.tls.certificate", _PATH, None),
    Key("server.tls.key", _PATH, None),
    Key("server.trustedProxies", Networks(), ()),
    Key("mq.secretKey", SecretText(), DEFAULT_KEY),
    Key("mq.pushType", Choice((1, 2)), 1),
    Key("mq.messageChanBuffer", Whole(1, BILLION), 10_000_000, "messages"),
    Key("mq.pushMessagesSpeed", _TIME, 0, "seconds"),
    Key("mq.pushCount", Whole(0, BILLION), 1000, "messages", ("sendCount",)),
    Key("mq.pushRetryCount", Whole(0, 1_000_000), 3, "times", ("sendRetryCount",)),
    Key("mq.pushRetryTime", _TIME, 60, "seconds"),
    Key("mq.persistentFile", _PATH, "data/kapokmq.db", "", ("persistentPath",)),
    Key("mq.isPersistent", Choice((0, 1, 2)), 2),
    Key("mq.recoveryStrategy", _SWITCH, 1),
    Key("mq.persistentTime", Number(0.1, 3600), 5, "seconds"),
    Key("mq.isCleanConsumed", _SWITCH, 0),
    Key("mq.isRePush", _SWITCH, 1),
    Key("mq.isClean", _SWITCH, 1),
    Key("mq.checkSpeed", Number(0, 86_400), 5, "seconds", ("rePushSpeed",)),
    Key("mq.cleanTime", _TIME, 172_800, "seconds", ("clearTime",)),
    Key("mq.requireAck", _SWITCH, 1),
    Key("mq.credit", Whole(1, 1_000_000), 2000, "messages"),
    Key("mq.memoryBudget", Whole(MIB, 1 << 50), 128 * MIB, "bytes"),
    Key("mq.maxMessageBytes", Whole(1024, 64 * MIB), MIB, "bytes"),
    Key("mq.maxTopics", Whole(1, 8_000_000), 100_000, "topics"),
    Key("mq.maxConnections", Whole(1, 1_000_000), 20_000, "connections"),
    Key("mq.sameIdLimit", Whole(1, 10_000), 16, "connections"),
    Key("mq.loginTime", Number(0.1, 3600), 10, "seconds"),
    Key("mq.maxAttempts", Whole(0, 1_000_000), 16, "times"),
    Key("mq.backoff", _TIME, 1, "seconds"),
    Key("mq.backoffMax", _TIME, 300, "seconds"),
    Key("mq.ackWait", _WAIT, None, "seconds"),
    Key("mq.dedupWindow", _WAIT, 600, "seconds"),
    Key("mq.deadLetterRate", Whole(1, BILLION), 1000, "messages/second"),
    Key("mq.drainTime", Number(0, 86_400), 30, "seconds"),
    Key("topics", Topics(), {}),
    Key("cluster.isCluster", _SWITCH, 0),
    *gossip_keys("cluster", 8021, "127.0.0.1"),
    Key("sync.isSync", _SWITCH, 0),
    Key("sync.isSlave", _SWITCH, 0),
    Key("sync.masterProtocol", Text(), "ws", "", ("master_protocol",)),
    Key("sync.masterAddr", Host(255), "127.0.0.1"),
    Key("sync.masterPort", _PORT, 8011),
    Key("log.directory", _PATH, "log"),
)
TEXT_KEYS = text_names(KEYS)
"""The names of keys whose values are text even where they look like a number: `secretKey: 0123`."""


def read_settings(
    document: object = None,
    source: str = BUILT_IN,
    environ: Mapping[str, str] | None = None,
    mistakes: Iterable[str] = (),
) -> NodeSettings:
    """Make settings of a document and of the environment, which overrides it.

    Raises SettingsError with all that is wrong, after the `mistakes` that were seen before.
    """
    reader = Reader(KEYS)
    reader.mistakes.extend(mistakes)
    reader.document(document, source)
    reader.environment(environ or {}, ENVIRONMENT)
    _check(reader, source)
    reader.finish()
    settings = _made(reader, source)
    return replace(settings, warnings=tuple(_warnings(reader, settings)), effective=tuple(_effective(reader, settings)))


def _made(reader: Reader, source: str) -> NodeSettings:
    value = reader.value
    addr = value("server.addr") or EVERYWHERE  # as the original took an empty one
    bind = value("server.bind")
    if "server.bind" not in reader.given and not is_loopback(addr):
        bind = EVERYWHERE
    push_count = value("mq.pushCount")
    return NodeSettings(
        server=ServerSettings(
            addr=addr,
            bind=bind,
            port=value("server.port"),
            certificate=value("server.tls.certificate"),
            private_key=value("server.tls.key"),
            trusted_proxies=value("server.trustedProxies"),
        ),
        access=AccessSettings(
            secret=value("mq.secretKey"),
            max_message_bytes=value("mq.maxMessageBytes"),
            login_seconds=value("mq.loginTime"),
            same_id_limit=value("mq.sameIdLimit"),
            max_connections=value("mq.maxConnections"),
        ),
        delivery=DeliverySettings(
            broadcast=value("mq.pushType") == PUBLISH_SUBSCRIBE,
            push_interval=value("mq.pushMessagesSpeed") if push_count else 0.0,
            push_count=push_count,
            retry_count=value("mq.pushRetryCount"),
            retry_seconds=value("mq.pushRetryTime") or AS_OFTEN_AS_POSSIBLE,
            leases_time_out=value("mq.isRePush"),
            require_ack=value("mq.requireAck"),
            credit=value("mq.credit"),
            check_seconds=value("mq.checkSpeed") or AS_OFTEN_AS_POSSIBLE,
            buffer=value("mq.messageChanBuffer"),
            memory_budget=value("mq.memoryBudget"),
            max_topics=value("mq.maxTopics"),
            max_attempts=value("mq.maxAttempts"),
            backoff=value("mq.backoff"),
            backoff_max=value("mq.backoffMax"),
            ack_wait=value("mq.ackWait"),
            dedup_window=value("mq.dedupWindow"),
            dead_letter_rate=value("mq.deadLetterRate"),
            drain_seconds=value("mq.drainTime"),
        ),
        store=StoreSettings(
            durability=value("mq.isPersistent"),
            path=value("mq.persistentFile"),
            interval=value("mq.persistentTime"),
            recover=value("mq.recoveryStrategy"),
        ),
        retention=RetentionSettings(
            clean_consumed=value("mq.isCleanConsumed"),
            clean_seconds=value("mq.cleanTime") if value("mq.isClean") else None,
        ),
        cluster=ClusterSettings(
            enabled=value("cluster.isCluster"), gossip=gossip_settings(reader, "cluster", addr, bind)
        ),
        log=LogSettings(directory=value("log.directory")),
        source=source,
        sync=SyncSettings(
            slave=value("sync.isSlave"),
            master_protocol=value("sync.masterProtocol"),
            master_addr=value("sync.masterAddr"),
            master_port=value("sync.masterPort"),
        ),
        topics=value("topics"),
    )


def _check(reader: Reader, source: str) -> None:
    """Note what is wrong although each key alone is right."""

    def wrong(path: str, text: str) -> None:
        reader.mistake(reader.sources.get(path, source), path, text)

    value, given = reader.value, reader.given
    for path, other in _same_ports(reader):
        wrong(path, f"{value(path)} is {other} as well; each needs a port of its own")
    for path, other in (("server.tls.certificate", "server.tls.key"), ("server.tls.key", "server.tls.certificate")):
        if path in given and other not in given:
            wrong(path, f"needs {other} as well")
    for path in _not_stored(reader):
        reader.mistake(reader.sources["topics"], path, "needs mq.isPersistent: 1 or 2, since 0 stores nothing")
    if value("mq.isClean") and value("mq.cleanTime") < 1:
        wrong("mq.cleanTime", "must be at least 1, or messages would be deleted undelivered; isClean: 0 keeps them all")
    if value("mq.memoryBudget") < value("mq.maxMessageBytes"):
        wrong("mq.memoryBudget", "must be at least mq.maxMessageBytes, or the longest message would never fit")
    if "mq.backoff" in given and value("mq.backoff") > value("mq.backoffMax"):
        wrong("mq.backoff", "must be at most mq.backoffMax, which no attempt waits longer than")
    check_gossip(reader, "cluster", source)
    if value("sync.isSync"):
        wrong("sync.isSync", "replication is not offered; use mq.isPersistent: 2 and back up its file; isSync: 0 loads")


def _same_ports(reader: Reader) -> Iterable[tuple[str, str]]:
    value, given = reader.value, reader.given
    ports = ["server.port", "cluster.gossipPort"]
    if any(place.port is None and place.host == value("server.addr") for place in value("cluster.registryAddr")):
        ports.append("cluster.registryGossipPort")
    for other, path in combinations(ports, 2):
        # A default in the way of a port that was chosen is no mistake while nothing listens there.
        if value(path) == value(other) != 0 and (value("cluster.isCluster") or (path in given and other in given)):
            yield path, other


def _not_stored(reader: Reader) -> Iterable[str]:
    """Where a topic is promised what the node can't keep."""
    for pattern, policy in () if reader.value("mq.isPersistent") else reader.value("topics"):
        if policy.durability not in (None, "memory"):
            yield f"topics.{shown_name(pattern)}.durability"


def _warnings(reader: Reader, settings: NodeSettings) -> Iterable[str]:
    def where(path: str) -> str:
        return f"{reader.sources.get(path, settings.source)}: {path}"

    for source, name, today in reader.older:
        yield f"{source}: {name}: an older name of {today}"
    if settings.access.default_key and not is_loopback(settings.server.bind):
        yield (
            f"{where('mq.secretKey')}: still the key that everybody knows, while {settings.server.bind} is listened on;"
            " choose another"
        )
    if settings.cluster.enabled:
        yield from gossip_warnings(reader, "cluster", settings.cluster.gossip, settings.source)


def _effective(reader: Reader, settings: NodeSettings) -> Iterable[Effective]:
    server, delivery = settings.server, settings.delivery
    follow = {  # what some keys come to depends on others, or is not quite what was given
        "server.addr": server.addr,
        "server.bind": server.bind,
        "mq.pushRetryTime": delivery.retry_seconds,
        "mq.checkSpeed": delivery.check_seconds,
        "mq.ackWait": delivery.retry_seconds if delivery.ack_wait is None else delivery.ack_wait,
    }

    def written(key: Key, value: object) -> object:
        return None if value is None else key.kind.written(value)

    for path, key in reader.keys.items():
        where = "default"
        if path in reader.given:
            where = "file" if reader.sources[path] == settings.source else "environment"
        value = follow.get(path, reader.value(path))
        yield Effective(path, written(key, value), written(key, reader.default(path)), where)
