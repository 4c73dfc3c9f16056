"""What can be said of an address without asking the network. Hosts are 4 or 16 bytes."""

_MAPPED = bytes(10) + b"\xff\xff"
_IPV4, _IPV6 = 4, 16  # bytes
_GROUPS, _GROUPS6 = range(224, 240), 255  # how multicast addresses begin


def plain(host: bytes) -> bytes:
    """The host by which to compare who is meant: an IPv4 address in 16 bytes becomes 4 bytes.

    Members are never stored so: peers compare what was announced byte by byte.
    """
    return host[12:] if len(host) == _IPV6 and host.startswith(_MAPPED) else host


def is_usable(host: bytes) -> bool:
    """Whether a member could live there: an address that is neither unspecified nor multicast."""
    host = plain(host)
    if not any(host):
        return False
    if len(host) == _IPV4:
        return host[0] not in _GROUPS
    return len(host) == _IPV6 and host[0] != _GROUPS6
