"""What a producer sends, read as the original reads it: Go's encoding/json into two fields.

Names match without regard to case, what is unknown is passed over, what is missing or null stays as it was ("" and 0),
the last one of a name counts, half a surrogate pair becomes U+FFFD. Beyond the original, DelayTime may be an integer as
text; short of it, nesting ends at some 900 levels, and there are no more than 10,000 values in a message: reading
them takes the node's time from everybody else.
"""

import json
import re
from typing import Any

from kapokmq.core.errors import BadEncoding, BadMessage

MOST_VALUES = 10_000

_INT64 = range(-(1 << 63), 1 << 63)
_INTEGER = re.compile(r"-?[0-9]{1,64}", re.ASCII)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # the last one may not end: no reading it twice
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Number(str):
    """A number's literal: whether it may be an integer depends on how it was written."""

    __slots__ = ()


class _Object(list[tuple[str, Any]]):
    """An object's pairs, in order."""

    __slots__ = ()


def _refuse(literal: str) -> None:
    """Python's JSON knows NaN and Infinity; JSON does not."""
    raise BadEncoding(f"not JSON: {literal}")


_DECODER = json.JSONDecoder(object_pairs_hook=_Object, parse_int=_Number, parse_float=_Number, parse_constant=_refuse)


def read_lenient(frame: bytes) -> tuple[str, int]:
    """Give MessageData and DelayTime. Raises BadEncoding and BadMessage."""
    _check_values(frame)
    try:
        value = _DECODER.decode(frame.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadEncoding(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise BadEncoding(f"not JSON at character {error.pos}") from None
    except RecursionError:
        raise BadEncoding("not JSON: nested too deeply") from None
    if value is None:
        return "", 0
    if type(value) is not _Object:
        raise BadEncoding("not a JSON object")
    data, delay = "", 0
    for name, given in value:
        # U+017F is a way to write s: Go's comparison says so.
        folded = name.replace("\u017f", "s").lower()
        if given is None:
            continue
        if folded == "messagedata":
            data = _text(given)
        elif folded == "delaytime":
            delay = _integer(given)
    return data, delay


def _check_values(frame: bytes) -> None:
    """Refuse what holds more values than anybody needs, without reading it."""
    if _marks(frame) <= MOST_VALUES:
        return
    # Most of these marks may be in texts. No text begins with an escaped quote, so there are at least half as many.
    quotes = frame.count(b'"') - frame.count(b'\\"')
    if quotes > 4 * MOST_VALUES or _marks(_STRING.sub(b"", frame)) > MOST_VALUES:
        raise BadMessage(f"JSON: more than {MOST_VALUES} values")


def _marks(text: bytes) -> int:
    """Count what stands before each value but the first in JSON that holds no texts."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _text(given: Any) -> str:
    """MessageData's value."""
    if type(given) is not str:
        raise BadEncoding("MessageData: not a string")
    return _SURROGATE.sub("\ufffd", given)


def _integer(given: Any) -> int:
    """DelayTime's value."""
    if not isinstance(given, str) or not _INTEGER.fullmatch(given):
        raise BadEncoding("DelayTime: not an integer")
    value = int(given)
    if value not in _INT64:
        raise BadEncoding("DelayTime: does not fit in 64 bits")
    return value
