"""Forms as the originals read them: urlencoded or multipart, of which the first value of a name counts.

Whatever is not a form, or is a broken one, is an empty form: the original's console sends `multipart/form-data` without
a boundary and with the body `{}` wherever it has nothing to say (spec, 2.4). Query strings and JSON are no forms.
"""

import re
from collections.abc import Mapping
from contextlib import suppress

from serena.core.errors import PeerError

MOST_FIELDS = 100
LONGEST_HEAD = 8192  # bytes of a part's header lines

_PARAMETER = re.compile(rb';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)')


class BadField(PeerError):
    """A field of a form that can't be used. The text begins with the field's name."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"{field}: {fault}")
        self.field = field


class Form:
    """The fields of one form."""

    def __init__(self, fields: Mapping[bytes, bytes]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """The value of a field, empty where it is missing. Raises BadField where it is not UTF-8."""
        try:
            return self._fields.get(name.encode(), b"").decode("utf-8")
        except UnicodeDecodeError:
            raise BadField(name, "not UTF-8") from None


def read_form(content_type: bytes, body: bytes) -> Form:
    """Read a form of either kind. Raises BadField where it has more fields than anybody needs."""
    kind, parameters = _split_header(content_type)
    pairs: list[tuple[bytes, bytes]] = []
    if kind == b"application/x-www-form-urlencoded":
        pairs = _urlencoded(body)
    elif kind == b"multipart/form-data" and parameters.get(b"boundary"):
        pairs = _multipart(parameters[b"boundary"], body)
    return Form(dict(reversed(pairs)))  # of a name that comes twice the first counts


def _too_many() -> BadField:
    """Name the fault of a form that goes on and on."""
    return BadField("form", f"more than {MOST_FIELDS} fields")


def _urlencoded(body: bytes) -> list[tuple[bytes, bytes]]:
    """Give the pairs, leaving out what the original's parser refuses: semicolons and broken escapes."""
    if body.count(b"&") >= MOST_FIELDS:  # before splitting: a body of nothing but "&" would make millions
        raise _too_many()
    fields: list[tuple[bytes, bytes]] = []
    for pair in body.split(b"&"):
        if pair and b";" not in pair:
            name, _, value = pair.replace(b"+", b" ").partition(b"=")
            with suppress(UnicodeDecodeError):
                fields.append((_unescaped(name), _unescaped(value)))
    return fields


def _unescaped(text: bytes) -> bytes:
    r"""Undo percent-encoding. Raises UnicodeDecodeError where an escape is broken.

    Python's own `\x41` are undone in C; the standard library's `unquote` takes a second for a big message.
    """
    if b"%" not in text:
        return text
    return text.replace(b"\\", b"\\\\").replace(b"%", b"\\x").decode("unicode_escape").encode("latin-1")


def _multipart(boundary: bytes, body: bytes) -> list[tuple[bytes, bytes]]:
    """Give the parts that are fields, not files. A body that does not end as it should has none (RFC 2046, 5.1.1)."""
    delimiter = b"\r\n--" + boundary
    pieces = (b"\r\n" + body).split(delimiter, MOST_FIELDS + 1)  # what is before the parts, the parts, the end
    if delimiter in pieces[-1]:
        raise _too_many()
    fields: list[tuple[bytes, bytes]] = []
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return fields
        head, blank, value = piece.partition(b"\r\n\r\n")
        if not blank or not piece.startswith(b"\r\n") or len(head) > LONGEST_HEAD:
            break
        name = _field_name(head)
        if name is not None:
            fields.append((name, value))
    return []


def _field_name(head: bytes) -> bytes | None:
    """Find the name of a part in its header lines: None where it is a file or has none."""
    for line in head.split(b"\r\n"):
        label, _, value = line.partition(b":")
        if label.strip().lower() == b"content-disposition":
            _, parameters = _split_header(value)
            return None if b"filename" in parameters else parameters.get(b"name")
    return None


def _split_header(value: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Split `form-data; name="a"` into its kind and its parameters."""
    kind = value.partition(b";")[0].strip().lower()
    parameters: dict[bytes, bytes] = {}
    for match in _PARAMETER.finditer(value):
        name, given = match.groups()
        if given.startswith(b'"') and given.endswith(b'"') and len(given) > 1:
            given = re.sub(rb"\\(.)", rb"\1", given[1:-1])
        parameters.setdefault(name.lower(), given)
    return kind, parameters
