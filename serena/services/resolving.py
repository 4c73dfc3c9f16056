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

_ANYWHERE = ("192.0.2.1", 9)  # an address that no network has: nothing is sent there


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


def announced(addr: str, bind: str) -> str:
    """The host to announce: `addr`, or where that is all addresses, one of this machine's."""
    for host in (addr, bind):
        try:
            if not ip_address(host).is_unspecified:
                return host
        except ValueError:
            return host  # a name
    family = socket.AF_INET6 if ":" in bind and ":" in addr else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
