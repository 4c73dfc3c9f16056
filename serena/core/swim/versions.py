"""Which versions members speak: six bytes each, `protocol min, max, current, delegate min, max, current`.

A pool is of one mind if every member speaks what every other understands, by protocol and by delegate. One member that
doesn't fit makes every push/pull of memberlist fail, also between others, so that such a one must not get in.
"""

from collections.abc import Iterable

PROTOCOL = bytes((1, 5, 2))
"""What we announce of the protocol: all of it understood, 2 spoken, as memberlist does."""
NACKS = 4  # from this protocol on a member knows nacks,
TCP_PINGS = 3  # pings over streams,
CHECKSUMS = 5  # and checksums in datagrams
_LENGTH = 6
_PARTS = (0, 3)


def understands(versions: bytes, protocol: int) -> bool:
    """Whether a member with these versions understands that protocol."""
    return len(versions) >= _LENGTH and versions[1] >= protocol


def are_sound(versions: bytes) -> bool:
    """Whether these are versions that a member may have: protocols that exist, and a range that isn't empty."""
    return len(versions) >= _LENGTH and 0 < versions[0] <= versions[1]


def agree(vectors: Iterable[bytes]) -> bool:
    """Whether members with these versions, six bytes or more each, can be in one pool."""
    several = list(vectors)
    for part in _PARTS:
        low = max((each[part] for each in several), default=0)
        high = min((each[part + 1] for each in several), default=0)
        if any(not low <= each[part + 2] <= high for each in several):
            return False
    return True


def compatible(versions: bytes, ours: bytes) -> bool:
    """Whether a member with these versions can be in a pool with us."""
    return are_sound(versions) and agree((versions, ours))
