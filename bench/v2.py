"""The v2 wire, driven with publish frames built beforehand; deliveries are read with one regular expression."""

import json
import re

from bench import pump, wire
from bench.node import KEY

_CODES = re.compile(rb'"code":"([0-9a-f]{40})"')
_DELIVER = b'{"op":"deliver"'
_UNCONFIRMED = 1_000  # publishes a connection may have unconfirmed
_FRAME = 4 << 20  # half of what the broker takes
CREDIT = 10_000


def login(port, name="bench"):
    """A socket that has been upgraded and welcomed."""
    sock, seen = wire.connect(port, "/v2", "Sec-WebSocket-Protocol: kapokmq.v2\r\n")
    sock.sendall(wire.frame(json.dumps({"op": "hello", "key": KEY, "name": name}).encode()))
    wire.until(sock, b'"op":"welcome"', seen)
    return sock


def ask(sock, request, mark=b'"op":"ok"'):
    """Send a request and read up to its answer; what came behind the answer's frame."""
    sock.sendall(wire.frame(json.dumps(request, separators=(",", ":")).encode()))
    data = b""
    while True:
        more = sock.recv(wire.READ)
        if not more:
            raise ConnectionError(f"closed after {data[-200:]!r}")
        data += more
        frames, _ = wire.split(data)
        for _, start, end in frames:
            if b'"op":"error"' in data[start:end][:200]:
                raise ConnectionError(data[start:end][:500].decode())
            if mark in data[start:end]:
                return data[end:]


def subscribe(port, topic, **more):
    """A socket with subscription 1."""
    sock = login(port)
    return sock, ask(sock, {"op": "subscribe", "id": 1, "topic": topic, **more})


def batch(number, topic, messages):
    """The JSON of a publish, of messages that are JSON themselves."""
    head = f'{{"op":"publish","id":{number},"topic":"{topic}","messages":['.encode()
    return head + b",".join(messages) + b"]}"


class Oks:
    """Counts the messages that `ok`s confirm, wherever reads cut them. Raises ConnectionError at errors."""

    def __init__(self, size):
        self._size = size
        self._oks = wire.Counter(b'"durable":"')
        self._errors = wire.Counter(b'"op":"error"')

    def count(self, data):
        """How many messages that confirms."""
        if self._errors.count(data):
            at = data.find(b'"op":"error"')
            raise ConnectionError(f"refused: {data[max(0, at - 20) : at + 300]!r}")
        return self._oks.count(data) * self._size


class Consumer:
    """Reads deliveries, and acknowledges those of a frame with one frame.

    `note(data, start, end)` is called with each delivery that is complete.
    """

    def __init__(self, sock, seen=b"", note=None):
        self.sock, self._buffer, self._note = sock, seen, note

    def read(self):
        """Take what is there and acknowledge it; how many messages that were."""
        more = self.sock.recv(wire.READ)
        if not more:
            raise ConnectionError("the broker closed a consumer")
        data = self._buffer + more if self._buffer else more
        frames, end = wire.split(data)
        self._buffer = data[end:]
        count, answers = 0, []
        for opcode, start, stop in frames:
            if data.startswith(_DELIVER, start):
                codes = _CODES.findall(data, start, stop)
                if self._note:
                    self._note(data, start, stop)
                count += len(codes)
                answers.append(wire.frame(b'{"op":"ack","sub":1,"codes":["' + b'","'.join(codes) + b'"]}'))
            elif opcode == wire.PING:
                answers.append(wire.frame(data[start:stop], wire.PONG))
            else:
                raise ConnectionError(f"not awaited: {data[start:stop][:300]!r}")
        if answers:
            self.sock.sendall(b"".join(answers))
        return count


def chunks(topic, *, size, batch_size, window, step):
    """As many different chunks of `step` messages as are under way at once, ids and masks differing."""
    one = json.dumps({"data": "x" * size}, separators=(",", ":")).encode()
    messages = [one] * batch_size
    made, number = [], 1_000_000
    for _ in range(window // step + 1):
        frames = []
        for _ in range(step // batch_size):
            frames.append(wire.frame(batch(number, topic, messages)))
            number += 1
        made.append(b"".join(frames))
    return made


def fitting(size, batch_size, window, connections):
    """What a frame and the broker bear: the batch and one connection's window."""
    batch_size = max(1, min(batch_size, _FRAME // (size + 16)))
    return batch_size, max(batch_size, min(window // connections, _UNCONFIRMED * batch_size))


def publish(stage, *, port, topic, connections=1, size=100, batch_size=500, window=20_000, rate=None):  # noqa: PLR0913 -- a load is what it is given
    """A load: publish as fast as confirmations come, or `rate` messages a second on one connection.

    Nothing is told apart by the ids, as there is no session: they begin anew when no such publish is under way.
    """
    batch_size, each = fitting(size, batch_size, window, connections)
    if rate:
        batch_size = step = max(1, rate // 1_000)
    else:
        several = min(100 // batch_size, each // 4 // batch_size, pump.CHUNK_BYTES // (size * batch_size))
        step = batch_size * max(1, several)
    made = []
    for number in range(connections):
        prepared = chunks(topic, size=size, batch_size=batch_size, window=each, step=step)
        sock = login(port, f"p{number}")
        made.append(pump.Producer(sock, prepared, step, each, Oks(batch_size).count))
    return pump.publish_paced(stage, made[0], rate) if rate else pump.publish(stage, made)


def consume(stage, *, port, topic, connections=1, copies=1, acks=True, may_stop=False, group=None):  # noqa: PLR0913
    """A load: read all messages and acknowledge them, a delivery at a time, unless `acks` says no."""
    more = ({"group": group} if group else {}) | ({"credit": CREDIT} if acks else {"ack": "none"})
    made = []
    for _ in range(connections):
        sock, seen = subscribe(port, topic, **more)
        if not acks and seen:
            raise ConnectionError("a delivery before the first publish")
        made.append(Consumer(sock, seen) if acks else pump.Listener(sock, b'"attempt":'))
    return pump.consume(stage, made, copies, may_stop=may_stop)
