"""What operators' tools ask a node: `/healthz`, `/readyz` and `/metrics`. They answer with real status codes.

Pages of other origins may not read them, because no key is wanted on the machine itself; from elsewhere the metrics,
and the reason why a node is not ready, want it.
"""

from collections.abc import Callable, Collection
from ipaddress import ip_address

from klein import Klein
from twisted.web import http
from twisted.web.server import Request

from serena.core.health import Health
from serena.web.answers import Answer, answer_json, send, try_later
from serena.web.guard import Guard, shown_key
from serena.web.origin import host_allowed

METRICS = "text/plain; version=0.0.4; charset=utf-8"
PATHS = (b"/healthz", b"/readyz", b"/metrics")
_READY_AGAIN = 1.0  # seconds until asking again is worth while
_FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip")


class Ops:
    """Tells how the node is."""

    app = Klein()

    def __init__(
        self,
        guard: Guard,
        health: Callable[[], Health],
        exposition: Callable[[], bytes],
        own_hosts: Collection[str] = (),
    ) -> None:
        self._guard = guard
        self._health = health
        self._exposition = exposition
        self._own_hosts = frozenset(own_hosts)

    @app.route("/healthz", methods=["GET"])
    async def healthz(self, request: Request) -> None:
        """Say that the process serves."""
        send(request, answer_json({"status": "ok"}, cors=False))

    @app.route("/readyz", methods=["GET"])
    async def readyz(self, request: Request) -> None:
        """Say whether the node does its work. What is in the way is told only to who may read the metrics."""
        health = self._health()
        told = bool(health.reason) and await self._may_read(request)
        if health.ready:
            ready = {"status": "ready", "reason": health.reason} if told else {"status": "ready"}
            send(request, answer_json(ready, cors=False))
        else:
            send(request, try_later({"error": health.reason if told else "not ready"}, _READY_AGAIN, cors=False))

    @app.route("/metrics", methods=["GET"])
    async def metrics(self, request: Request) -> None:
        """Give the figures in Prometheus' text format."""
        if await self._may_read(request):
            send(request, Answer(self._exposition(), content_type=METRICS, cors=False))
        else:
            send(request, failure("secretKey: wrong or missing", http.UNAUTHORIZED))

    async def _may_read(self, request: Request) -> bool:
        """Whether the request was made here or shows the key. Only who shows a wrong one has guessed."""
        if self._asked_here(request):
            return True
        return shown_key(request) is not None and await self._guard.admit(request)

    def _asked_here(self, request: Request) -> bool:
        """Whether the request was made on this machine, and not passed on for somebody else.

        Nor by a page whose own name points here (DNS rebinding): its `Host` is that name.
        """
        if any(request.requestHeaders.hasHeader(name) for name in _FORWARDED):
            return False
        if not host_allowed(request, self._own_hosts):
            return False
        return is_loopback(self._guard.client_address(request))


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, in either family or one within the other."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def failure(reason: str, status: int, **headers: str) -> Answer:
    """Refuse as these routes do."""
    plain = answer_json({"error": reason}, status=status, cors=False)
    return Answer(plain.body, status=status, cors=False, headers=tuple(headers.items()))
