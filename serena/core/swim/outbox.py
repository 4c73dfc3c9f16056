"""What the machine wants done, until the shell fetches it."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from serena.core.swim.events import Event
from serena.core.swim.messages import Address, Ping, PushPull


class Datagram(NamedTuple):
    """Messages for one address, encoded: 1 to 127. `crc`: the receiver is known to understand a checksum."""

    to: Address
    parts: tuple[bytes, ...]
    crc: bool


class Purpose(Enum):
    """What a stream is for."""

    PROBE = "probe"
    ASK = "ask"  # which versions the pool has, before we say ours
    JOIN = "join"
    SYNC = "sync"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True, eq=False)
class OpenStream:
    """A stream to open: write the request, read one answer, close. All of that until `deadline` (steady seconds)."""

    to: Address
    request: Ping | PushPull
    deadline: float
    purpose: Purpose


class Outbox:
    """Lists to fetch, and counts that go on: `counts` of what was done, `dropped` of what was refused, by reason."""

    def __init__(self) -> None:
        self.datagrams: list[Datagram] = []
        self.streams: list[OpenStream] = []
        self.events: list[Event] = []
        self.counts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    def take_datagrams(self) -> list[Datagram]:
        """The datagrams to send."""
        taken, self.datagrams = self.datagrams, []
        return taken

    def take_streams(self) -> list[OpenStream]:
        """The streams to open."""
        taken, self.streams = self.streams, []
        return taken

    def take_events(self) -> list[Event]:
        """What has happened."""
        taken, self.events = self.events, []
        return taken
