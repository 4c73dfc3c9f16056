"""What a route of the API is: declared once, for Klein, for the checks before it, and for the OpenAPI document."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple, Protocol

import msgspec
from klein import Klein
from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.web.server import Request

from kapokmq.core.errors import BadName, PeerError, WorldError
from kapokmq.core.names import check_name
from kapokmq.core.pattern import check_pattern, is_pattern
from kapokmq.protocols.api.reading import body_of, read_body, read_query, unescaped
from serena.web.answers import Answer, send
from serena.web.guard import Guard
from serena.web.refusals import BROKEN, refused

PREFIX = "/api/v1"

_log = Logger()


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No parameters."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. `path` is Klein's, behind the prefix; what it says of itself is its function's docstring.

    `body` are the shapes that the body may have: none for a route without one; of several the route finds out which.
    `gives` is what it answers with `status`; `faults` are statuses of its own, beside those of every route. `patterns`:
    the topic may have wildcards. `open`: it wants no key. `streams`: it answers with server-sent events.
    """

    method: str
    path: str
    name: str
    summary: str
    query: type[msgspec.Struct] = Nothing
    body: tuple[type, ...] = ()
    gives: type | None = None
    status: int = 200
    faults: tuple[int, ...] = ()
    patterns: bool = False
    open: bool = False
    streams: bool = False


class Ask(NamedTuple):
    """A request that was read. `body` is the shape, or the bytes where there are several."""

    request: Request
    names: dict[str, str]
    query: Any
    body: Any

    @property
    def topic(self) -> str:
        """The topic of the path."""
        return self.names["topic"]

    @property
    def group(self) -> str:
        """The group of the path."""
        return self.names["group"]

    @property
    def code(self) -> str:
        """The message of the path."""
        return self.names["code"]


class Face(Protocol):
    """A part of the API: some routes that belong together."""

    app: Klein
    routes: "Routes"

    @property
    def guard(self) -> Guard:
        """Who may ask."""
        ...


Handler = Callable[[Any, Ask], Awaitable[Answer | None]]


class Routes:
    """The routes of one face. A handler that gives no answer has written one itself."""

    def __init__(self) -> None:
        self.app = Klein()
        self.operations: list[Operation] = []

    def on(self, method: str, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declare a route: see Operation. Its docstring's first line is its summary."""

        def declare(handler: Handler) -> Handler:
            summary = (handler.__doc__ or "").partition("\n")[0]
            operation = Operation(method, path, _camel(handler.__name__), summary, **declared)
            self.operations.append(operation)

            @wraps(handler)
            async def endpoint(face: Face, request: Request, **raw: str) -> None:
                answer = await _answer(face, request, operation, handler, raw)
                if answer is not None:
                    send(request, answer)

            self.app.route(PREFIX + path, methods=[method])(endpoint)
            return handler

        return declare


async def _answer(
    face: Face, request: Request, operation: Operation, handler: Handler, raw: dict[str, str]
) -> Answer | None:
    """Find the answer, whatever goes wrong on the way."""
    try:
        if not operation.open and not await face.guard.admit(request):
            return face.guard.no_key(request)
        return await handler(face, _read(request, operation, raw))
    except (PeerError, WorldError) as error:
        return refused(error)
    except CancelledError:  # the client has gone
        raise
    except Exception:  # noqa: BLE001 -- whatever it was, the peer gets an answer and the log the traceback
        _log.failure("{method} {path} failed", method=operation.method, path=operation.path)
        return BROKEN


def _read(request: Request, operation: Operation, raw: dict[str, str]) -> Ask:
    """Read all that a route wants. Raises PeerError."""
    names = {what: _name(what, unescaped(text.encode(), what), operation) for what, text in raw.items()}
    query = read_query(request.uri, operation.query)
    body: Any = None
    if operation.body:
        body = body_of(request)
        if len(operation.body) == 1:
            body = read_body(body, operation.body[0])
    return Ask(request, names, query, body)


def _name(what: str, text: str, operation: Operation) -> str:
    """Check a name that came in the path: of the codes, no more than that it can be read."""
    if what == "topic" and operation.patterns:
        return check_pattern(text)
    if what == "topic" and is_pattern(text):
        raise BadName("topic: a pattern is not taken here")
    return check_name(text, what)


def _camel(name: str) -> str:
    """`list_topics` as `listTopics`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
