"""The root of a registry's HTTP: which face answers which path.

    OPTIONS of anything                             204
    a page of a foreign origin, default key         403, and no cross-origin headers
    POST /Registry/GetNodes                         as the original answers (registry.py)
    GET /api/v1/members, /api/v1/watch              members.py
    GET /healthz, /readyz, /metrics                 ops.py
    GET /                                           page.py
    another method on one of ours                   405
    the rest                                        404

Paths are compared raw, byte by byte. What is below /api/v1 says no in JSON.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from klein import Klein
from twisted.internet.interfaces import IReactorTime
from twisted.web import http
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from serena.core.errors import TooBig
from serena.core.health import Health
from serena.core.secret import Secret
from serena.web.answers import FOREIGN_ORIGIN, NO_CONTENT, NOT_FOUND, Answer, answer_json, send
from serena.web.channel import NodeChannel, NodeRequest
from serena.web.guard import Guard, Slowdown, socket_address
from serena.web.members import PREFIX, Members, Unix
from serena.web.membership import Membership
from serena.web.ops import PATHS, Ops, failure
from serena.web.origin import sent_by_foreign_page
from serena.web.page import Page
from serena.web.refusals import FOREIGN, OPTIONS, NotAllowed, NotFound, refused
from serena.web.registry import Registry
from serena.web.streams import Streams

BODY_BOUND = 64 * 1024  # no route reads a body
SPARE = 100  # connections beyond the limit, for asking how the node is, and for being told that there are too many

BAD_HOST = answer_json({"error": "Host: not ASCII"}, status=http.BAD_REQUEST, cors=False)
_GET = "GET, HEAD"


class Access(Protocol):
    """The settings of access that HTTP needs."""

    @property
    def secret(self) -> Secret:
        """The key."""
        ...

    @property
    def default_key(self) -> bool:
        """Whether it is still the one that everybody knows."""
        ...


class Root(Resource):
    """Sends a request to its face."""

    isLeaf = True

    def __init__(self, guard: Guard, apps: Iterable[Klein]) -> None:
        super().__init__()
        self._guard = guard
        self._faces: dict[bytes, dict[bytes, IResource]] = {}
        for app in apps:
            resource = app.resource()
            for rule in app.url_map.iter_rules():
                methods = (method.encode() for method in rule.methods or ())
                self._faces.setdefault(rule.rule.encode(), {}).update(dict.fromkeys(methods, resource))

    def render(self, request: Request) -> Any:
        """Answer, or let a face answer."""
        path, method = request.path, request.method
        if not all(host.isascii() for host in request.requestHeaders.getRawHeaders(b"Host", [])):
            return _send(request, BAD_HOST)
        of_api = is_api(path)
        if self._guard.foreign(request):
            return _send(request, FOREIGN if of_api else FOREIGN_ORIGIN)
        if method == b"OPTIONS":
            return _send(request, OPTIONS if of_api else NO_CONTENT)
        methods = self._faces.get(path, {})
        face = methods.get(method)
        if face is not None:
            return face.render(request)
        return _send(request, _refusal(path, of_api=of_api, known=bool(methods)))


def is_api(path: bytes) -> bool:
    """Whether a path is the API's."""
    return path == PREFIX or path.startswith(PREFIX + b"/")


def _refusal(path: bytes, *, of_api: bool, known: bool) -> Answer:
    """Say no, as the original does where it has an opinion."""
    if of_api and known:
        return refused(NotAllowed(f"method: {_GET} and OPTIONS are taken"), headers=(("Allow", f"{_GET}, OPTIONS"),))
    if of_api:
        return refused(NotFound("path: there is no such route"))
    if path in PATHS:
        return failure("method not allowed", http.NOT_ALLOWED, Allow=_GET)
    return NOT_FOUND


def _send(request: Request, answer: Answer) -> int:
    send(request, answer)
    return NOT_DONE_YET


class RegistrySite(Site):
    """The listening side: bounded connections, no access log, no HTTP/2. Streams end when it listens no more.

    It has nothing to say before it is furnished. `most` is how many connections there may be.
    """

    protocol: Any = NodeChannel
    requestFactory = NodeRequest
    displayTracebacks = False
    body_bound = BODY_BOUND

    def __init__(self, *, clock: IReactorTime, most: int) -> None:
        super().__init__(Resource(), reactor=clock)
        self.streams = Streams(clock)
        self._most = most
        self._open: set[NodeChannel] = set()

    def opened(self, channel: NodeChannel) -> bool:
        """Take a connection while there is room for one more."""
        if len(self._open) >= self._most:
            return False
        self._open.add(channel)
        return True

    def left(self, channel: NodeChannel) -> None:
        """Count a connection no more."""
        self._open.discard(channel)

    def wants_body(self, request: NodeRequest) -> bool:
        """Keep none."""
        return False

    def too_big(self, request: NodeRequest) -> Answer:
        """Say how much would have fitted."""
        fault = f"body: more than {self.body_bound} bytes"
        if is_api(request.path):
            return refused(TooBig(fault))
        return answer_json({"code": -1, "msg": fault}, status=http.REQUEST_ENTITY_TOO_LARGE)

    def close(self) -> None:
        """End streams, and cut what is still connected."""
        self.streams.stop()
        for channel in list(self._open):
            channel.transport.loseConnection()

    def startFactory(self) -> None:
        """Open no access log, and run no clock for its lines."""

    def stopFactory(self) -> None:
        """Let nobody wait for what does not come any more."""
        self.streams.stop()

    def log(self, request: http.Request) -> None:
        """Write no line."""

    def acceptableProtocols(self) -> list[bytes]:
        """Offer what our channel speaks."""
        return [b"http/1.1"]


def furnish(  # noqa: PLR0913 -- each is a part of the node that some face needs, all by name
    site: RegistrySite,
    membership: Membership,
    *,
    access: Access,
    name: str,
    health: Callable[[], Health],
    exposition: Callable[[], bytes],
    clock: IReactorTime,
    unix: Unix,
    own_hosts: Collection[str] = (),
    slowdown: Slowdown | None = None,
    client_address: Callable[[Request], str] = socket_address,
) -> None:
    """Put a registry's HTTP together. `unix` makes unix seconds of the clock's."""
    guard = Guard(
        access.secret,
        clock=clock,
        foreign=(lambda request: sent_by_foreign_page(request, own_hosts)) if access.default_key else None,
        client_address=client_address,
        slowdown=slowdown,
    )
    apps = (
        Registry(guard, membership).app,
        Members(guard, membership, site.streams, clock, unix, node=name).app,
        Ops(guard, health, exposition, own_hosts).app,
        Page("registry.html").app,
    )
    site.resource = Root(guard, apps)
