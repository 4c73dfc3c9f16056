"""`GET /`: the console, a page that is built beforehand (view/), and where the original's page was, the way to it."""

from klein import Klein
from twisted.web import http
from twisted.web.server import Request

from serena.web.answers import redirect, send
from serena.web.page import Page

PAGE = "index.html"
_ORIGINAL = ("/view", "/view/", "/view/index.html")


def make_console() -> Klein:
    """The page, what it loads, and what leads to it."""
    app = Page(PAGE).app
    for path in _ORIGINAL:
        app.route(path, methods=["GET"], endpoint=path)(_lead_on)
    return app


async def _lead_on(request: Request) -> None:
    """Lead from where the original's page was to ours. A browser keeps what is behind the #."""
    send(request, redirect(b"../" if request.path.count(b"/") > 1 else b"./", http.FOUND))
