"""Pages that were built beforehand: a folder of files as the browser wants them, read once and given from memory.

All are read at the start: what a page loads goes by names of that build, and another may take its place meanwhile.

A wheel has the files beside this module, once for the broker's console and the registry's page; a checkout has them
where they are built, in view/dist.

A page is asked for again each time, and comes only when it has changed. What it loads has a name with a hash in it, and
is kept for a year. Each file goes out compressed to whoever takes that, from the .gz that lies beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from twisted.web import http
from twisted.web.server import Request

from serena.web.answers import NOT_FOUND, Answer

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
ASSETS = "assets/"
MANIFEST = "sources.json"
CHECKOUT = Path(__file__).parents[2] / "view" / "dist"

# 'self' are the page's WebSockets too.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Vary", "Accept-Encoding"))
_FOR_A_PAGE = (
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),  # for browsers that know no frame-ancestors
)
_FOR_AN_ASSET = (
    ("Cache-Control", "public, max-age=31536000, immutable"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@dataclass(frozen=True, slots=True)
class Built:
    """One file: as it is, and compressed where that was worth while."""

    plain: Answer
    packed: Answer | None

    def answer(self, request: Request) -> Answer:
        """What this request gets: the file in the coding that it takes, or word that it has it."""
        known = request.getHeader("if-none-match") or ""
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        best = self.packed if self.packed is not None and takes_gzip(request) else self.plain
        ours = {dict(one.headers)["ETag"] for one in (self.plain, self.packed) if one is not None}
        if tags & (ours | {"*"}):
            return Answer(content_type="", status=http.NOT_MODIFIED, cors=False, headers=best.headers)
        return best


class BuiltPages:
    """The files of a folder, by their path below it, as they are now. No folder has none."""

    def __init__(self, folder: Traversable) -> None:
        paths = sorted(_served(folder)) if folder.is_dir() else []
        self._files = {path: _read(folder, path) for path in paths}

    def __iter__(self) -> Iterator[str]:
        """All paths, in order."""
        return iter(self._files)

    def answer(self, path: str, request: Request) -> Answer:
        """Give a file, or word that it is the one that is known."""
        built = self._files.get(path)
        return NOT_FOUND if built is None else built.answer(request)


def find_built() -> Traversable:
    """Where the files are."""
    packed = files("serena.web").joinpath("dist")
    return packed if packed.is_dir() else CHECKOUT


def takes_gzip(request: Request) -> bool:
    """Whether the request takes an answer that is compressed. A word on gzip counts before one on `*`."""
    taken: dict[str, bool] = {}
    for one in (request.getHeader("accept-encoding") or "").lower().split(","):
        coding, _, parameters = one.partition(";")
        quality = parameters.strip().removeprefix("q=")
        taken[coding.strip()] = quality.strip("0.") != "" or quality == ""
    return taken.get("gzip", taken.get("*", False))


def _served(folder: Traversable) -> Iterator[str]:
    """What of a folder is given away."""
    return (path for path in _below(folder) if Path(path).suffix in TYPES and path != MANIFEST)


def _below(folder: Traversable, prefix: str = "") -> Iterator[str]:
    """The paths of the files in a folder and below it."""
    for one in folder.iterdir():
        if one.is_dir():
            yield from _below(one, f"{prefix}{one.name}/")
        else:
            yield prefix + one.name


def _read(folder: Traversable, path: str) -> Built:
    """Read a file, and what is compressed of it: another body, so another tag."""
    kind = TYPES[Path(path).suffix]
    packed = folder.joinpath(f"{path}.gz")
    plain = _answer(path, kind, folder.joinpath(path).read_bytes())
    if not packed.is_file():
        return Built(plain, None)
    return Built(plain, _answer(path, kind, packed.read_bytes(), ("Content-Encoding", "gzip")))


def _answer(path: str, kind: str, body: bytes, *more: tuple[str, str]) -> Answer:
    """A file that is given to anybody: it holds nothing that is this node's."""
    tag = ("ETag", f'"{sha256(body).hexdigest()[:32]}"')
    said = _FOR_AN_ASSET if path.startswith(ASSETS) else _FOR_A_PAGE
    return Answer(body, content_type=kind, cors=False, headers=(*said, *_ALWAYS, tag, *more))
