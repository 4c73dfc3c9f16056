"""Which pages may use a node while its key is still the one that everybody knows.

A browser says in `Origin` where a page came from. Pages of this very machine may, and the node's own. That `Origin` and
`Host` agree proves nothing: whoever owns a name can let it point here after his page was loaded (DNS rebinding), and
then both say his name. So the node's own are only names that its operator gave.
"""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

from twisted.web.server import Request

_ORIGIN = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = IPv4Network("127.0.0.0/8")

Place = str | IPv4Address | IPv6Address


def origin_allowed(origin: str | None, host: str | None, own: Collection[str] = ()) -> bool:
    """Whether a request with these headers may be answered.

    `own` are the hosts, without ports, that the node is known by: names or addresses from its settings.
    """
    if origin is None:
        return True
    found = _ORIGIN.fullmatch(origin.lower())
    if found is None:
        return False
    place = _place(found[2])
    if _is_loopback(place):
        return True
    if place not in {_place(name.lower()) for name in own}:
        return False
    asked = _HOST.fullmatch((host or "").lower())
    default = _PORTS[found[1]]
    return asked is not None and (place, int(found[3] or default)) == (_place(asked[1]), int(asked[2] or default))


def sent_by_foreign_page(request: Request, own: Collection[str]) -> bool:
    """Whether a page that may not use this node sent the request. Every `Origin` counts."""
    # Bytes, because a header that is not UTF-8 can't be had as text.
    origins = request.requestHeaders.getRawHeaders(b"Origin", [])
    host = (request.getHeader(b"Host") or b"").decode("latin-1")
    return not all(origin_allowed(origin.decode("latin-1"), host, own) for origin in origins)


def host_allowed(request: Request, own: Collection[str]) -> bool:
    """Whether the request asks for this machine or a host of the node's own: names that nobody else can point here."""
    hosts = request.requestHeaders.getRawHeaders(b"Host", [])
    found = _HOST.fullmatch(hosts[0].decode("latin-1").lower()) if len(hosts) == 1 else None
    if found is None:
        return False
    place = _place(found[1])
    return _is_loopback(place) or place in {_place(name.lower()) for name in own}


def _place(text: str) -> Place:
    """An address where it is one, so that all its spellings are equal, or a name."""
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return text.removesuffix(".")
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _is_loopback(place: Place) -> bool:
    """Whether this is the machine that the browser runs on."""
    if isinstance(place, IPv4Address):
        return place in _LOOPBACK
    return place == "localhost" if isinstance(place, str) else place.is_loopback
