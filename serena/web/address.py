"""Where a client comes from: its socket's address, or what a proxy that we trust says of it."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from twisted.web.server import Request

from serena.core.kinds import Network


def client_address(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """Give the rightmost address that is not a trusted proxy's.

    `forwarded` are the values of X-Forwarded-For, in order. Each hop appends whom it talked to, so we read from the
    right and stop at the first we don't trust: what is left of it may be anybody's invention.
    """
    nearest = _address(peer)
    if nearest is None:
        return peer
    if not any(nearest in network for network in trusted):
        return str(nearest)
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while hops and any(nearest in network for network in trusted):
        further = _address(hops.pop())
        if further is None:
            break
        nearest = further
    return str(nearest)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address; one that IPv6 merely wraps is IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


class ClientAddress:
    """Finds the client of a request; may be handed to HTTP's guard."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted

    def __call__(self, request: Request) -> str:
        """Where the request comes from."""
        peer = str(getattr(request.getClientAddress(), "host", "") or "")
        # Bytes, because a header that is not UTF-8 can't be had as text.
        forwarded = request.requestHeaders.getRawHeaders(b"X-Forwarded-For", [])
        return client_address(peer, (value.decode("latin-1") for value in forwarded), self._trusted)
