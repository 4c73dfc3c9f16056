"""Rows to JSON and back, any text included.

msgspec does it fast, and refuses text that is not Unicode (lone surrogates). SQLite takes bytes as they are, so that
such text goes by way of WTF-8: each surrogate is three bytes of its own. Escapes would not do: SQLite, like every JSON
reader, makes one character of two escaped surrogates that happen to stand side by side.
"""

import json
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


def encoded(rows: Sequence[object]) -> bytes | None:
    """A list of tuples or array-like structs as JSON text; None where it is empty."""
    if not rows:
        return None
    try:
        return _encode(rows)
    except UnicodeEncodeError:
        plain = [msgspec.structs.astuple(row) if isinstance(row, msgspec.Struct) else row for row in rows]
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


class Reader(Generic[T]):
    """Reads JSON text, as SQLite gives it, into values of one type."""

    def __init__(self, shape: type[T]) -> None:
        self._shape = shape
        self._decode = msgspec.json.Decoder(shape).decode

    def __call__(self, text: bytes) -> T:
        """The value. Raises msgspec.ValidationError where the text is of another shape."""
        try:
            return self._decode(text)
        except UnicodeDecodeError:
            return msgspec.convert(json.loads(text.decode("utf-8", "surrogatepass")), self._shape)
