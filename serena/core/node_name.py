"""What nodes are called in the pool: `mq:host:port` is a broker, `r:host:port` a registry.

The host is a name or an address, the port that of WebSocket and HTTP, where clients go. An IPv6 address stands in
brackets, which is ours: the originals split at every colon. `mq-` and `r-`, of their first version, are read as well.
Whatever else shares the pool has a name that is none of these.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

BROKER = "mq"
REGISTRY = "r"

_HIGHEST_PORT = 65_535
_NAME = re.compile(rb"(mq|r)[:-]([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([1-9][0-9]{0,4})")


class NodeName(NamedTuple):
    """A node's name taken apart. `host` is as it stands in the name, an IPv6 address with its brackets."""

    kind: str
    host: str
    port: int


def node_name(kind: str, host: str, port: int) -> str:
    """Write a name. `host` is a name or an address, with or without brackets."""
    return f"{kind}:{bracketed(host)}:{port}"


def parse_node_name(name: bytes) -> NodeName | None:
    """Take a name apart; None where it is not a broker's or a registry's, to the letter."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    kind, host, port = (part.decode() for part in found.groups())
    if int(port) > _HIGHEST_PORT or (host.startswith("[") and not _is_ipv6(host[1:-1])):
        return None
    return NodeName(kind, host, int(port))


def bracketed(host: str) -> str:
    """A host as it stands before a port."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
