"""The header that tells clusters apart: 0xf4, a length of 1 to 255, the label. It is no secret."""

from serena.core.errors import MisuseError
from serena.core.swim.wire.bodies import Type
from serena.core.swim.wire.faults import Dropped

LONGEST_LABEL = 255

_LABEL = bytes((Type.LABEL,))


def header(label: bytes) -> bytes:
    """What stands before everything; nothing without a label. Raises MisuseError."""
    if len(label) > LONGEST_LABEL:
        raise MisuseError(f"a label of {len(label)} bytes")
    return _LABEL + bytes((len(label),)) + label if label else b""


def stripped(data: bytes, expected: bytes) -> bytes:
    """What follows the header in `data`, which must be as `expected`. Raises Dropped."""
    if not data.startswith(expected) or (not expected and data.startswith(_LABEL)):
        raise Dropped("label")
    return data[len(expected) :]
