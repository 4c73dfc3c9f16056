"""The root of a node's HTTP: which face answers which path.

Paths are compared raw, byte by byte: no segment is decoded, no slash is folded, no directory looked into. What is left
over is answered as the original does (spec, 2.3):

    OPTIONS of anything                             204
    a page of a foreign origin, default key         403, and no cross-origin headers
    a route with a slash too many                   301 or 307 to the route
    another method on a route of the original       404
    another method on one of the new routes         405
    the rest                                        404

What is below /api/v1 has answers of its own (api/site.py).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from klein import Klein
from twisted.internet.interfaces import IReactorTime
from twisted.web import http
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from kapokmq.core.engine import Engine
from kapokmq.core.errors import TooBig
from kapokmq.protocols.api.assembly import Backstage, Ending, make_api
from kapokmq.protocols.api.clients import Switchboard
from kapokmq.protocols.api.site import Api
from kapokmq.protocols.classic_http import body_bound
from kapokmq.protocols.client_file import ClientFile
from kapokmq.protocols.console import Console, Roster, Shown
from kapokmq.protocols.console_files import make_console
from kapokmq.protocols.handshake import V2_PATH
from kapokmq.protocols.producer_http import ProducerHttp
from serena.core.secret import Secret
from serena.web.answers import FOREIGN_ORIGIN, NO_CONTENT, NOT_FOUND, Answer, answer_json, redirect, send
from serena.web.channel import NodeChannel, NodeRequest
from serena.web.guard import Guard, Slowdown, socket_address
from serena.web.ops import Ops, failure
from serena.web.origin import sent_by_foreign_page
from serena.web.refusals import FOREIGN, refused
from serena.web.registry import NodeRow

WEBSOCKET_PATHS = (b"/Producers/Conn/", b"/Consumers/Conn/")
NEW_PATHS = (b"/healthz", b"/readyz", b"/metrics", b"/client.js", b"/client.d.ts")
SPARE = 100  # connections beyond the limit, for asking how the node is, and for being told that there are too many

BAD_HOST = answer_json({"error": "Host: not ASCII"}, status=http.BAD_REQUEST, cors=False)


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

    @property
    def max_message_bytes(self) -> int:
        """The longest message."""
        ...

    @property
    def max_connections(self) -> int:
        """How many there may be."""
        ...


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node says of itself. `own_hosts` are names it is reached by, beside its addresses."""

    name: str
    addr: str
    port: int
    version: str
    own_hosts: Collection[str] = ()


class Connections(Roster, Switchboard, Protocol):
    """Who is connected, as all faces want to know it."""


class Root(Resource):
    """Sends a request to its face."""

    isLeaf = True

    def __init__(self, guard: Guard, apps: Iterable[Klein], websocket: IResource, api: Api) -> None:
        super().__init__()
        self._guard = guard
        self._websocket = websocket
        self._api = api
        self._faces: dict[bytes, dict[bytes, IResource]] = {}
        for app in apps:
            resource = app.resource()
            for rule in app.url_map.iter_rules():
                path = rule.rule.encode()
                methods = (method.encode() for method in rule.methods or ())
                self._faces.setdefault(path, {}).update(dict.fromkeys(methods, resource))

    def render(self, request: Request) -> Any:
        """Answer, or let a face answer."""
        path, method = request.path, request.method
        if not all(host.isascii() for host in request.requestHeaders.getRawHeaders(b"Host", [])):
            return self._send(request, BAD_HOST)
        owner = self._owner(path, method)
        if owner is not None:
            return owner.render(request)
        if self._guard.foreign(request):
            return self._send(request, FOREIGN_ORIGIN)
        if method == b"OPTIONS":
            return self._send(request, NO_CONTENT)
        face = self._faces.get(path, {}).get(method)
        if face is not None:
            return face.render(request)
        return self._send(request, self._refusal(path, method, request.uri))

    def _owner(self, path: bytes, method: bytes) -> IResource | None:
        """Who looks at the request alone, also at where it comes from."""
        if self._api.answers(path):
            return self._api
        return self._websocket if _is_upgrade(path, method) and not path.endswith(b"/") else None

    def _refusal(self, path: bytes, method: bytes, uri: bytes) -> Answer:
        """Say no, as the original does where it has an opinion."""
        if path in NEW_PATHS:
            return failure("method not allowed", http.NOT_ALLOWED, Allow="GET, HEAD")
        known = method in self._faces.get(path[:-1], {}) or _is_upgrade(path, method)
        if path.endswith(b"/") and known:
            status = http.MOVED_PERMANENTLY if method == b"GET" else http.TEMPORARY_REDIRECT
            return redirect(path[:-1] + uri[len(path) :], status)
        return NOT_FOUND

    @staticmethod
    def _send(request: Request, answer: Answer) -> int:
        send(request, answer)
        return NOT_DONE_YET


