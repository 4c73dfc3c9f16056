"""`GET /client.js`: the browser client, and `/client.d.ts`, what it is to TypeScript.

A page imports it from the broker that it then talks to, so both are of the same version. A wheel has the files beside
this module; a checkout has them where they are written, in view/src/client.
"""

from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from klein import Klein
from twisted.web import http
from twisted.web.server import Request

from serena.web.answers import Answer, send

SCRIPT = "text/javascript; charset=utf-8"
TYPES = "application/typescript; charset=utf-8"

_SOURCES = Path(__file__).parents[2] / "view" / "src" / "client"


class ClientFile:
    """Gives the files to anybody: they hold nothing that is this node's."""

    app = Klein()

    def __init__(self) -> None:
        self._script = _answer("kapokmq.js", SCRIPT, ("X-TypeScript-Types", "/client.d.ts"))
        self._types = _answer("kapokmq.d.ts", TYPES)

    @app.route("/client.js", methods=["GET"])
    async def script(self, request: Request) -> None:
        """Give the module."""
        _give(request, self._script)

    @app.route("/client.d.ts", methods=["GET"])
    async def types(self, request: Request) -> None:
        """Give its types."""
        _give(request, self._types)


def read_client(name: str) -> bytes:
    """One of the client's files."""
    packed = files("kapokmq.protocols").joinpath("client", name)
    return packed.read_bytes() if packed.is_file() else (_SOURCES / name).read_bytes()


def _answer(name: str, content_type: str, *more: tuple[str, str]) -> Answer:
    """A file, to be kept and asked for again each time: whether it is still the same costs no body."""
    body = read_client(name)
    headers = (
        ("Cache-Control", "no-cache"),
        ("ETag", f'"{sha256(body).hexdigest()[:32]}"'),
        ("X-Content-Type-Options", "nosniff"),
        *more,
    )
    return Answer(body, content_type=content_type, headers=headers)


def _give(request: Request, answer: Answer) -> None:
    """Give a file, or say that it is the one that is known."""
    known = request.getHeader("if-none-match") or ""
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    if tags & {"*", dict(answer.headers)["ETag"]}:
        answer = Answer(content_type="", status=http.NOT_MODIFIED, headers=answer.headers)
    send(request, answer)
