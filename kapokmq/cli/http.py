"""A broker's HTTP API, asked with the standard library. One thread, one request at a time, one connection kept open."""

import json
import socket
import ssl
import sys
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, RemoteDisconnected
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias
from urllib.parse import quote, urlencode

import click

from kapokmq.cli.exits import Ended, Refused, Unreachable
from kapokmq.cli.target import Target

PREFIX = "/api/v1"
PAGE = 1_000  # of a list, the most that the API gives
QUIET = 45.0  # seconds without a word after which a stream is lost: the node comments every 15
_BAD, _MISSING = 400, 404
_STALE = (RemoteDisconnected, BrokenPipeError, ConnectionResetError)

Answer: TypeAlias = dict[str, Any]


class Event(NamedTuple):
    """A server-sent event, its data read as JSON."""

    name: str
    data: Any


class Client:
    """Asks one broker. To be closed, or used in a `with`.

    Every method raises Unreachable and Refused; paths are given as their parts, unquoted, and parameters that are None
    are left out.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connection: HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def get(self, *path: str, **query: Any) -> Answer:
        """GET."""
        return self._api("GET", path, query=query)

    def post(self, *path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """POST JSON."""
        return self._api("POST", path, body=body)

    def put(self, *path: str, body: Mapping[str, Any]) -> Answer:
        """PUT JSON."""
        return self._api("PUT", path, body=body)

    def delete(self, *path: str) -> Answer:
        """DELETE."""
        return self._api("DELETE", path)

    def pages(self, field: str, *path: str, limit: int, **query: Any) -> Iterator[Answer]:
        """The rows of a list, over all its pages, at most `limit`."""
        cursor = None
        while limit > 0:
            answer = self.get(*path, limit=min(limit, PAGE), cursor=cursor, **query)
            rows = answer[field][:limit]
            yield from rows
            limit -= len(rows)
            cursor = answer["cursor"]
            if cursor is None:
                return

    def raw(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> bytes:
        """Ask for something outside of the API, and give its body as it is."""
        headers = {"Content-Type": content_type} if content_type else {}
        response, content = self._asked(method, path, body, headers)
        if response.status >= _BAD:
            raise refusal(response, content)
        return content

    def events(self, *path: str, **query: Any) -> Iterator[Event]:
        """A stream of events, until the node ends it. A connection of its own."""
        connection = self._new(max(QUIET, self.target.timeout))
        try:
            connection.request("GET", self._path(path, query), headers={"secretKey": self.target.key})
            response = connection.getresponse()
            if response.status >= _BAD:
                raise refusal(response, response.read())
            yield from read_events(response)
        except (OSError, HTTPException) as error:
            raise unreachable(self.target, error) from error
        finally:
            connection.close()

    def _api(
        self, method: str, path: tuple[str, ...], query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Answer:
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        headers = {"Content-Type": "application/json"} if content else {}
        response, said = self._asked(method, self._path(path, query or {}), content, headers)
        if response.status >= _BAD:
            raise refusal(response, said)
        return self._read(said)

    def _read(self, said: bytes) -> Answer:
        try:
            answer = json.loads(said)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise _no_broker(self.target)
        return answer

    def _asked(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[HTTPResponse, bytes]:
        """Ask; once more where a connection that was kept had ended meanwhile and nothing can be done twice."""
        kept = self._connection is not None
        try:
            return self._once(method, path, content, headers)
        except _STALE as error:
            self.close()
            if kept and method == "GET":
                return self._asked(method, path, content, headers)
            raise unreachable(self.target, error) from error
        except (OSError, HTTPException) as error:
            self.close()
            raise unreachable(self.target, error) from error

    def _once(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[HTTPResponse, bytes]:
        if self._connection is None:
            self._connection = self._new(self.target.timeout)
        self._connection.request(method, path, content or None, {"secretKey": self.target.key, **headers})
        response = self._connection.getresponse()
        return response, response.read()

    def _new(self, timeout: float) -> HTTPConnection:
        target = self.target
        if target.context is not None:
            return HTTPSConnection(target.host, target.port, timeout=timeout, context=target.context)
        return HTTPConnection(target.host, target.port, timeout=timeout)

    def _path(self, path: tuple[str, ...], query: Mapping[str, Any]) -> str:
        whole = f"{self.target.prefix}{PREFIX}/" + "/".join(quote(part, safe="") for part in path)
        given = {name.rstrip("_"): value for name, value in query.items() if value is not None}
        return f"{whole}?{urlencode(given, doseq=True)}" if given else whole


def read_events(lines: Iterator[bytes] | HTTPResponse) -> Iterator[Event]:
    """The events in the lines of a stream. Comments are passed over."""
    name, data = "message", ""
    for line in lines:
        text = line.decode().rstrip("\r\n")
        if text.startswith("event: "):
            name = text[7:]
        elif text.startswith("data: "):
            data = text[6:]
        elif not text and data:
            yield Event(name, json.loads(data))
            name, data = "message", ""


def refusal(response: HTTPResponse, content: bytes) -> Ended:
    """What to raise for a status of 400 and above."""
    try:
        fault = json.loads(content)["error"]
        return Refused(str(fault["code"]), str(fault["message"]), fault.get("retryAfter"), index=fault.get("index"))
    except (ValueError, KeyError, TypeError):
        pass
    if response.status == _MISSING:
        return Refused("noRoute", "there is no such route: this is no broker of KapokMQ, or an older one")
    text = content[:200].decode("utf-8", "replace").strip()
    return Refused(f"status {response.status}", text or response.reason)


def unreachable(target: Target, error: Exception) -> Ended:
    """What to raise where nothing came back: whose fault it is, and what to do."""
    return Unreachable(f"{target.url}: {reason(target, error)}")


def reason(target: Target, error: Exception) -> str:  # noqa: PLR0911 -- one for each cause
    """Why nothing came back, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}): name its CA with --ca, or correct the address"
    if isinstance(error, ssl.SSLError):
        return "it does not speak TLS as we do: is it http:// or ws:// rather?"
    if isinstance(error, TimeoutError):
        return f"no answer within {target.timeout:g} s: is it overloaded or unreachable? --timeout waits longer"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there: start the broker, or name another one with --server or KAPOK_SERVER"
    if isinstance(error, socket.gaierror):
        return f"there is no host of that name ({error.strerror})"
    if isinstance(error, RemoteDisconnected | ConnectionError):
        return f"the connection was lost ({error}): is it https:// or wss:// rather, or did the broker end?"
    if isinstance(error, HTTPException):
        return f"what answers there is no HTTP server ({type(error).__name__})"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _no_broker(target: Target) -> Ended:
    return Ended(f"{target.url} answers something that is no JSON object: is it a broker?")


def confirmed(question: str, *, yes: bool) -> None:
    """Ask on a terminal whether to go on. Raises click.UsageError where nobody can be asked, click.Abort for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Say --yes where nobody can be asked")
    click.confirm(question, abort=True, err=True)
