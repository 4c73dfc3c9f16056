"""What a request brings, read strictly: names in the path, the query, the body.

Shapes are msgspec structs, and the OpenAPI document is made from the same. Whatever does not fit is BadRequest, whose
text begins with the field: `limit: expected int <= 1000`.
"""

import re
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from twisted.web.server import Request

from kapokmq.core.errors import BadEncoding
from kapokmq.protocols.api.answers import NotJson
from serena.web.refusals import BadRequest

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

JSON_TYPE = b"application/json"
MOST_PARAMETERS = 128

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_INDEX = re.compile(r" - at `\$\.messages\[(\d+)\][^`]*`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`", re.DOTALL)


def unescaped(text: bytes, what: str) -> str:
    """Undo percent-encoding, strictly. Raises BadRequest, and BadEncoding for what is not UTF-8."""
    if _BROKEN_ESCAPE.search(text):
        raise BadRequest(f"{what}: is not percent-encoded")
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise BadEncoding(f"{what}: is not UTF-8") from None


def read_query(uri: bytes, shape: type[S]) -> S:
    """Read the part behind the `?`. Only a parameter whose field is a list may come twice."""
    query = uri.partition(b"?")[2]
    pairs = [pair for pair in query.split(b"&", MOST_PARAMETERS) if pair]
    if len(pairs) > MOST_PARAMETERS:
        raise BadRequest(f"query: more than {MOST_PARAMETERS} parameters")
    lists = {field.encode_name for field in msgspec.structs.fields(shape) if _is_list(field)}
    given: dict[str, Any] = {}
    for pair in pairs:
        raw_name, _, raw_value = pair.replace(b"+", b" ").partition(b"=")
        name = unescaped(raw_name, "query")
        value = unescaped(raw_value, name)
        if name in lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise BadRequest(f"{name}: is given twice")
        else:
            given[name] = value
    try:
        found = msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(said(error)) from None
    for field in msgspec.structs.fields(found):
        if field.encode_name in given and getattr(found, field.name) is None:  # "null", to msgspec
            raise BadRequest(f"{field.encode_name}: null says nothing")
    return found


def _is_list(field: msgspec.structs.FieldInfo) -> bool:
    """Whether a parameter may come many times."""
    return field.default_factory is list


def body_of(request: Request) -> bytes:
    """The bytes of a JSON body, empty where there are none. Raises NotJson and BadEncoding."""
    body = bytes(request.content.read()) if request.content else b""
    if body:
        kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
        if kind != JSON_TYPE:
            raise NotJson("Content-Type: must be application/json")
        try:
            body.decode("utf-8")  # values that are carried as they stand are not looked at by anybody else
        except UnicodeDecodeError:
            raise BadEncoding("body: is not UTF-8") from None
    return body


def read_body(body: bytes, shape: type[T]) -> T:
    """Read a JSON body. An empty one is an empty object."""
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise BadRequest(said(error), _index(error)) from None
    except msgspec.DecodeError as error:
        raise BadRequest(f"body: is not JSON: {error}") from None
    except RecursionError:
        raise BadRequest("body: is nested too deeply") from None


def said(error: msgspec.ValidationError) -> str:
    """Say what does not fit with the field first."""
    text = str(error)
    found = _PLACE.search(text)
    place = found["place"] if found else ""
    fault = text[: found.start()] if found else text
    for pattern, how in ((_UNKNOWN, "is unknown"), (_MISSING, "is missing")):
        match = pattern.fullmatch(fault)
        if match:
            return f"{place}.{match['field']}: {how}" if place else f"{match['field']}: {how}"
    return f"{place or 'body'}: {fault[:1].lower()}{fault[1:].replace('`', '')}"


def _index(error: msgspec.ValidationError) -> int | None:
    """Which message of a publish does not fit, None where it is not one of many."""
    found = _INDEX.search(str(error))
    return None if found is None else int(found[1])
