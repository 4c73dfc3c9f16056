"""What an HTTP face of a node answers: bodies, and headers in the original's order (spec, 2.2).

The order is the original's to the byte: cross-origin headers, Content-Type and what else is said, Date, Content-Length.
"""

import math
from dataclasses import dataclass
from typing import Any

import msgspec
from twisted.web import http
from twisted.web.server import Request

JSON = "application/json; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"

CORS: tuple[tuple[str, str], ...] = (
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Allow-Headers", "Content-Type,AccessToken,X-CSRF-Token, Authorization, Token, secretKey"),
    ("Access-Control-Allow-Methods", "POST, GET, OPTIONS"),
    ("Access-Control-Allow-Origin", "*"),
    (
        "Access-Control-Expose-Headers",
        "Content-Length, Access-Control-Allow-Origin, Access-Control-Allow-Headers, Content-Type",
    ),
)

# Go's encoder writes these so, and then no browser takes an answer for a page.
_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def to_json(value: Any) -> bytes:
    """Encode as the original does: no blanks, no newline, keys of maps sorted, fields of structs in their order."""
    body = msgspec.json.encode(value, order="deterministic")
    for raw, escaped in _ESCAPES:
        body = body.replace(raw, escaped)
    return body


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `cors` says whether pages of other origins may read it; `headers` come after Content-Type."""

    body: bytes = b""
    content_type: str = JSON
    status: int = 200
    cors: bool = True
    headers: tuple[tuple[str, str], ...] = ()


def answer_json(value: Any, *, status: int = 200, cors: bool = True) -> Answer:
    """Answer with a JSON body."""
    return Answer(to_json(value), status=status, cors=cors)


def try_later(value: Any, seconds: float, *, cors: bool = True) -> Answer:
    """Answer 503: the same request may succeed in so many seconds."""
    headers = (("Retry-After", str(max(1, math.ceil(seconds)))),)
    return Answer(to_json(value), status=http.SERVICE_UNAVAILABLE, cors=cors, headers=headers)


NOT_FOUND = Answer(b"404 page not found", content_type="text/plain", status=http.NOT_FOUND)
NO_CONTENT = Answer(content_type="", status=http.NO_CONTENT)
WRONG_KEY = answer_json({"code": -1, "msg": "Secret key matching error"})  # the Go client compares this text
FOREIGN_ORIGIN = answer_json(
    {"code": -1, "msg": "This origin may not ask while the secretKey is the default"}, status=http.FORBIDDEN, cors=False
)


def redirect(location: bytes, status: int) -> Answer:
    """Answer with another place, given as the raw bytes that the request line may hold."""
    return Answer(content_type="", status=status, cors=False, headers=(("Location", location.decode("latin-1")),))


def set_headers(request: Request, answer: Answer, *, whole: bool = True) -> None:
    """Put status and headers of this answer on the request, and take any others away. Not `whole`: more will follow."""
    request.setResponseCode(answer.status)
    headers = request.responseHeaders
    closing = headers.getRawHeaders(b"Connection")
    for name, _ in list(headers.getAllRawHeaders()):
        headers.removeHeader(name)
    said = CORS if answer.cors else ()
    if answer.content_type:
        said += (("Content-Type", answer.content_type),)
    for title, value in (*said, *answer.headers):
        headers.addRawHeader(title, value)
    headers.addRawHeader(b"Date", http.datetimeToString())
    if whole and answer.status not in http.NO_BODY_CODES:
        headers.addRawHeader(b"Content-Length", b"%d" % len(answer.body))
    for token in closing or ():
        headers.addRawHeader(b"Connection", token)


def send(request: Request, answer: Answer) -> None:
    """Write the whole answer and be done with the request."""
    set_headers(request, answer)
    request.write(answer.body)
    request.finish()
