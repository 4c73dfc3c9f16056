"""How an API answers and refuses: JSON whatever happens, with a status that says how it went.

    {"error": {"code": "full", "message": "…", "retryAfter": 1}}

`code` is the name of the error, `message` is for people and begins with the field at fault, `retryAfter` is in seconds,
and `index` says which message of a publish it was.
"""

import math
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from twisted.web import http

from serena.core.errors import PeerError, TooBig, WorldError, WrongKey
from serena.web.answers import JSON, Answer

# Which pages may ask at all is the guard's business; these say what they may do. No credentials: the key is a header.
CORS: tuple[tuple[str, str], ...] = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, secretKey"),
    ("Access-Control-Expose-Headers", "Allow, Retry-After"),
    ("Access-Control-Max-Age", "600"),
)
_BESIDE = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), *CORS)
_STATUSES = {TooBig.name: TooBig.status}  # of refusals that only carry the name of an error

_encode = msgspec.json.Encoder().encode


class BadRequest(PeerError):
    """What was sent can't be read, or has a field that is unknown, missing or out of range."""

    name = "badRequest"
    status = 400

    def __init__(self, text: str, index: int | None = None) -> None:
        super().__init__(text)
        self.index = index  # of the message at fault, in a publish


class NotFound(PeerError):
    """There is no such thing."""

    name = "notFound"
    status = 404


class NotAllowed(PeerError):
    """There is such a path, and it does not take this method."""

    name = "methodNotAllowed"
    status = 405


class Foreign(PeerError):
    """A page of another origin, while the key is still the one that everybody knows."""

    name = "foreignOrigin"
    status = 403


class Busy(WorldError):
    """As many wait already as the node lets wait. `retry_after` seconds from now there may be room."""

    name = "busy"
    status = 503

    def __init__(self, text: str, retry_after: float = 1.0) -> None:
        super().__init__(text)
        self.retry_after = round(retry_after, 3)


class HeldBack(WrongKey):
    """Another wrong key, of an address that showed too many. In `retry_after` seconds it is answered at once again."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("secretKey: wrong or missing, too often of late")
        self.retry_after = round(retry_after, 3)


class Fault(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What is wrong. `retry_after` is in seconds; `index` says which message of a publish is at fault."""

    code: str
    message: str
    retry_after: float | UnsetType = UNSET
    index: int | UnsetType = UNSET


class Refusal(msgspec.Struct, forbid_unknown_fields=True):
    """What is answered instead of what was asked for. `result` is the verdict on a message that it is about."""

    error: Fault
    result: str | UnsetType = UNSET


def answered(value: Any, status: int = http.OK) -> Answer:
    """Answer with a JSON body."""
    return Answer(_encode(value), JSON, status, cors=False, headers=_BESIDE)


def refused(
    error: PeerError | WorldError, *, result: str | None = None, headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
    """Say why not."""
    name = getattr(error, "name", "unavailable" if isinstance(error, WorldError) else "badRequest")
    status: int = _STATUSES.get(name, getattr(error, "status", http.SERVICE_UNAVAILABLE))
    wait, index = getattr(error, "retry_after", None), getattr(error, "index", None)
    fault = Fault(name, str(error), UNSET if wait is None else wait, UNSET if index is None else index)
    if wait is not None:
        headers += (("Retry-After", str(max(1, math.ceil(wait)))),)
    if status == http.UNAUTHORIZED:
        headers += (("WWW-Authenticate", "Bearer"),)
    body = _encode(Refusal(fault, UNSET if result is None else result))
    return Answer(body, JSON, status, cors=False, headers=(*_BESIDE, *headers))


NO_KEY = refused(WrongKey("secretKey: wrong or missing"))
FOREIGN = Answer(
    _encode(Refusal(Fault(Foreign.name, "this origin may not ask while the secretKey is the default"))),
    JSON,
    Foreign.status,
    cors=False,
)
BROKEN = Answer(_encode(Refusal(Fault("internal", "internal error"))), JSON, 500, cors=False, headers=_BESIDE)
OPTIONS = Answer(content_type="", status=http.NO_CONTENT, cors=False, headers=CORS)
