"""How registries are asked, one after the other: HTTP as far as that needs it, without sockets.

    ask ─▶ where, what to write      bytes in ─▶ received ─▶ news      the end ─▶ over ─▶ news, and when to ask again

The first is watched for as long as it answers. When it doesn't, the next is asked, and what was known still holds. One
that has no watch (the original) is asked for its nodes again and again. HTTP/1.0: then nothing is chunked.
"""

from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple
from urllib.parse import urlsplit

from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.cluster.roster import LONGEST, BadAnswer, News, Watch, nodes
from kapokmq.core.client.errors import ClientError, WrongKey

PROMPT = 2.0  # seconds that a registry may take to connect, and to begin to answer: the next one may be better
SILENCE = 20.0  # then: whoever streams says something each 15
_LONGEST_HEAD = 1 << 16
_OK = 200
_NO_KEY = {401, 403}


class Place(NamedTuple):
    """Where a registry is. `path` is what its paths begin with."""

    url: str
    host: str
    port: int
    secure: bool
    path: str


def place(url: str) -> Place:
    """Take `http://host:port` or `https://…` apart. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url}: is no http:// or https:// address")
    secure = parts.scheme == "https"
    return Place(url, parts.hostname, parts.port or (443 if secure else 80), secure, parts.path.rstrip("/"))


class _NoWatch(BadAnswer):
    """The registry has none."""


class _Exchange:
    """One request and its answer."""

    def __init__(self, *, watching: bool) -> None:
        self._watch = Watch() if watching else None
        self._head = b""
        self._body: bytes | None = None  # None: it has not begun

    def received(self, data: bytes) -> list[News]:
        """Read some more. Raises ClientError."""
        if self._body is None:
            self._head += data
            head, found, rest = self._head.partition(b"\r\n\r\n")
            if not found:
                if len(self._head) > _LONGEST_HEAD:
                    raise BadAnswer("its headers don't end")
                return []
            self._judge(head)
            self._body, data = b"", rest
        if self._watch is not None:
            return self._watch.received(data)
        self._body += data
        if len(self._body) > LONGEST:
            raise BadAnswer(f"its answer is longer than {LONGEST} bytes")
        return []

    def _judge(self, head: bytes) -> None:
        first, *headers = head.decode("latin-1").split("\r\n")
        words = first.split(None, 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():  # noqa: PLR2004
            raise BadAnswer("that is no HTTP")
        status = int(words[1])
        if status in _NO_KEY:
            raise WrongKey("unauthorized", "the registry has another key")
        streams = any(each.lower().startswith("content-type:") and "text/event-stream" in each for each in headers)
        if self._watch is not None and not (status == _OK and streams):
            raise _NoWatch(f"its watch answers {first!r}")
        if status != _OK:
            raise BadAnswer(f"it answers {first!r}")

    def ended(self) -> list[News]:
        """That was all. Raises ClientError."""
        if self._body is None or self._watch is not None:
            raise BadAnswer("the connection ended")
        return [nodes(self._body)]


class Registries:
    """All that we know of. Raises ValueError for a URL that is none.

    `fault` is what is wrong with the answer that comes, `reason` what was wrong last.
    """

    def __init__(self, urls: Sequence[str], key: str | None, backoff: Backoff, *, poll_every: float = 1.0) -> None:
        self._places = [place(url) for url in urls]
        if not self._places:
            raise ValueError("registries: there are none")
        self._turns = cycle(self._places)
        self._key = key
        self._backoff = backoff
        self._poll_every = poll_every
        self._place = next(self._turns)  # the one that is asked
        self._watched = True
        self._exchange = _Exchange(watching=True)
        self._unkeyed: set[str] = set()  # those that have another key
        self.fault: ClientError | None = None
        self.reason = "no answer yet"
        if any("\r" in text or "\n" in text for text in (key or "", *urls)):
            raise ValueError("key: has line breaks")

    @property
    def secure(self) -> bool:
        """Whether TLS is wanted for one of them."""
        return any(each.secure for each in self._places)

    def ask(self) -> tuple[Place, bytes]:
        """Whom to connect with now, and what to write."""
        self._exchange = _Exchange(watching=self._watched)
        self.fault = None
        return self._place, self._request(self._place)

    def _request(self, where: Place) -> bytes:
        line = f"GET {where.path}/api/v1/watch" if self._watched else f"POST {where.path}/Registry/GetNodes"
        host = f"[{where.host}]" if ":" in where.host else where.host
        headers = [f"{line} HTTP/1.0", f"Host: {host}:{where.port}", "Connection: close"]
        headers += [] if self._key is None else [f"secretKey: {self._key}"]
        headers += [] if self._watched else ["Content-Length: 0"]
        return "\r\n".join([*headers, "", ""]).encode()

    def received(self, data: bytes) -> list[News]:
        """Bytes came. After a fault the connection should be closed, and what came of it is `over`."""
        try:
            return self._heard(self._exchange.received(data))
        except ClientError as fault:
            self.fault = self.fault or fault
            return []

    def _heard(self, news: list[News]) -> list[News]:
        if news:
            self._backoff.worked()
            self._unkeyed.clear()
            self.reason = f"no broker is listed by {self._place.url}"
        return news

    def over(self, reason: str | None = None) -> tuple[list[News], float]:
        """The connection ended; or there was none, for a reason. Gives in how many seconds to ask again."""
        news: list[News] = []
        if reason is not None:
            self.fault = self.fault or BadAnswer(reason)
        if self.fault is None:
            try:
                news = self._heard(self._exchange.ended())
            except ClientError as fault:
                self.fault = fault
        return news, self._pause()

    def _pause(self) -> float:
        if self.fault is None:
            return self._poll_every
        if isinstance(self.fault, _NoWatch):
            self._watched = False
            self.fault = None
            return 0.0
        self.reason = f"the registry {self._place.url}: {self.fault}"
        if isinstance(self.fault, WrongKey):
            self._unkeyed.add(self._place.url)
        self._place, self._watched = next(self._turns), True
        return self._backoff.failed()

    @property
    def refused(self) -> WrongKey | None:
        """If all of them have another key: that."""
        refused = isinstance(self.fault, WrongKey) and len(self._unkeyed) == len(set(self._places))
        return self.fault if refused and isinstance(self.fault, WrongKey) else None
