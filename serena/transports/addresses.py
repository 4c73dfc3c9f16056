"""Addresses as sockets have them, text, and as members have them: 4 or 16 bytes."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from serena.core.kinds import Network
from serena.core.swim.addresses import plain
from serena.core.swim.messages import Address

_IPV4_LENGTH = 4


@lru_cache(4096)
def packed(host: str) -> bytes:
    """The bytes of an address; IPv4 has 4, also where IPv6 wraps it. Raises ValueError where it is a name."""
    return plain(ip_address(host.partition("%")[0]).packed)


@lru_cache(4096)
def unpacked(host: bytes) -> str:
    """An address in its usual spelling, which is that of IPv4 also where IPv6 wraps it: peers may announce it so."""
    return str(ip_address(plain(host)))


@lru_cache(4096)
def wrapped(host: bytes) -> str:
    """An address as a socket of IPv6 takes it: an IPv4 address is wrapped."""
    return f"::ffff:{unpacked(host)}" if len(plain(host)) == _IPV4_LENGTH else unpacked(host)


def address_of(host: str, port: int) -> Address:
    """An address from a socket. Raises ValueError where the host is a name."""
    return Address(packed(host), port)


def within(networks: Sequence[Network]) -> Callable[[bytes], bool]:
    """What says of an address, as bytes, whether it is in one of these networks; of any where there are none."""
    if not networks:
        return lambda _host: True

    @lru_cache(4096)
    def is_within(host: bytes) -> bool:
        address: IPv4Address | IPv6Address = ip_address(plain(host))
        return any(address in network for network in networks)

    return is_within
