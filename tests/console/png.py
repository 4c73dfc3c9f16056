"""PNG pictures with a palette: what a browser draws of a page has few colours, and is a third as long with one."""

import struct
import zlib
from collections import Counter

_SIGN = b"\x89PNG\r\n\x1a\n"
_MOST = 256  # colours of a palette


def with_palette(picture):
    """The same picture with a palette. Of more than 256 colours those that are alike become one."""
    width, rows = _rows(picture)
    pixels = [row[at : at + 3] for row in rows for at in range(0, 3 * width, 3)]
    palette, number = _palette([colour for colour, _ in Counter(pixels).most_common()])
    drawn = bytes(map(number.__getitem__, pixels))
    lines = b"".join(b"\0" + drawn[at : at + width] for at in range(0, len(drawn), width))
    head = struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return _SIGN + b"".join(_chunk(*part) for part in parts)


def _palette(colours):
    """At most 256 of these, which come most frequent first, and the number of each: its own, or that of one like it."""
    for near in range(0, 255, 6):
        palette, number = [], {}
        for colour in colours:
            at, far = _nearest(palette, colour)
            if far > near * near:
                at = len(palette)
                palette.append(colour)
            number[colour] = at
            if len(palette) > _MOST:
                break
        else:
            break
    return palette, number


def _chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _nearest(palette, colour):
    """The number of the colour that is most like it, and how far off that is, squared."""
    red, green, blue = colour
    best, least = 0, 1 << 20
    for at, (r, g, b) in enumerate(palette):
        far = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2
        if far < least:
            best, least = at, far
    return best, least


def _rows(picture):
    """The width of a picture of 8 bits a colour, and its rows: three bytes a pixel."""
    at, packed, width, step = len(_SIGN), b"", 0, 3
    while at < len(picture):
        size, name = struct.unpack(">I4s", picture[at : at + 8])
        body = picture[at + 8 : at + 8 + size]
        if name == b"IHDR":
            width, _, depth, kind = struct.unpack(">IIBB", body[:10])
            if (depth, kind) not in {(8, 2), (8, 6)}:
                raise ValueError(f"a picture of another kind: {depth} bits, {kind}")
            step = 3 if kind == 2 else 4
        elif name == b"IDAT":
            packed += body
        at += size + 12
    raw, line = zlib.decompress(packed), width * step
    rows, above = [], bytes(line)
    for start in range(0, len(raw), line + 1):
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + line]), above, step)
        rows.append(bytes(above) if step == 3 else b"".join(above[one : one + 3] for one in range(0, line, 4)))
    return width, rows


def _unfiltered(kind, row, above, step):
    """A row as it was before it was made easier to compress."""
    if kind == 0:
        return row
    if kind == 2:
        return bytearray((one + up) & 255 for one, up in zip(row, above, strict=True))
    for at, one in enumerate(row):
        left, up = (row[at - step] if at >= step else 0), above[at]
        if kind == 1:
            row[at] = (one + left) & 255
        elif kind == 3:
            row[at] = (one + (left + up) // 2) & 255
        else:
            row[at] = (one + _paeth(left, up, above[at - step] if at >= step else 0)) & 255
    return row


def _paeth(left, up, corner):
    guess = left + up - corner
    far = abs(guess - left), abs(guess - up), abs(guess - corner)
    return left if far[0] <= far[1] and far[0] <= far[2] else up if far[1] <= far[2] else corner
