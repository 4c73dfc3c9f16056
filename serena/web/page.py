"""`GET /`: one page that shows what this is. It needs nothing from elsewhere and no other file."""

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

from klein import Klein
from twisted.web.server import Request

from serena.web.answers import Answer, send

HTML = "text/html; charset=utf-8"

_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


class Page:
    """The page in a package's `file`, with the node's name and version filled in."""

    app = Klein()

    def __init__(self, package: str, file: str, name: str, version: str) -> None:
        template = Template(files(package).joinpath(file).read_text("utf-8"))
        page = template.substitute(name=escape(name), version=escape(version))
        headers = (
            ("Content-Security-Policy", _policy(page)),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
        )
        self._answer = Answer(page.encode(), content_type=HTML, cors=False, headers=headers)

    @app.route("/", methods=["GET"])
    async def start(self, request: Request) -> None:
        """Show the page."""
        send(request, self._answer)


def _policy(page: str) -> str:
    """Allow the page's own style and script, known by their hashes, and talk to this node; nothing else."""
    hashes = {kind: b64encode(sha256(text.encode()).digest()).decode() for kind, text in _INLINE.findall(page)}
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{hashes['style']}'",
            f"script-src 'sha256-{hashes['script']}'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
