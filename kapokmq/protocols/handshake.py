"""What a request must look like to become a WebSocket connection: of the classic wire (spec, 2.3 and 3), or of v2."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from twisted.web import http
from twisted.web.server import Request

from kapokmq.core.errors import BadName
from kapokmq.core.names import check_name
from kapokmq.protocols.connections import Kind
from serena.web.answers import NOT_FOUND, PLAIN, Answer

VERSION = b"13"
UPGRADE_REQUIRED = 426
V2_PATH = b"/v2"
V2_SUBPROTOCOL = b"kapokmq.v2"
_KINDS = {b"Producers": Kind.PRODUCER, b"Consumers": Kind.CONSUMER}
_SEGMENTS = 5  # "", Producers, Conn, topic, id
_PERCENT_ENCODED = re.compile(rb"(?:[^%]|%[0-9A-Fa-f]{2})*")
_ENCODED_SLASH = re.compile(rb"%2[Ff]")
_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")  # 16 bytes as base64

# As the original answers whoever does not ask for an upgrade.
_NO_UPGRADE = Answer(b"Bad Request\n", PLAIN, http.BAD_REQUEST, headers=(("Sec-Websocket-Version", "13"),))
_WRONG_VERSION = Answer(
    b"WebSocket version 13 is the only one spoken here\n",
    PLAIN,
    UPGRADE_REQUIRED,
    headers=(("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
)


class RefusedUpgrade(Exception):
    """The request stays HTTP, and is answered so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Target(NamedTuple):
    """What a path asks for."""

    kind: Kind
    topic: str
    id: str


def bad_request(reason: str) -> Answer:
    """Answer 400 and say why."""
    return Answer(f"{reason}\n".encode(), PLAIN, http.BAD_REQUEST)


def find_target(path: bytes) -> Target:
    """Read `/Producers/Conn/{topic}/{id}` or the consumers' one, raw, or `/v2`. Raises RefusedUpgrade."""
    if path == V2_PATH:
        return Target(Kind.V2, "", "")
    segments = path.split(b"/")
    if len(segments) != _SEGMENTS or segments[1] not in _KINDS or segments[2] != b"Conn":
        raise RefusedUpgrade(NOT_FOUND)
    if _ENCODED_SLASH.search(path):
        raise RefusedUpgrade(NOT_FOUND)
    kind = _KINDS[segments[1]]
    return Target(kind, _name(segments[3], "topic"), _name(segments[4], f"{kind.value}Id"))


def _name(segment: bytes, what: str) -> str:
    """A segment's name."""
    if not _PERCENT_ENCODED.fullmatch(segment):
        raise RefusedUpgrade(bad_request(f"{what}: is not percent-encoded"))
    try:
        return check_name(unquote_to_bytes(segment).decode("utf-8"), what)
    except UnicodeDecodeError:
        raise RefusedUpgrade(bad_request(f"{what}: is not UTF-8")) from None
    except BadName as fault:
        raise RefusedUpgrade(bad_request(str(fault))) from None


def check_upgrade(request: Request) -> bytes:
    """Give the request's Sec-WebSocket-Key. Raises RefusedUpgrade."""
    if b"websocket" not in _tokens(request, b"Upgrade") or b"upgrade" not in _tokens(request, b"Connection"):
        raise RefusedUpgrade(_NO_UPGRADE)
    if request.clientproto != b"HTTP/1.1":
        raise RefusedUpgrade(bad_request("WebSocket needs HTTP/1.1"))
    if len(_values(request, b"Host")) != 1:
        raise RefusedUpgrade(bad_request("Host: is needed once"))
    if _values(request, b"Sec-WebSocket-Version") != [VERSION]:
        raise RefusedUpgrade(_WRONG_VERSION)
    keys = _values(request, b"Sec-WebSocket-Key")
    if len(keys) != 1:
        raise RefusedUpgrade(bad_request("Sec-WebSocket-Key: is needed once"))
    if not _KEY.fullmatch(keys[0]):
        raise RefusedUpgrade(bad_request("Sec-WebSocket-Key: is not 16 bytes in base64"))
    return keys[0]


def choose_subprotocol(request: Request) -> bytes:
    """Which of the subprotocols on offer v2 takes: its own, or none where none is on offer. Raises RefusedUpgrade."""
    offered = [token.strip() for value in _values(request, b"Sec-WebSocket-Protocol") for token in value.split(b",")]
    if V2_SUBPROTOCOL in offered:
        return V2_SUBPROTOCOL
    if any(offered):
        raise RefusedUpgrade(bad_request(f"Sec-WebSocket-Protocol: {V2_SUBPROTOCOL.decode()} is what is spoken here"))
    return b""


def _values(request: Request, name: bytes) -> list[bytes]:
    return [value.strip() for value in request.requestHeaders.getRawHeaders(name, [])]


def _tokens(request: Request, name: bytes) -> set[bytes]:
    return {token.strip().lower() for value in _values(request, name) for token in value.split(b",")}
