"""What our nodes say of themselves in the pool, as metadata: a small JSON object.

    {"v": "0.1.0", "p": ["classic", "v2"], "l": 3}

`v` is the version, `p` are the protocols that it speaks, `l` is its load, in steps so coarse that it seldom changes.
Later versions may say more. The originals say nothing, and other programs what they like.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from serena.core.errors import MisuseError

LONGEST = 512  # bytes, memberlist's limit


class _Ours(msgspec.Struct):
    v: str
    p: list[str]
    l: int  # noqa: E741 -- as short as it is on the wire


_encode = msgspec.json.Encoder().encode
_check = msgspec.json.Decoder(_Ours).decode


def write_meta(version: str, protocols: Sequence[str], load: int = 0) -> bytes:
    """Write it. Raises MisuseError where it is longer than a datagram has room for."""
    written = _encode(_Ours(version, list(protocols), load))
    if len(written) > LONGEST:
        raise MisuseError(f"metadata of {len(written)} bytes: {LONGEST} is the most")
    return written


def read_meta(raw: bytes | None) -> Mapping[str, Any] | None:
    """The object as it came, with whatever else it says; None where it is not one of ours."""
    if not raw or len(raw) > LONGEST:
        return None
    try:
        _check(raw)
        found: dict[str, Any] = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found