def _is_upgrade(path: bytes, method: bytes) -> bool:
    """Whether a request is the WebSocket's business."""
    return method == b"GET" and (path.startswith(WEBSOCKET_PATHS) or path in (V2_PATH, V2_PATH + b"/"))


class NodeSite(Site):
    """The listening side: bounded connections, no access log, no HTTP/2.

    `room` says how many connections there may be that are not, or not yet, WebSockets. `ending` ends answers that go on
    when the site listens no more, and polls that wait when the node drains.
    """

    protocol: Any = NodeChannel
    requestFactory = NodeRequest
    displayTracebacks = False

    def __init__(
        self,
        root: Resource,
        guard: Guard,
        *,
        body_bound: int,
        clock: IReactorTime,
        room: Callable[[], int],
        ending: Ending,
    ) -> None:
        super().__init__(root, reactor=clock)
        self.body_bound = body_bound
        self._guard = guard
        self._room = room
        self._ending = ending
        self._open: set[NodeChannel] = set()

    def opened(self, channel: NodeChannel) -> bool:
        """Take a connection while there is room for one more."""
        if len(self._open) >= self._room():
            return False
        self._open.add(channel)
        return True

    def left(self, channel: NodeChannel) -> None:
        """Count a connection no more."""
        self._open.discard(channel)

    def wants_body(self, request: NodeRequest) -> bool:
        """Keep nothing of who has not shown the key: there is no route for them that reads it."""
        return self._guard.holds_key(request)

    def too_big(self, request: NodeRequest) -> Answer:
        """Say how much would have fitted."""
        fault = f"body: more than {self.body_bound} bytes"
        of_api = Api.answers(request.path)
        if self._guard.foreign(request):
            return FOREIGN if of_api else FOREIGN_ORIGIN
        if of_api:
            return refused(TooBig(fault))
        return answer_json({"code": -1, "msg": fault}, status=http.REQUEST_ENTITY_TOO_LARGE)

    def drain(self) -> None:
        """Let no poll wait any more: the node stops soon."""
        self._ending.drain()

    def startFactory(self) -> None:
        """Open no access log, and run no clock for its lines."""

    def stopFactory(self) -> None:
        """Let nobody wait for what does not come any more."""
        self._ending.stop()

    def log(self, request: http.Request) -> None:
        """Write no line."""

    def acceptableProtocols(self) -> list[bytes]:
        """Offer what our channel speaks."""
        return [b"http/1.1"]


def make_site(  # noqa: PLR0913 -- each is a part of the node that some face needs, all by name
    *,
    engine: Engine,
    access: Access,
    node: NodeFacts,
    settings: Mapping[str, Any],
    connections: Connections,
    backstage: Backstage,
    exposition: Callable[[], bytes],
    websocket: IResource,
    clock: IReactorTime,
    nodes: Callable[[], Sequence[NodeRow]] | None = None,
    slowdown: Slowdown | None = None,
    client_address: Callable[[Request], str] = socket_address,
) -> NodeSite:
    """Put a node's HTTP together. `settings` is what GetConfig shows; `nodes` are the cluster's, None without one."""
    own_hosts = {node.addr, *node.own_hosts}
    guard = Guard(
        access.secret,
        clock=clock,
        foreign=(lambda request: sent_by_foreign_page(request, own_hosts)) if access.default_key else None,
        client_address=client_address,
        slowdown=slowdown,
    )
    apps = (
        Console(engine, guard, connections, Shown(settings, nodes)).app,
        ProducerHttp(engine, guard, access.max_message_bytes).app,
        Ops(guard, engine.health, exposition, own_hosts).app,
        make_console(),
        ClientFile().app,
    )
    api, ending = make_api(
        guard,
        backstage,
        engine=engine,
        connections=connections,
        clock=clock,
        max_message_bytes=access.max_message_bytes,
        name=node.name,
        version=node.version,
    )
    root = Root(guard, apps, websocket, api)
    return NodeSite(
        root,
        guard,
        body_bound=body_bound(access.max_message_bytes),
        clock=clock,
        room=lambda: access.max_connections + SPARE - len(connections),
        ending=ending,
    )
