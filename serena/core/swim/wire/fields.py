"""What the fields of messages may hold, coming in and going out.

Go accepts more of some; what is refused here no working member sends, and some of it has killed Go processes.
"""

from collections.abc import Mapping

from serena.core.errors import MisuseError
from serena.core.swim.messages import Address
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.msgpack import Value, blob, text, whole

LONGEST_NAME = 255
LONGEST_META = 512
VERSIONS = 6
"""Protocol min, max, current; delegate the same."""

_HOSTS = (4, 16)
_PORT = 0xFFFF
_NUMBER = 0xFFFFFFFF
_WIDEST = (1 << 64) - 1

Found = Mapping[bytes, Value]


def number32(found: Found, key: bytes) -> int:
    """A sequence or incarnation number. Raises Dropped."""
    return whole(found.get(key), _NUMBER)


def name(found: Found, key: bytes) -> bytes:
    """A node's name: any bytes, 1 to 255. Raises Dropped."""
    given = optional_name(found, key)
    if not given:
        raise Dropped("badName")
    return given


def optional_name(found: Found, key: bytes) -> bytes:
    """A node's name, or nothing. Raises Dropped."""
    given = text(found.get(key))
    if len(given) > LONGEST_NAME:
        raise Dropped("badName")
    return given


def port(found: Found, key: bytes) -> int:
    """A port; 0 stands for the reader's own. Raises Dropped."""
    given = whole(found.get(key), _WIDEST)
    if given > _PORT:
        raise Dropped("badPort")
    return given


def host(given: bytes | None) -> bytes:
    """The bytes of an IP address. Raises Dropped."""
    if given is None or len(given) not in _HOSTS:
        raise Dropped("badAddress")
    return given


def address(found: Found, key: bytes) -> Address:
    """The address of that key, with the port. Raises Dropped."""
    return Address(host(blob(found.get(key))), port(found, b"Port"))


def meta(found: Found) -> bytes | None:
    """A member's metadata; nothing is not the same as none. Raises Dropped."""
    given = blob(found.get(b"Meta"))
    if given is not None and len(given) > LONGEST_META:
        raise Dropped("badMeta")
    return given


def versions(found: Found) -> bytes:
    """Six versions, whatever may follow them, or none. Raises Dropped."""
    given = blob(found.get(b"Vsn")) or b""
    if 0 < len(given) < VERSIONS:
        raise Dropped("badVersions")
    return given[:VERSIONS]


# ----------------------------------------------------------------------------------------------------------- writing


def _allow(allowed: bool, what: str) -> None:  # noqa: FBT001 - reads as a condition
    if not allowed:
        raise MisuseError(what)


def sent_number(given: int) -> int:
    """A sequence or incarnation number. Raises MisuseError."""
    _allow(0 <= given <= _NUMBER, f"{given} is no number of 32 bits")
    return given


def sent_name(given: bytes) -> bytes:
    """A node's name. Raises MisuseError."""
    _allow(0 < len(given) <= LONGEST_NAME, f"a name of {len(given)} bytes")
    return given


def sent_optional_name(given: bytes) -> bytes:
    """A node's name, or nothing. Raises MisuseError."""
    _allow(len(given) <= LONGEST_NAME, f"a name of {len(given)} bytes")
    return given


def sent_address(given: Address) -> Address:
    """An address with its port. Raises MisuseError."""
    _allow(len(given.host) in _HOSTS, f"an address of {len(given.host)} bytes")
    _allow(0 <= given.port <= _PORT, f"port {given.port}")
    return given


def sent_meta(given: bytes | None) -> bytes | None:
    """A member's metadata. Raises MisuseError."""
    _allow(given is None or len(given) <= LONGEST_META, "more than 512 bytes of metadata")
    return given


def sent_versions(given: bytes) -> bytes | None:
    """A member's versions; where it has none, they are nil, as in Go. Raises MisuseError: 1 to 5 kill old Go nodes."""
    _allow(len(given) in (0, VERSIONS), f"{len(given)} versions")
    return given or None
