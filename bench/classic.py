"""The classic wire, driven with pre-built frames over raw sockets: cheap enough not to be the bottleneck."""

import json
import selectors
import socket
import time

from bench.node import Stopwatch

_KEY = b"test"
_OK = len(b"\x81\x02ok")
_READ = 1 << 20
_CODE_AT = len('{"MessageCode":"')
_CODE = 40
_CHUNK = 100  # messages a write


def frame(payload):
    """A masked text frame. The mask is zero: the broker unmasks all the same, and we need not mask."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, 0x80 | size)) + bytes(4) + payload
    if size < 1 << 16:
        return b"\x81\xfe" + size.to_bytes(2, "big") + bytes(4) + payload
    return b"\x81\xff" + size.to_bytes(8, "big") + bytes(4) + payload


def login(port, path):
    """A socket that has been upgraded and logged in."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    _until(sock, b"secret key")
    sock.sendall(frame(_KEY))
    _until(sock, b"succeeded")
    return sock


def _until(sock, end):
    seen = b""
    while not seen.endswith(end):
        more = sock.recv(4096)
        if not more:
            raise ConnectionError(f"closed after {seen!r}")
        seen += more


class Producer:
    """Sends `total` messages, at most `window` of them unconfirmed."""

    def __init__(self, port, topic, name, body, total, window):
        self.sock = login(port, f"/Producers/Conn/{topic}/{name}")
        self.sock.settimeout(0)
        one = frame(json.dumps({"MessageData": body, "DelayTime": 0}, separators=(",", ":")).encode())
        self._chunk = one * _CHUNK
        self._total, self._window = total, window
        self.sent = self.confirmed = 0
        self._unsent = memoryview(b"")
        self._odd = 0
        self.sent_at = []  # when chunk n was handed to the kernel
        self.latencies = []

    def done(self):
        """Whether everything is confirmed."""
        return self.confirmed >= self._total

    def fill(self):
        """Send what the window allows."""
        while True:
            if not self._unsent:
                if self.sent >= self._total or self.sent - self.confirmed > self._window - _CHUNK:
                    return
                self._unsent = memoryview(self._chunk)
                self.sent += _CHUNK
                self.sent_at.append(time.perf_counter())
            try:
                count = self.sock.send(self._unsent)
            except BlockingIOError:
                return
            self._unsent = self._unsent[count:]

    def read(self):
        """Count confirmations."""
        data = self.sock.recv(_READ)
        if not data:
            raise ConnectionError("the broker closed a producer")
        before = self.confirmed // _CHUNK
        self._odd += len(data)
        self.confirmed += self._odd // _OK
        self._odd %= _OK
        now = time.perf_counter()
        self.latencies += [now - at for at in self.sent_at[before : self.confirmed // _CHUNK]]


class Consumer:
    """Reads pushes and acknowledges each."""

    def __init__(self, port, topic, name, producer):
        self.sock = login(port, f"/Consumers/Conn/{topic}/{name}")
        self._producer = producer
        self._buffer = b""
        self.got = 0
        self.latencies = []

    def read(self):
        """Take what is there and acknowledge it."""
        data = self._buffer + self.sock.recv(_READ) if self._buffer else self.sock.recv(_READ)
        size, at, acks = len(data), 0, []
        while size - at >= 4:
            length = data[at + 1]
            start = at + 2
            if length == 126:
                length, start = (data[at + 2] << 8) | data[at + 3], at + 4
            elif length == 127:
                if size - at < 10:
                    break
                length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if start + length > size:
                break
            acks.append(data[start + _CODE_AT : start + _CODE_AT + _CODE])
            at = start + length
        self._buffer = data[at:]
        if acks:
            head = b"\x81\xa8\0\0\0\0"
            self.sock.sendall(head + head.join(acks))
            before = self.got // _CHUNK
            self.got += len(acks)
            now = time.perf_counter()
            self.latencies += [now - sent for sent in self._producer.sent_at[before : self.got // _CHUNK]]


def percentile(values, share):
    """That share of the values is no greater, in milliseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000 if values else 0.0


def publish(broker, *, total, connections, body, window=20_000):
    """Only publish. Gives a row of figures."""
    each = total // connections // _CHUNK * _CHUNK
    producers = [Producer(broker.port, "bench", f"p{i}", body, each, window // connections) for i in range(connections)]
    watch = Stopwatch(broker)
    _drive(producers, lambda: all(producer.done() for producer in producers), producers)
    seconds, theirs, ours = watch.read()
    latencies = [latency for producer in producers for latency in producer.latencies]
    for producer in producers:
        producer.sock.close()
    return _row("publish", connections, each * connections / seconds, latencies, (theirs, ours), broker)


def through(broker, *, total, body, window=20_000, consumers=1):
    """Publish, deliver and acknowledge, all at once. Latency is that of one consumer: several get no order to go by."""
    producer = Producer(broker.port, "through", "p", body, total, window)
    readers = [Consumer(broker.port, "through", f"c{number}", producer) for number in range(consumers)]
    watch = Stopwatch(broker)
    _drive([producer, *readers], lambda: producer.done() and sum(c.got for c in readers) >= total, [producer])
    seconds, theirs, ours = watch.read()
    for client in (producer, *readers):
        client.sock.close()
    latencies = readers[0].latencies if consumers == 1 else []
    return _row("publish + deliver + ack", consumers, total / seconds, latencies, (theirs, ours), broker)


def _drive(clients, done, producers):
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.sock, selectors.EVENT_READ, client)
    deadline = time.perf_counter() + 120
    while not done():
        if time.perf_counter() > deadline:
            raise TimeoutError("two minutes are over")
        for producer in producers:
            producer.fill()
        for key, _ in selector.select(0.005):
            key.data.read()
    selector.close()


def _row(what, connections, rate, latencies, cpu, broker):
    return {
        "what": what,
        "connections": connections,
        "rate": rate,
        "p50": percentile(latencies, 0.5),
        "p99": percentile(latencies, 0.99),
        "broker_cpu": cpu[0],
        "load_cpu": cpu[1],
        "rss": broker.rss(),
    }
