"""The keys of a registry's configuration, and how settings are made from them.

The original's are here under the names they had there (`server.addr`, `server.port`, `registry.secretKey`,
`registry.gossipPort`), with what we add. What gossip needs is the same for nodes of any kind: `gossip_keys` gives it
for a section, and `gossip_settings` makes settings of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address

from serena.core.gossip_kinds import GossipKeys, Label, Places, Versions
from serena.core.kinds import Address, Host, Networks, Number, SecretText, Switch, Text, Whole, Words
from serena.core.node_settings import (
    BUILT_IN,
    DEFAULT_KEY,
    GOSSIP_PORT,
    AccessSettings,
    GossipSettings,
    LogSettings,
    RegistrySettings,
    ServerSettings,
)
from serena.core.settings import Key, Reader
from serena.core.swim.profile import PROFILES

ENVIRONMENT = "SERENA_"
EVERYWHERE = "0.0.0.0"
SECTION = "registry"

_HOUR = 3600
_PATH = Text(4096)
_PORT = Whole(0, 65_535, digits=True)
_SECONDS = Number(0.01, _HOUR)
_TIMES = Whole(1, 100)

OVERRIDES = {  # keys of the section `gossip`, under memberlist's names: the profile's field, and what it may be
    "probeInterval": ("probe_interval", _SECONDS, "seconds"),
    "probeTimeout": ("probe_timeout", _SECONDS, "seconds"),
    "gossipInterval": ("gossip_interval", _SECONDS, "seconds"),
    "gossipNodes": ("gossip_nodes", Whole(1, 100), "members"),
    "gossipToTheDeadTime": ("gossip_to_dead", Number(0.01, 86_400), "seconds"),
    "pushPullInterval": ("push_pull_interval", Number(0.1, 86_400), "seconds"),
    "tcpTimeout": ("stream_timeout", _SECONDS, "seconds"),
    "indirectChecks": ("indirect_checks", Whole(0, 100), "members"),
    "retransmitMult": ("retransmit_mult", _TIMES, ""),
    "suspicionMult": ("suspicion_mult", _TIMES, ""),
    "suspicionMaxTimeoutMult": ("suspicion_max_mult", _TIMES, ""),
    "awarenessMaxMultiplier": ("awareness_most", _TIMES, ""),
    "deadNodeReclaimTime": ("reclaim", Number(0, 86_400), "seconds"),
    "reconnectInterval": ("reconnect_interval", _SECONDS, "seconds"),
    "reconnectTimeout": ("reconnect_for", Number(0, 31_536_000), "seconds"),
}


def gossip_keys(
    section: str, port: int, seeds: object, *, older_port: tuple[str, ...] = (), every: bool = True
) -> tuple[Key, ...]:
    """The keys of gossip in a section, for nodes whose gossip port and places to join are these by default.

    Not `every`: without those that the original's brokers have in their section `cluster`.
    """
    given = (
        Key(f"{section}.gossipPort", _PORT, port, "", older_port),
        Key(f"{section}.registryAddr", Places(), seeds),
        Key(f"{section}.registryGossipPort", Whole(1, 65_535, digits=True), GOSSIP_PORT),
    )
    return (
        *(given if every else ()),
        Key(f"{section}.gossipAddr", Host(255), None),
        Key(f"{section}.gossipBind", Address(), None),
        Key(f"{section}.gossipKey", GossipKeys(), ()),
        Key(f"{section}.delegateVersions", Versions(), None),
        Key(f"{section}.gossip.profile", Words(tuple(PROFILES)), "lan"),
        Key(f"{section}.gossip.label", Label(255, 0), ""),
        Key(f"{section}.gossip.compression", Switch(), 0),
        Key(f"{section}.gossip.verifyIncoming", Switch(), 1),
        Key(f"{section}.gossip.verifyOutgoing", Switch(), 1),
        Key(f"{section}.gossip.allowed", Networks(), ()),
        Key(f"{section}.gossip.maxMembers", Whole(1, 1_000_000), 10_000, "members"),
        *(Key(f"{section}.gossip.{name}", kind, None, unit) for name, (_, kind, unit) in OVERRIDES.items()),
    )


KEYS = (
    Key("server.addr", Host(255, 0), "127.0.0.1"),
    Key("server.bind", Address(), "127.0.0.1"),
    Key("server.port", _PORT, 8031),
    Key("server.tls.certificate", _PATH, None),
    Key("server.tls.key", _PATH, None),
    Key("server.trustedProxies", Networks(), ()),
    Key("registry.secretKey", SecretText(), DEFAULT_KEY),
    Key("registry.maxConnections", Whole(1, 1_000_000), 10_000, "connections"),
    Key("registry.discoveryCycle", Number(0, 86_400), None, "seconds"),
    *gossip_keys(SECTION, GOSSIP_PORT, (), older_port=("port",)),
    Key("log.directory", _PATH, "log"),
)


def text_names(keys: Iterable[Key]) -> frozenset[str]:
    """The names of keys whose values are text even where they look like a number: `secretKey: 0123`."""
    kinds = (Text, Places, GossipKeys)
    return frozenset(
        name for key in keys if isinstance(key.kind, kinds) for name in (key.path.rpartition(".")[2], *key.older)
    )


TEXT_KEYS = text_names(KEYS)


def gossip_settings(reader: Reader, section: str, addr: str, bind: str) -> GossipSettings:
    """Make settings of what was read in a section. `addr` and `bind` are the server's, which gossip follows."""

    def value(name: str) -> object:
        return reader.value(f"{section}.{name}")

    overrides = {field: value(f"gossip.{name}") for name, (field, _, _) in OVERRIDES.items()}
    given = {
        "addr": value("gossipAddr") or addr,
        "bind": value("gossipBind") or bind,
        "port": value("gossipPort"),
        "seeds": value("registryAddr"),
        "seed_port": value("registryGossipPort"),
        "profile": value("gossip.profile"),
        "overrides": {field: number for field, number in overrides.items() if number is not None},
        "keys": value("gossipKey"),
        "verify_incoming": value("gossip.verifyIncoming"),
        "verify_outgoing": value("gossip.verifyOutgoing"),
        "label": value("gossip.label"),
        "delegate_versions": value("delegateVersions"),
        "compression": value("gossip.compression"),
        "allowed": value("gossip.allowed"),
        "max_members": value("gossip.maxMembers"),
    }
    return GossipSettings(**given)  # type: ignore[arg-type]  # each kind gives what its field is


