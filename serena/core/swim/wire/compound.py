"""Several messages in one datagram: their count, the length of each, then the messages themselves.

1 byte     7
1 byte     how many, n
2n bytes   their lengths, big-endian
           the messages, each with its type byte
"""

from collections.abc import Sequence

from serena.core.errors import MisuseError
from serena.core.swim.wire.bodies import Type
from serena.core.swim.wire.faults import Dropped

MOST_PARTS = 127
"""More are misread by memberlist 0.2.3 and older, which counts the bytes of the lengths in 8 bits."""
LONGEST_PART = 0xFFFF

_TABLE = 2  # where the lengths begin


def split(data: bytes) -> tuple[list[bytes], list[str]]:
    """The parts of a compound, and why others were left out: they have no bytes, or the datagram ends before they do.

    Raises Dropped where not even the lengths are there.
    """
    count = data[1] if len(data) > 1 else 0
    at = _TABLE + 2 * count
    if len(data) < at:
        raise Dropped("truncated")
    parts: list[bytes] = []
    left_out: list[str] = []
    for i in range(count):
        place = _TABLE + 2 * i
        end = at + int.from_bytes(data[place : place + 2], "big")
        if end > len(data):
            left_out += ["truncated"] * (count - i)
            break
        if end == at:
            left_out.append("empty")
        else:
            parts.append(data[at:end])
        at = end
    return parts, left_out


def joined(parts: Sequence[bytes]) -> bytes:
    """One message of several. Raises MisuseError for what older nodes can't read or die of."""
    if not 0 < len(parts) <= MOST_PARTS:
        raise MisuseError(f"a compound of {len(parts)} parts")
    lengths = [len(part) for part in parts]
    if not 0 < min(lengths) <= max(lengths) <= LONGEST_PART:
        raise MisuseError(f"a compound with parts of {min(lengths)} to {max(lengths)} bytes")
    table = b"".join(length.to_bytes(2, "big") for length in lengths)
    return bytes((Type.COMPOUND, len(parts))) + table + b"".join(parts)
