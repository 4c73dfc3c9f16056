"""`GET /`: the console, a page that is built beforehand (view/), and all that it loads.

A wheel has the files beside this module; a checkout has them where they are built, in view/dist. What the page loads
has a route of its own, file by file, so that no path is ever taken apart.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from klein import Klein
from twisted.web import http
from twisted.web.server import Request

from serena.web.answers import redirect, send
from serena.web.built import ASSETS, BuiltPages, find_built

PAGE = "index.html"
_ORIGINAL = ("/view", "/view/", "/view/index.html")
_CHECKOUT = Path(__file__).parents[2] / "view" / "dist"


class ConsoleFiles:
    """Gives the files to anybody: they hold nothing that is this node's. `parts` are those that the page loads."""

    app = Klein()

    def __init__(self) -> None:
        self._pages = BuiltPages(find_built("kapokmq.protocols", _CHECKOUT))
        self.parts = Klein()
        for path in self._pages:
            if path.startswith(ASSETS):
                self.parts.route(f"/{path}", methods=["GET"], endpoint=path)(self._give(path))
        for path in _ORIGINAL:
            self.parts.route(path, methods=["GET"], endpoint=path)(_lead_on)

    @app.route("/", methods=["GET"])
    async def page(self, request: Request) -> None:
        """Give the page."""
        send(request, self._pages.answer(PAGE, request))

    def _give(self, path: str) -> Callable[[Request], Awaitable[None]]:
        """What gives one of the files."""

        async def give(request: Request) -> None:
            send(request, self._pages.answer(path, request))

        return give


async def _lead_on(request: Request) -> None:
    """Lead from where the original's page was to ours. A browser keeps what is behind the #."""
    send(request, redirect(b"../" if request.path.count(b"/") > 1 else b"./", http.FOUND))
