"""`GET /`: a page that was built beforehand, and all that it loads.

What it loads has a route of its own, file by file, so that no path is ever taken apart.
"""

from collections.abc import Awaitable, Callable

from klein import Klein
from twisted.web.server import Request

from serena.web.answers import send
from serena.web.built import ASSETS, BuiltPages, find_built


class Page:
    """Gives the page `file`, and what pages load, to anybody: they hold nothing that is this node's."""

    def __init__(self, file: str) -> None:
        self._pages = BuiltPages(find_built())
        self.app = Klein()
        self.app.route("/", methods=["GET"], endpoint=file)(self._give(file))
        for path in self._pages:
            if path.startswith(ASSETS):
                self.app.route(f"/{path}", methods=["GET"], endpoint=path)(self._give(path))

    def _give(self, path: str) -> Callable[[Request], Awaitable[None]]:
        """What gives one of the files."""

        async def give(request: Request) -> None:
            send(request, self._pages.answer(path, request))

        return give
