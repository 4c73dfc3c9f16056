"""msgpack as memberlist speaks it: maps of few fields, in the dialect that knows no `bin` and no `str8`.

Written is the old dialect only. Read is what Go's decoders take: text in any of the raw forms, integers of any width,
keys in any order and unknown ones too, a struct as an array of its fields in the order of their declaration.

A value is first walked over, head by head, without building anything: that finds its end, wherever the bytes at hand
end, and refuses what is nested too deep or announces more than can follow. What was walked over is then read without
further checks of its shape.
"""

from collections.abc import Sequence

from serena.core.swim.wire.faults import Dropped

Value = object
"""A field as read: int, bool, bytes, a tuple of ints, None, or UNFIT."""

UNFIT = object()
"""Stands for a float, a map, an extension, an array of other things: no field takes them."""

_DEEPEST = 32  # containers within each other
# Values in a struct, its keys and all that is nested in it included. Ours have 17 at most; a datagram of a thousand
# bytes can unpack to hundreds of structs, each of which takes time for every value.
_MOST_ITEMS = 128

_WHOLE, _SIGNED, _FLOAT, _NIL, _BOOL, _RAW, _EXT, _ARRAY, _MAP, _BAD = range(10)
_SIZED = _RAW  # from here on the number says how much follows


def _heads() -> tuple[tuple[int, int, int], ...]:
    """For each first byte: the kind, how many bytes of a number follow, and the number if none do."""
    heads = [(_WHOLE, 0, code) for code in range(0x80)]
    heads += [(_MAP, 0, count) for count in range(16)]
    heads += [(_ARRAY, 0, count) for count in range(16)]
    heads += [(_RAW, 0, length) for length in range(32)]
    heads += [(_NIL, 0, 0), (_BAD, 0, 0), (_BOOL, 0, 0), (_BOOL, 0, 1)]
    heads += [(_RAW, width, 0) for width in (1, 2, 4)]  # bin
    heads += [(_EXT, width, 0) for width in (1, 2, 4)]
    heads += [(_FLOAT, 4, 0), (_FLOAT, 8, 0)]
    heads += [(_WHOLE, width, 0) for width in (1, 2, 4, 8)]
    heads += [(_SIGNED, width, 0) for width in (1, 2, 4, 8)]
    heads += [(_EXT, 0, length) for length in (1, 2, 4, 8, 16)]
    heads += [(_RAW, width, 0) for width in (1, 2, 4)]
    heads += [(_ARRAY, 2, 0), (_ARRAY, 4, 0), (_MAP, 2, 0), (_MAP, 4, 0)]
    heads += [(_WHOLE, 0, code) for code in range(-32, 0)]
    return tuple(heads)


_HEADS = _heads()


class Allowance:
    """How many values may be in several structs together: `left` says how many may still come."""

    def __init__(self, left: int) -> None:
        self.left = left


class Scan:
    """Walks over one value whose bytes may come bit by bit. Each byte is looked at once at most.

    `longest` is what the value may take; beyond that it is dropped for the reason `beyond`. `most` is how many values
    it may be, with all that is nested in it.
    """

    def __init__(self, longest: int, beyond: str = "oversized", most: int = _MOST_ITEMS) -> None:
        self.at = 0
        """Where the next head stands, or the value ends, from its start."""
        self._longest = longest
        self._beyond = beyond
        self._open = [1]  # how many values are still to come, for each container that is open
        self._owed = 1  # their sum
        self._most = most
        self.items = 0
        """How many values were walked over."""

    @property
    def least(self) -> int:
        """How many bytes, from its start, are needed to get on.

        That is up to the next head and no further, so that what is wrong with a head is found with its last byte,
        wherever the bytes are cut.
        """
        return self.at + (self._owed > 0)

    def reached(self, data: bytes | bytearray, base: int) -> bool:
        """Go on in `data`, where the value begins at `base`. Whether all of it is there. Raises Dropped."""
        have = len(data) - base
        while self._owed:
            if self.at >= have:
                return False
            start = base + self.at
            kind, width, number = _HEADS[data[start]]
            if self.at + width >= have:
                return False
            if width and kind >= _SIZED:
                number = int.from_bytes(data[start + 1 : start + 1 + width], "big")
            self._step(kind, 1 + width, number)
        return self.at <= have

    def _step(self, kind: int, head: int, number: int) -> None:
        """One value more: its head has that many bytes."""
        if kind == _BAD:
            raise Dropped("malformed")
        self.items += 1
        self.at += head
        self._owed -= 1
        self._open[-1] -= 1
        if kind == _RAW:
            self.at += number
        elif kind == _EXT:
            self.at += number + 1
        elif kind >= _ARRAY:
            self._enter(2 * number if kind == _MAP else number)
        while self._open and not self._open[-1]:
            self._open.pop()
        if self.at + self._owed > self._longest:
            raise Dropped(self._beyond)
        if self.items + self._owed > self._most:
            raise Dropped("oversized")

    def _enter(self, count: int) -> None:
        if len(self._open) > _DEEPEST:
            raise Dropped("nested")
        self._open.append(count)
        self._owed += count


