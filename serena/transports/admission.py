"""What one address, and all together, may ask of a member: checked before anything is decoded.

    datagrams        2,000 a second and address (4,000 at once), of at most 64 KiB
    their bytes      512 KiB a second and address (1 MiB at once), as they came or unpacked, whichever is more: a member
                     sends some 30 KiB a second, and time to read them grows with bytes
    streams          50 a second and address (200 at once), 128 open an address, 256 in all
    bytes held       64 MiB in all streams together, of others and of ours
    push/pulls       128 at once: streams, of ours too, that have brought more than a ping has

What is refused is counted by reason and not answered.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from serena.core.swim.rates import Rates


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds. Rates are for a second and an address, sizes in bytes."""

    datagram_bytes: int = 65_536
    datagram_rate: float = 2_000.0
    datagram_burst: int = 4_000
    datagram_byte_rate: float = float(512 << 10)
    datagram_byte_burst: int = 1 << 20
    stream_rate: float = 50.0
    stream_burst: int = 200
    streams: int = 256
    streams_of_one: int = 128
    push_pulls: int = 128
    ping_bytes: int = 1_024
    held_bytes: int = 64 << 20
    streams_out: int = 256


class Budgets:
    """`rate` bytes a second, `burst` at once, for each of the last `most` hosts.

    Who has some left may take any amount: then it owes the rest, and gets nothing until that is paid.
    """

    def __init__(self, rate: float, burst: int, most: int = 4096) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._left: OrderedDict[bytes, tuple[float, float]] = OrderedDict()  # bytes, and when there were so many

    def allows(self, host: bytes, amount: int, now: float) -> bool:
        """Whether this host may have so many more, at `now` in steady seconds."""
        left, since = self._left.pop(host, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._rate)
        allowed = left > 0
        self._left[host] = (left - amount if allowed else left, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return allowed


class Admission:
    """Keeps count. `allowed` says from which addresses anything is taken, `seconds` reads a steady clock.

    `dropped` counts what was refused, by reason: here, and by everybody who decodes.
    """

    def __init__(self, allowed: Callable[[bytes], bool], seconds: Callable[[], float], bounds: Bounds) -> None:
        self.dropped: Counter[str] = Counter()
        self.bounds = bounds
        self._allowed = allowed
        self._seconds = seconds
        self._datagrams = Rates(bounds.datagram_rate, bounds.datagram_burst)
        self._bytes = Budgets(bounds.datagram_byte_rate, bounds.datagram_byte_burst)
        self._streams = Rates(bounds.stream_rate, bounds.stream_burst)
        self._open: Counter[bytes] = Counter()
        self._streams_open = 0
        self._push_pulls = 0
        self._held = 0

    @property
    def streams_open(self) -> int:
        """How many streams of others are open."""
        return self._streams_open

    def takes_datagram(self, host: bytes, length: int) -> bool:
        """Whether a datagram is looked at."""
        if not self._allowed(host):
            return self._drop("notAllowed")
        if length > self.bounds.datagram_bytes:
            return self._drop("oversized")
        now = self._seconds()
        return (self._datagrams.allows(host, now) and self._bytes.allows(host, length, now)) or self._drop("rate")

    def takes_unpacked(self, host: bytes, more: int) -> bool:
        """Whether a datagram that was looked at is read: it unpacked to so many bytes more than it came with."""
        return more <= 0 or self._bytes.allows(host, more, self._seconds()) or self._drop("rate")

    def takes_stream(self, host: bytes) -> bool:
        """Whether a stream is listened to. Then it is to be closed with `stream_closed`."""
        if not self._allowed(host):
            return self._drop("notAllowed")
        if self._streams_open >= self.bounds.streams or self._open[host] >= self.bounds.streams_of_one:
            return self._drop("tooManyStreams")
        if not self._streams.allows(host, self._seconds()):
            return self._drop("rate")
        self._streams_open += 1
        self._open[host] += 1
        return True

    def stream_closed(self, host: bytes, held: int) -> None:
        """A stream is over that held so many bytes."""
        self._streams_open -= 1
        self.released(held)
        if self._open[host] > 1:
            self._open[host] -= 1
        else:
            del self._open[host]

    def takes_bytes(self, held: int, more: int) -> bool:
        """Whether a stream that holds so many bytes may hold more. They are counted in any case."""
        self._held += more
        if held <= self.bounds.ping_bytes < held + more:
            self._push_pulls += 1
            if self._push_pulls > self.bounds.push_pulls:
                return self._drop("tooManyStreams")
        return self._held <= self.bounds.held_bytes or self._drop("busy")

    def released(self, held: int) -> None:
        """A stream, of ours or of others, holds those bytes no more."""
        self._held -= held
        self._push_pulls -= held > self.bounds.ping_bytes

    def _drop(self, reason: str) -> bool:
        self.dropped[reason] += 1
        return False
