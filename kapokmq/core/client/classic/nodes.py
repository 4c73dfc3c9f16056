"""What a registry tells of brokers (spec, 2.6), and which of them a cluster producer should have connections to."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from kapokmq.core.client.errors import refused
from kapokmq.core.errors import BadMessage
from kapokmq.core.session.login import WRONG
from serena.core.node_name import BROKER, bracketed, parse_node_name

ABSENCES = 3  # lists in a row that a node is not in, before it is given up
_STATUS = re.compile(r"HTTP/1\.[01] \d{3}\b")
_OK = re.compile(r"HTTP/1\.[01] 200\b")


class Node(msgspec.Struct, frozen=True, gc=False):
    """A broker, as the wire has it."""

    Name: str
    Addr: str
    Port: str

    @property
    def address(self) -> str:
        """Where it is: host:port."""
        return f"{bracketed(self.Addr)}:{self.Port}"


def read_nodes(body: bytes) -> list[Node]:
    """The brokers that there are, without those nobody could dial. Raises WrongKey, BadMessage."""
    try:
        said = msgspec.json.decode(body)
        if isinstance(said, dict) and said.get("msg") == WRONG:
            raise refused("unauthorized", WRONG)
        nodes = msgspec.convert(said or (), list[Node]) if isinstance(said, list | None) else None
    except ValueError as error:
        raise BadMessage(f"nodes: {error}") from None
    if nodes is None:
        raise BadMessage("nodes: neither a list nor null")
    return [node for node in nodes if parse_node_name(f"{BROKER}:{node.address}".encode()) is not None]


def read_answer(answer: bytes) -> bytes:
    """The body of an answer in HTTP/1.0, which is whole when the connection has ended. Raises BadMessage."""
    head, found, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    if not found or not _STATUS.match(status):
        raise BadMessage("registry: its answer is no HTTP")
    if not _OK.match(status):
        raise BadMessage(f"registry: {status}")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers or (length.isdecimal() and int(length) != len(body)):
        raise BadMessage("registry: its answer is not whole")
    return body


class Roster:
    """Which nodes are wanted, by address. A registry that knows of none, or that is away, changes nothing.

    The original's forgets all nodes when it was away for a minute (spec, bug 32), and brokers live on without it.
    """

    def __init__(self) -> None:
        self._absent: dict[str, int] = {}

    def listed(self, nodes: Sequence[Node]) -> tuple[list[str], list[str]]:
        """Take a list: the addresses that are new, and those that are given up."""
        there = dict.fromkeys(node.address for node in nodes)
        if not there:
            return [], []
        new = [address for address in there if address not in self._absent]
        for address in self._absent:
            self._absent[address] += 1
        self._absent |= dict.fromkeys(there, 0)
        gone = [address for address, times in self._absent.items() if times >= ABSENCES]
        self.forget(gone)
        return new, gone

    def forget(self, addresses: Iterable[str]) -> None:
        """They are new when they are listed again."""
        for address in addresses:
            del self._absent[address]