def extent(data: bytes, at: int, allowance: Allowance | None = None) -> int:
    """Where the value at `at` ends, all of which must be there. What it takes of the allowance is taken in any case.

    Raises Dropped.
    """
    most = _MOST_ITEMS if allowance is None else min(_MOST_ITEMS, allowance.left)
    scan = Scan(len(data) - at, beyond="truncated", most=most)
    try:
        if not scan.reached(data, at):
            raise Dropped("truncated")
    finally:
        if allowance is not None:
            allowance.left -= min(scan.items, most)
    return at + scan.at


def struct(data: bytes, at: int, names: Sequence[bytes]) -> dict[bytes, Value]:
    """The fields of those names, as far as they are there, of a struct that was walked over. Of twins the last counts.

    `names` stand in the order of their declaration. Raises Dropped.
    """
    kind, number, at = _head(data, at)
    found: dict[bytes, Value] = {}
    if kind == _MAP:
        for _ in range(number):
            key, at = _value(data, at)
            if not isinstance(key, bytes):
                raise Dropped("malformed")
            value, at = _value(data, at)
            if key in names:
                found[key] = value
    elif kind == _ARRAY:
        for name in names[:number]:
            found[name], at = _value(data, at)
    else:
        raise Dropped("malformed")
    return found


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """The kind, the number, and where what follows begins."""
    kind, width, number = _HEADS[data[at]]
    at += 1
    if width:
        number = int.from_bytes(data[at : at + width], "big", signed=kind == _SIGNED)
    return kind, number, at + width


def _value(data: bytes, at: int) -> tuple[Value, int]:
    """A value and where it ends. Arrays of numbers are read; whatever else is nested is walked over."""
    kind, number, body = _head(data, at)
    if kind == _RAW:
        return data[body : body + number], body + number
    if kind <= _SIGNED:
        return number, body
    if kind in (_NIL, _BOOL):
        return (None if kind == _NIL else bool(number)), body
    end = extent(data, at)
    return (_numbers(data, body, end) if kind == _ARRAY else UNFIT), end


def _numbers(data: bytes, at: int, end: int) -> Value:
    """The numbers of an array; UNFIT if there is anything else in it."""
    numbers = []
    while at < end:
        kind, number, at = _head(data, at)
        if kind > _SIGNED:
            return UNFIT
        numbers.append(number)
    return tuple(numbers)


# ------------------------------------------------------------------------------------------------------------ fields


def whole(value: Value, most: int) -> int:
    """A number from 0 to `most`; nothing counts as 0. Raises Dropped."""
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise Dropped("malformed")
    return value


def switch(value: Value) -> bool:
    """True or False, also as 1 or 0; nothing counts as False. Raises Dropped."""
    return value if isinstance(value, bool) else whole(value, 1) == 1


def text(value: Value) -> bytes:
    """Text, as the bytes it came in; nothing counts as empty. Raises Dropped."""
    if value is None:
        return b""
    if not isinstance(value, bytes):
        raise Dropped("malformed")
    return value


def blob(value: Value) -> bytes | None:
    """Bytes, also as an array of numbers; or nothing. Raises Dropped."""
    if isinstance(value, tuple):
        return bytes(whole(item, 0xFF) for item in value)
    return None if value is None else text(value)


# ----------------------------------------------------------------------------------------------------------- writing

_FIXED_RAW = 32
_FIXED_WHOLE = 0x80
_RAWS = ((0xDA, 2), (0xDB, 4))  # code, bytes of the length
_WHOLES = ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8))


def raw(data: bytes | None) -> bytes:
    """Text or bytes; None is nil."""
    if data is None:
        return b"\xc0"
    if len(data) < _FIXED_RAW:
        return bytes((0xA0 | len(data),)) + data
    return _shortest(_RAWS, len(data)) + data


def number(value: int) -> bytes:
    """A number from 0, of up to 64 bits, as short as can be."""
    return bytes((value,)) if value < _FIXED_WHOLE else _shortest(_WHOLES, value)


def _shortest(codes: Sequence[tuple[int, int]], value: int) -> bytes:
    """The first code whose width will do, then the number in that width."""
    code, width = next(each for each in codes if value < 1 << 8 * each[1])
    return bytes((code,)) + value.to_bytes(width, "big")


def boolean(value: bool) -> bytes:  # noqa: FBT001 - it is the value that is written
    """True or False."""
    return b"\xc3" if value else b"\xc2"


def written(fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A struct of at most 15 fields: names and what was written for them, in the order of the names' bytes."""
    parts = [bytes((0x80 | len(fields),))]
    for name, value in fields:
        parts += (raw(name), value)
    return b"".join(parts)
