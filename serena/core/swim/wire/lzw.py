"""LZW as Go's compress/lzw writes it, least significant bit first, 8 bits a literal: the flavour of GIF.

Codes below 256 are bytes, 256 clears the table, 257 ends the stream, and from 258 on they stand for strings seen
before. They are 9 to 12 bits wide, packed from the low end of each byte. Both sides count codes: after a clear the
count stands at 257, each code adds 1, and when it reaches 2 to the power of the width, codes get a bit wider.
"""

from itertools import chain

from serena.core.swim.wire.faults import Dropped

_CLEAR = 256
_END = 257
_FIRST = 258
_NARROW = 9
_WIDE = 12
_NO_BYTE = -1  # comes after the last byte and never belongs to a string
_FULL = (1 << _WIDE) - 1  # the count at which the writer starts over


def compress(data: bytes) -> bytes:
    """Byte for byte what Go makes of it."""
    packed = bytearray()
    known: dict[int, int] = {}  # code of a string << 8 | byte after it -> code of both
    bits, held = _CLEAR, _NARROW  # bits not written yet, and how many they are
    width, count = _NARROW, _END
    code = -1
    for byte in chain(data, (_NO_BYTE,)):
        if code < 0:
            code = byte
            continue
        longer = known.get(code << 8 | byte)
        if longer is not None:
            code = longer
            continue
        bits |= code << held
        held += width
        count += 1
        if count == _FULL:
            bits |= _CLEAR << held
            held += width
            width, count = _NARROW, _END
            known.clear()
        else:
            known[code << 8 | byte] = count
            width += count >> width
        code = byte
        whole = held >> 3
        packed += (bits & (1 << 8 * whole) - 1).to_bytes(whole, "little")
        bits >>= 8 * whole
        held &= 7
    bits |= _END << held
    packed += bits.to_bytes((held + width + 7) >> 3, "little")
    return bytes(packed)


def expand(data: bytes, limit: int) -> bytes:
    """What was compressed, of at most `limit` bytes; what follows the end is ignored.

    Raises Dropped. Time and memory are in proportion to `data` and `limit`, whatever the codes say.
    """
    plain = bytearray()
    table = [bytes((byte,)) for byte in range(_CLEAR)] + [b"", b""]
    last = b""  # the string before, which the next code makes an entry of
    width, mask = _NARROW, (1 << _NARROW) - 1
    bits = held = 0
    for byte in data:
        bits |= byte << held
        held += 8
        if held < width:
            continue
        code = bits & mask
        bits >>= width
        held -= width
        if code == _CLEAR:
            del table[_FIRST:]
            last = b""
            width, mask = _NARROW, (1 << _NARROW) - 1
            continue
        if code == _END:
            return bytes(plain)
        string = _string(table, code, last)
        plain += string
        if len(plain) > limit:
            raise Dropped("bomb")
        if last and len(table) <= _FULL:
            table.append(last + string[:1])
            if len(table) > mask and width < _WIDE:
                width += 1
                mask = (1 << width) - 1
        last = string
    raise Dropped("truncated")


def _string(table: list[bytes], code: int, last: bytes) -> bytes:
    """What `code` stands for. It may be the very entry that it completes: the string before and its first byte."""
    if code < len(table) and (code < _CLEAR or last):
        return table[code]
    if code == len(table) and last:
        return last + last[:1]
    raise Dropped("malformed")
