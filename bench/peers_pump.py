"""Requests that were built before, sent as fast as a window allows; answers that are counted, not parsed."""

import selectors
import socket
import time
from itertools import cycle

READ = 1 << 20
STALL_SECONDS = 60.0  # without any answer
_BOUND_SECONDS = 600.0  # of a whole run


def connect(port):
    """A socket to a server on loopback that sends at once and never waits for ever."""
    sock = socket.create_connection(("127.0.0.1", port), STALL_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_until(sock, end):
    """Everything up to and with `end`, which must be the last that comes."""
    seen = b""
    while not seen.endswith(end):
        more = sock.recv(READ)
        if not more:
            raise ConnectionError(f"closed after {seen[-300:]!r}")
        seen += more
    return seen


def round_up(total, each):
    """The least multiple of `each` that is not below `total`."""
    return -(-total // each) * each


def chunk_size(window, most=500):
    """Requests a write: what divides 500 and leaves room for two writes in the window."""
    return next(
        size for size in (500, 250, 100, 50, 20, 10, 5, 2, 1) if size <= most and (size * 2 <= window or size == 1)
    )


class Answers:
    """Counts answers in a stream of bytes: each has `mark` once, or is `mark` bytes long."""

    def __init__(self, mark, refusal=None):
        self._mark, self._refusal, self._odd = mark, refusal, 0

    def count(self, data):
        """How many have ended in `data`. Raises ConnectionError where the server refuses."""
        if self._refusal is not None and self._refusal in data:
            raise ConnectionError(f"refused: {data[:300]!r}")
        if not isinstance(self._mark, int):
            return data.count(self._mark)
        found, self._odd = divmod(self._odd + len(data), self._mark)
        return found


class Pump:
    """Sends `total` requests on one connection, at most `window` unanswered; `chunks` of `each` requests come in turn.

    `latencies` are seconds from a chunk's last byte handed to the kernel to the answer of its last request.
    """

    def __init__(self, sock, chunks, each, total, window, answers):
        assert total % each == 0, (total, each)
        self.sock = sock
        sock.setblocking(False)  # noqa: FBT003 -- the socket's own signature
        self._chunks, self._each = cycle(chunks), each
        self._total, self._window, self._answers = total, max(window, each), answers
        self.sent = self.answered = 0
        self._unsent = memoryview(b"")
        self._sent_at = []
        self.latencies = []

    def done(self):
        """Whether everything is answered."""
        return self.answered >= self._total

    def fill(self):
        """Send what the window allows. Gives whether the kernel has taken all of it."""
        while True:
            if not self._unsent:
                if self.sent >= self._total or self.sent - self.answered + self._each > self._window:
                    return True
                self._unsent = memoryview(next(self._chunks))
                self.sent += self._each
            try:
                count = self.sock.send(self._unsent)
            except BlockingIOError:
                return False
            self._unsent = self._unsent[count:]
            if not self._unsent:
                self._sent_at.append(time.perf_counter())

    def read(self):
        """Count answers."""
        data = self.sock.recv(READ)
        if not data:
            raise ConnectionError("the server closed the connection")
        before = self.answered // self._each
        self.answered += self._answers.count(data)
        now = time.perf_counter()
        self.latencies += [now - at for at in self._sent_at[before : self.answered // self._each]]


def drive(pumps):
    """Run pumps side by side until each is done. Raises TimeoutError if nothing is answered for long."""
    end = time.monotonic() + _BOUND_SECONDS
    with selectors.DefaultSelector() as selector:
        for pump in pumps:
            selector.register(pump.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, pump)
        waiting = len(pumps)
        while waiting:
            ready = selector.select(STALL_SECONDS)
            if not ready or time.monotonic() > end:
                raise TimeoutError(f"stalled after {[pump.answered for pump in pumps]} answers")
            for key, events in ready:
                pump = key.data
                if events & selectors.EVENT_READ:
                    pump.read()
                    if pump.done():
                        selector.unregister(pump.sock)
                        waiting -= 1
                        continue
                wanted = selectors.EVENT_READ if pump.fill() else selectors.EVENT_READ | selectors.EVENT_WRITE
                if wanted != key.events:
                    selector.modify(pump.sock, wanted, pump)


def percentiles(latencies):
    """p50, p99 and p99.9 in milliseconds, as a row wants them; empty without latencies."""
    ranked = sorted(latencies)
    if not ranked:
        return {}
    last = len(ranked) - 1
    found = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    return {name: ranked[round(share * last)] * 1000 for name, share in found.items()}
