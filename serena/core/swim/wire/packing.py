"""Compressed messages: a type byte, then a struct of algorithm and bytes. The algorithm is LZW; there is no other."""

from serena.core.errors import MisuseError
from serena.core.swim.wire.bodies import Type
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.lzw import compress, expand
from serena.core.swim.wire.msgpack import blob, extent, number, raw, struct, whole, written

_FIELDS = (b"Algo", b"Buf")
_LZW = 0


def pack(data: bytes) -> bytes:
    """`data`, compressed, as a message. Raises MisuseError: Go dies of nothing at all in there."""
    if not data:
        raise MisuseError("there is nothing to compress")
    return bytes((Type.COMPRESS,)) + written([(b"Algo", number(_LZW)), (b"Buf", raw(compress(data)))])


def unpack(data: bytes, at: int, limit: int) -> bytes:
    """What the struct at `at` has packed, of at most `limit` bytes. Raises Dropped."""
    extent(data, at)
    found = struct(data, at, _FIELDS)
    if whole(found.get(b"Algo"), 0xFF) != _LZW:
        raise Dropped("algorithm")
    plain = expand(blob(found.get(b"Buf")) or b"", limit)
    if not plain:
        raise Dropped("empty")
    return plain