def check_gossip(reader: Reader, section: str, source: str) -> None:
    """Note what is wrong with a section's gossip although each key alone is right."""
    timeout, interval = f"{section}.gossip.probeTimeout", f"{section}.gossip.probeInterval"
    profile = PROFILES[reader.value(f"{section}.gossip.profile")]
    whole = reader.value(interval) or profile.probe_interval
    if (reader.value(timeout) or profile.probe_timeout) > whole:
        path = timeout if timeout in reader.given else interval
        text = f"probeTimeout must be at most probeInterval ({whole:g} s), which it is a part of"
        reader.mistake(reader.sources.get(path, source), path, text)


def gossip_warnings(reader: Reader, section: str, settings: GossipSettings, source: str) -> Iterable[str]:
    """What should be looked at in a section's gossip."""
    far = [str(seed) for seed in settings.seeds if is_loopback(settings.bind) and _is_elsewhere(seed.host)]
    if far:
        path = f"{section}.registryAddr"
        yield (
            f"{reader.sources.get(path, source)}: {path}: {', '.join(far)} can't be reached from {settings.bind}, which"
            " gossip is bound to; set gossipBind, and gossipAddr to the address that others reach"
        )
    if not settings.keys and not settings.allowed and not is_loopback(settings.bind):
        path = f"{section}.gossipKey"
        yield (
            f"{reader.sources.get(path, source)}: {path}: none, while {settings.bind} is listened on: whoever reaches"
            " the gossip port can join the pool and forge members; give a key, or gossip.allowed"
        )


def read_settings(
    document: object = None,
    source: str = BUILT_IN,
    environ: Mapping[str, str] | None = None,
    mistakes: Iterable[str] = (),
) -> RegistrySettings:
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
    return replace(settings, warnings=tuple(_warnings(reader, settings)))


def _made(reader: Reader, source: str) -> RegistrySettings:
    value = reader.value
    addr = value("server.addr") or EVERYWHERE  # as the original took an empty one
    bind = value("server.bind")
    if "server.bind" not in reader.given and not is_loopback(addr):
        bind = EVERYWHERE
    return RegistrySettings(
        server=ServerSettings(
            addr=addr,
            bind=bind,
            port=value("server.port"),
            certificate=value("server.tls.certificate"),
            private_key=value("server.tls.key"),
            trusted_proxies=value("server.trustedProxies"),
        ),
        access=AccessSettings(secret=value("registry.secretKey"), max_connections=value("registry.maxConnections")),
        gossip=gossip_settings(reader, SECTION, addr, bind),
        log=LogSettings(directory=value("log.directory")),
        source=source,
    )


def _check(reader: Reader, source: str) -> None:
    """Note what is wrong although each key alone is right."""
    value, given = reader.value, reader.given
    if value("server.port") == value("registry.gossipPort") != 0:
        path = "registry.gossipPort" if "registry.gossipPort" in given else "server.port"
        other = "server.port" if path != "server.port" else "registry.gossipPort"
        text = f"{value(path)} is {other} as well; each needs a port of its own"
        reader.mistake(reader.sources.get(path, source), path, text)
    for path, other in (("server.tls.certificate", "server.tls.key"), ("server.tls.key", "server.tls.certificate")):
        if path in given and other not in given:
            reader.mistake(reader.sources[path], path, f"needs {other} as well")
    check_gossip(reader, SECTION, source)


def _warnings(reader: Reader, settings: RegistrySettings) -> Iterable[str]:
    for source, name, today in reader.older:
        yield f"{source}: {name}: an older name of {today}"
    if settings.access.default_key:
        where = reader.sources.get("registry.secretKey", settings.source)
        yield f"{where}: registry.secretKey: still the key that everybody knows; choose another"
    if "registry.discoveryCycle" in reader.given:
        path = "registry.discoveryCycle"
        yield f"{reader.sources[path]}: {path}: has no effect; members are told of as they come and go"
    yield from gossip_warnings(reader, SECTION, settings.gossip, settings.source)


def _is_elsewhere(host: str) -> bool:
    """Whether it is an address that this machine doesn't have for itself. Of names nobody knows."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not address.is_loopback and not address.is_unspecified


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
