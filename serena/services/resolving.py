"""Host names to addresses, without anybody waiting for it but who asked."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from serena.core.errors import WorldError
from serena.transports.addresses import packed

Resolve = Callable[[str], Awaitable[Sequence[bytes]]]
"""Gives the addresses of a host, 4 or 16 bytes each. Raises WorldError where there are none."""

_ANYWHERE, _ANYWHERE6 = ("192.0.2.1", 9), ("2001:db8::1", 9)  # that no network has; nothing is sent there


@implementer(IResolutionReceiver)
class _Found:
    """What a resolver finds."""

    def __init__(self) -> None:
        self.hosts: list[bytes] = []
        self.complete: Deferred[None] = Deferred()

    def resolutionBegan(self, resolution: IHostResolution) -> None:
        """See IResolutionReceiver."""

    def addressResolved(self, address: IAddress) -> None:
        """See IResolutionReceiver."""
        if isinstance(address, IPv4Address | IPv6Address):
            self.hosts.append(packed(address.host))

    def resolutionComplete(self) -> None:
        """See IResolutionReceiver."""
        self.complete.callback(None)


def resolver(reactor: Any, bind: str) -> Resolve:
    """What resolves with the reactor, for a socket that is bound to `bind`: only addresses that it reaches."""
    bound = ip_address(bind)
    kinds: list[Any] = [IPv4Address] if bound.version == 4 else [IPv6Address]  # noqa: PLR2004 -- the version's name
    if bound.version != 4 and bound.is_unspecified:  # noqa: PLR2004
        kinds.append(IPv4Address)

    async def resolve(host: str) -> Sequence[bytes]:
        try:
            return [packed(host)]
        except ValueError:
            pass  # a name
        found = _Found()
        reactor.nameResolver.resolveHostName(found, host, 0, kinds)
        await found.complete
        if not found.hosts:
            raise WorldError(f"{host}: has no address that can be reached from {bind}")
        return list(dict.fromkeys(found.hosts))

    return resolve


def own_host(family: int) -> str | None:
    """This machine's address towards others, AF_INET's or AF_INET6's; None where it has none."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(_ANYWHERE6 if family == socket.AF_INET6 else _ANYWHERE)
            return str(probe.getsockname()[0])
    except OSError:
        return None


def announced(addr: str, bind: str, own: Callable[[int], str | None] = own_host) -> str:
    """The host to announce: `addr`, or where that is all addresses, one of this machine's. Raises WorldError."""
    for host in (addr, bind):
        try:
            if not ip_address(host).is_unspecified:
                return host
        except ValueError:
            return host  # a name
    families = [socket.AF_INET]
    if ":" in bind:  # it takes both, so that either will do
        families.insert(0 if ":" in addr else 1, socket.AF_INET6)
    found = next(filter(None, map(own, families)), None)
    if found is None:
        raise WorldError(
            f"{bind}: no network has an address of this machine yet; name the address that others are told"
        )
    return found
