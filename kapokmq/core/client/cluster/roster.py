"""What registries say of brokers: `GET /api/v1/watch` as it streams, and `POST /Registry/GetNodes` (docs/cluster.md).

    event: snapshot
    data: {"members": [{"name": "mq:10.0.0.3:8011", "state": "alive", …}, …], "more": false, "anew": true}

    event: fail
    data: {"name": "mq:10.0.0.3:8011", "state": "dead", …}

Brokers go by their address, `host:port`. Members of other kinds are left out, and so is what is not known here.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from kapokmq.core.client.errors import ClientError, WrongKey
from serena.core.node_name import BROKER, bracketed, parse_node_name

LONGEST = 16 << 20  # bytes of an event, or of an answer
_ALIVE = {"alive", "suspect"}  # who is suspected has not been given up
_CHANGES = {"join", "update", "fail", "leave", "forget"}


class BadAnswer(ClientError):
    """A registry's answer can't be read."""


class News(NamedTuple):
    """Addresses of brokers: who is there, and who is dead or has left. `whole`: others are not known to it at all."""

    here: frozenset[str]
    away: frozenset[str] = frozenset()
    whole: bool = False


class _Row(msgspec.Struct):
    name: str
    state: str


class _Snapshot(msgspec.Struct):
    members: list[_Row]
    more: bool = False
    anew: bool = False


class _Listed(msgspec.Struct):
    Name: str
    Addr: str
    Port: str


class _Refusal(msgspec.Struct):
    code: int
    msg: str = ""


_row = msgspec.json.Decoder(_Row).decode
_snapshot = msgspec.json.Decoder(_Snapshot).decode
_nodes = msgspec.json.Decoder(list[_Listed] | _Refusal | None).decode


def address_of(name: str) -> str | None:
    """The address in a broker's name, None where it is none."""
    found = parse_node_name(name.encode("utf-8", "replace"))
    return None if found is None or found.kind != BROKER else f"{found.host}:{found.port}"


def _news(rows: Iterable[_Row], *, whole: bool) -> News:
    here: set[str] = set()
    away: set[str] = set()
    for row in rows:
        address = address_of(row.name)
        if address is not None:
            (here if row.state in _ALIVE else away).add(address)
    return News(frozenset(here), frozenset(away - here), whole)


class Watch:
    """A stream of events: bytes in, news out."""

    def __init__(self) -> None:
        self._rest = b""
        self._rows: list[_Row] = []  # of a snapshot that has more parts

    def received(self, data: bytes) -> list[News]:
        """Read some more. Raises BadAnswer."""
        *events, self._rest = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(self._rest) > LONGEST:
            raise BadAnswer(f"an event is longer than {LONGEST} bytes")
        try:
            return [news for event in events for news in self._event(event)]
        except (ValueError, RecursionError) as fault:
            raise BadAnswer(f"an event can't be read: {fault}") from None

    def _event(self, event: bytes) -> list[News]:
        name, data = "", b""
        for line in event.split(b"\n"):
            field, _, value = line.partition(b":")
            if field == b"event":
                name = value.strip().decode("ascii", "replace")
            elif field == b"data":
                data += value
        if name == "snapshot":
            return self._part(_snapshot(data))
        return [_news([_row(data)], whole=False)] if name in _CHANGES else []

    def _part(self, part: _Snapshot) -> list[News]:
        if part.anew:
            self._rows = []
        self._rows += part.members
        if part.more:
            return []
        rows, self._rows = self._rows, []
        return [_news(rows, whole=True)]


def nodes(body: bytes) -> News:
    """The answer of GetNodes. Raises WrongKey, BadAnswer."""
    try:
        said = _nodes(body or b"null")
    except (ValueError, RecursionError) as fault:
        raise BadAnswer(f"its nodes can't be read: {fault}") from None
    if isinstance(said, _Refusal):
        raise WrongKey("unauthorized", said.msg or "the registry has another key")
    brokers = [row for row in said or () if row.Name.startswith(BROKER)]
    return News(frozenset(f"{bracketed(row.Addr)}:{row.Port}" for row in brokers), whole=True)
