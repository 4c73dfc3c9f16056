"""The classic wire, driven with frames built beforehand: cheap enough not to be the bottleneck."""

import json
import re

from bench import pump, wire
from bench.node import KEY

_OK = len(b"\x81\x02ok")
_CODE = 40
_CODES = re.compile(rb'\{"MessageCode":"([0-9a-f]{40})"')
_END = b'"Status":-1}'  # as the broker writes it; our bodies hold neither quote nor brace


def login(port, path):
    """A socket that has been upgraded and logged in."""
    sock, seen = wire.connect(port, path)
    wire.until(sock, b"secret key", seen)
    sock.sendall(wire.frame(KEY.encode()))
    wire.until(sock, b"succeeded")
    return sock


def message(size):
    """The JSON of a message whose text has so many bytes."""
    return json.dumps({"MessageData": "x" * size, "DelayTime": 0}, separators=(",", ":")).encode()


class _Oks:
    """Counts `ok` frames, wherever reads cut them."""

    def __init__(self):
        self._odd = 0

    def count(self, data):
        count, self._odd = divmod(self._odd + len(data), _OK)
        return count


class Consumer:
    """Reads pushes, and acknowledges each that has come whole with a frame of its own."""

    def __init__(self, sock, stamps):
        self.sock, self._stamps, self._buffer = sock, stamps, b""

    def read(self):
        """Take what is there and acknowledge it; how many that were."""
        more = self.sock.recv(wire.READ)
        if not more:
            raise ConnectionError("the broker closed a consumer")
        data = self._buffer + more if self._buffer else more
        end = data.rfind(_END)
        if end < 0:
            self._buffer = data
            return 0
        end += len(_END)
        self._buffer = data[end:]
        codes = _CODES.findall(data, 0, end)
        self.sock.sendall(self._stamps.frames(codes))
        return len(codes)


def producers(port, topic, *, connections=1, size=100, window=20_000, step=None):
    """Producers that have logged in and have their frames."""
    one = message(size)
    each = window // connections
    step = step or max(1, min(100, each // 4, pump.CHUNK_BYTES // len(one)))
    made = []
    for number in range(connections):
        sock = login(port, f"/Producers/Conn/{topic}/p{number}")
        chunks = [b"".join(wire.frame(one) for _ in range(step)) for _ in range(2 if size > 10_000 else 4)]
        made.append(pump.Producer(sock, chunks, step, each, _Oks().count))
    return made


def publish(stage, *, port, topic, rate=None, **given):
    """A load: publish as fast as confirmations come, or `rate` messages a second on one connection."""
    made = producers(port, topic, step=max(1, rate // 1_000) if rate else None, **given)
    return pump.publish_paced(stage, made[0], rate) if rate else pump.publish(stage, made)


def consume(stage, *, port, topic, connections=1, copies=1, acks=True, may_stop=False):
    """A load: read all messages, and acknowledge each unless `acks` says no."""
    stamps = wire.StampedFrames(_CODE)
    made = []
    for number in range(connections):
        sock = login(port, f"/Consumers/Conn/{topic}/c{number}")
        made.append(Consumer(sock, stamps) if acks else pump.Listener(sock, _END))
    return pump.consume(stage, made, copies, may_stop=may_stop)
