"""The fast lane: what nearly every frame of a client is, read without Autobahn's machinery.

    1 byte     0x81: a text, final, no extension
    1 byte     0x80 + length up to 125, or + 126, or + 127
    2, 8 bytes the length, big-endian, where the byte before says 126 or 127, in the shortest of the three forms
    4 bytes    the mask
    n bytes    the text, each byte xored with that of the mask at its place modulo 4

It begins where a frame begins, outside of any message, and takes whole frames only. Everything else (control frames,
fragments, long ones, faults) is left where it is, from its first byte on, for Autobahn to read, and to refuse. So what
comes of a stream is the same with and without it; tests/protocols/test_fastlane.py proves that on random ones. Only the
moment may differ: of a frame that has not come whole Autobahn looks at the text already, the fast lane does not.
"""

from itertools import takewhile
from typing import NamedTuple

from autobahn.websocket import USES_NVX
from autobahn.websocket.xormasker import create_xor_masker  # type: ignore[attr-defined]  # it imports it as well

LONGEST = 1 << 18  # bytes of a frame's text that is waited for; a longer one is better read piece by piece

_TEXT = 0x81
_MASKED = 0x80
_SHORT = 126  # what the second byte says where the length does not fit there; 127 where it needs 8 bytes
_CODE = 64  # bytes of a text that many frames in a row may have alike: a code has 40
_MANY = 64  # frames: fewer are quicker read one by one
_LONG = 2_000 if USES_NVX else LONGEST + 1  # bytes of a text that Autobahn's machine code unmasks sooner
_from_bytes = int.from_bytes


class Cut(NamedTuple):
    """`frames` are texts, ascending; `rest` is what is behind them.

    `unfinished`: the rest is the beginning of another frame for the fast lane, and nothing else.
    """

    frames: list[bytes]
    rest: bytes
    unfinished: bool


def cut(data: bytes, longest: int) -> Cut:  # noqa: C901 -- one loop: a call for each frame would cost as much again
    """Take the plain frames off the front. `longest` is how long a text may be, in bytes."""
    longest = min(longest, LONGEST)
    frames: list[bytes] = []
    size, at = len(data), 0
    alone_until = 0  # where no run was found, none is looked for before this place
    unfinished = True
    while size - at >= 2:  # noqa: PLR2004 -- the shortest header
        length = data[at + 1] - _MASKED
        if data[at] != _TEXT or length < 0:
            unfinished = False
            break
        mask_at = at + 2
        if length >= _SHORT:
            mask_at += 2 if length == _SHORT else 8
            if mask_at > size:
                break
            shortest = _SHORT if length == _SHORT else 1 << 16
            length = _from_bytes(data[at + 2 : mask_at], "big")
            if length < shortest:
                unfinished = False
                break
        if length > longest:
            unfinished = False
            break
        text_at = mask_at + 4
        end = text_at + length
        if end > size:
            break
        if length <= _CODE and at >= alone_until and data[end : end + 2] == data[at : at + 2]:
            texts = _run(data, at, length)
            frames += texts
            at += (end - at) * len(texts)
            if texts:
                continue
            alone_until = at + (end - at) * _MANY
        if length < _LONG:
            mask = data[mask_at:text_at] * ((length >> 2) + 1)
            text = (
                _from_bytes(data[text_at:end], "little") ^ _from_bytes(mask[:length], "little")
            ).to_bytes(length, "little")  # fmt: skip
        else:
            text = create_xor_masker(data[mask_at:text_at], length).process(data[text_at:end])
        if not (text.isascii() or _is_utf8(text)):
            unfinished = False
            break
        frames.append(text)
        at = end
    return Cut(frames, data[at:] if at else data, unfinished)


def _run(data: bytes, at: int, length: int) -> list[bytes]:
    """The texts of a run of frames of one length, as acknowledgements are, unmasked together, place by place.

    All before the first that is no UTF-8; none where the run is so short that one by one is quicker.
    """
    stride = length + 6
    last = at + stride * (_MANY - 1)
    if data[last : last + 2] != data[at : at + 2]:
        return []
    count = (len(data) - at) // stride
    for byte in (at, at + 1):
        column = data[byte : at + stride * count : stride]
        count = len(column) - len(column.lstrip(data[byte : byte + 1]))
    if count < _MANY:
        return []
    size = stride * count
    masks = bytearray(size)
    for place in range(length):
        masks[6 + place :: stride] = data[at + 2 + (place & 3) : at + size : stride]
    texts = (_from_bytes(data[at : at + size], "little") ^ _from_bytes(masks, "little")).to_bytes(size, "little")
    found = [texts[start : start + length] for start in range(6, size + 1, stride)]
    return found if b"".join(found).isascii() else list(takewhile(_is_utf8, found))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
