"""Everything below `/api/v1`: which route answers, and what is said where none does.

Paths are compared raw, segment by segment, so that a name may hold a slash: `%2F` belongs to the name, `/` does not.
"""

from collections.abc import Iterable
from typing import NamedTuple

from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request

from kapokmq.protocols.api.routes import PREFIX, Face, Operation
from serena.web.answers import Answer, send
from serena.web.guard import Guard
from serena.web.refusals import FOREIGN, OPTIONS, BadRequest, NotAllowed, NotFound, refused

_PREFIX = PREFIX.encode()


class _Rule(NamedTuple):
    """A path that is answered: its segments, None where any name may stand; who answers, by method."""

    segments: tuple[bytes | None, ...]
    methods: dict[bytes, IResource]


class Api(Resource):
    """Sends a request to its route."""

    isLeaf = True

    def __init__(self, guard: Guard, faces: Iterable[Face]) -> None:
        super().__init__()
        self._guard = guard
        self._rules: dict[int, list[_Rule]] = {}
        for face in faces:
            resource = face.app.resource()
            for operation in face.routes.operations:
                methods = self._rule(_segments(operation)).methods
                methods[operation.method.encode()] = resource
                if operation.method == "GET":
                    methods[b"HEAD"] = resource

    def _rule(self, segments: tuple[bytes | None, ...]) -> _Rule:
        """The rule of a path, made where there is none."""
        rules = self._rules.setdefault(len(segments), [])
        for rule in rules:
            if rule.segments == segments:
                return rule
        rules.append(_Rule(segments, {}))
        return rules[-1]

    @staticmethod
    def answers(path: bytes) -> bool:
        """Whether a path is the API's."""
        return path == _PREFIX or path.startswith(_PREFIX + b"/")

    def render(self, request: Request) -> int:
        """Answer, or let a route answer."""
        if self._guard.foreign(request):
            return _send(request, FOREIGN)
        if request.method == b"OPTIONS":
            return _send(request, OPTIONS)
        if not request.path.isascii():
            return _send(request, refused(BadRequest("path: is not percent-encoded")))
        segments = request.path[len(_PREFIX) + 1 :].split(b"/")
        found = [rule for rule in self._rules.get(len(segments), ()) if _fits(rule, segments)]
        for rule in found:
            resource = rule.methods.get(request.method)
            if resource is not None:
                request.postpath = request.path[1:].split(b"/")  # raw: Klein hands names on as they came
                resource.render(request)
                return NOT_DONE_YET
        if not found:
            return _send(request, refused(NotFound("path: there is no such route")))
        allowed = ", ".join(sorted({method.decode() for rule in found for method in rule.methods} | {"OPTIONS"}))
        return _send(request, refused(NotAllowed(f"method: {allowed} are taken"), headers=(("Allow", allowed),)))


def _segments(operation: Operation) -> tuple[bytes | None, ...]:
    """The segments of an operation's path behind the prefix."""
    return tuple(None if part.startswith("<") else part.encode() for part in operation.path[1:].split("/"))


def _fits(rule: _Rule, segments: list[bytes]) -> bool:
    """Whether these segments are a rule's. A name is never empty."""
    pairs = zip(rule.segments, segments, strict=True)
    return all(given == wanted if wanted is not None else given for wanted, given in pairs)


def _send(request: Request, answer: Answer) -> int:
    send(request, answer)
    return NOT_DONE_YET
