"""The classic wire over a raw socket, without any library: so nothing in between is kinder than the wire itself."""

import json
import os
import socket
import struct
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PROMPT = "Please enter the secret key"
RIGHT = "Secret key matching succeeded"
PATIENCE = 30.0  # seconds that anything may take on a busy machine


class Closed(Exception):
    """The connection has ended; `code` and `reason` as the broker said them, None where it said nothing."""

    def __init__(self, code, reason):
        super().__init__(f"closed: {code} {reason}")
        self.code = code
        self.reason = reason


def frame(payload, opcode=TEXT):
    """A client's frame. Its mask is zero: the broker unmasks all the same, and we need not mask."""
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


def message(data, delay=0):
    """A producer's frame."""
    return frame(json.dumps({"MessageData": data, "DelayTime": delay}))


class Client:
    """One WebSocket connection, logged in unless `key` is None. It ends with its test case, if not before."""

    def __init__(self, case, port, path, key="test", read_buffer=None, headers=()):
        self.sock = socket.socket()
        case.addCleanup(self.sock.close)
        if read_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_buffer)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *headers,
        ]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        self._buffer = b""
        self._at = 0
        self.answer = self._head()
        if key is not None:
            assert self.answer.startswith("HTTP/1.1 101 "), self.answer
            self.log_in(key)

    def log_in(self, key):
        """The dialogue, in which this key is the right one."""
        assert self.text() == PROMPT
        self.send(frame(key))
        assert self.text() == RIGHT

    def send(self, data):
        """Write bytes."""
        self.sock.settimeout(PATIENCE)
        self.sock.sendall(data)

    def close(self):
        """Drop the connection, without a word."""
        self.sock.close()

    def reset(self):
        """Drop it as a crash does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # ---- reading

    def _head(self):
        while b"\r\n\r\n" not in self._buffer:
            self._more(PATIENCE)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def _more(self, seconds):
        self.sock.settimeout(max(seconds, 0))
        try:
            data = self.sock.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            raise Closed(None, "")
        self._buffer = self._buffer[self._at :] + data
        self._at = 0

    def _cut(self):
        """A whole frame from the buffer, or None."""
        data, at = self._buffer, self._at
        if len(data) - at < 2:
            return None
        assert data[at] & 0x80, "one unfragmented frame"
        assert not data[at + 1] & 0x80, "a server does not mask"
        length, start = data[at + 1], at + 2
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(data) - start < wide:
                return None
            length, start = int.from_bytes(data[start : start + wide], "big"), start + wide
        if len(data) - start < length:
            return None
        self._at = start + length
        return data[at] & 15, data[start : start + length]

    def next_frame(self, seconds=PATIENCE):
        """The next frame as (opcode, payload), None where none came in time. Raises Closed at a close frame."""
        deadline = time.monotonic() + seconds
        while (found := self._cut()) is None:
            try:
                self._more(deadline - time.monotonic())
            except (TimeoutError, BlockingIOError):
                return None
        if found[0] == CLOSE:
            payload = found[1]
            raise Closed(int.from_bytes(payload[:2], "big") if payload else None, payload[2:].decode())
        return found

    def text(self, seconds=PATIENCE):
        """The next text frame."""
        found = self.next_frame(seconds)
        assert found is not None, "nothing came"
        assert found[0] == TEXT, found
        return found[1].decode()

    def closed(self, seconds=PATIENCE):
        """Read on to the end. Gives (code, reason)."""
        deadline = time.monotonic() + seconds
        try:
            while self.next_frame(deadline - time.monotonic()) is not None:
                pass
        except Closed as end:
            return end.code, end.reason
        raise AssertionError("still open")


class Producer(Client):
    """Publishes. `confirmed` counts the `ok`s that were read."""

    def __init__(self, case, port, topic="t", name="p", **options):
        super().__init__(case, port, f"/Producers/Conn/{topic}/{name}", **options)
        self.confirmed = 0

    def publish(self, *bodies, delay=0):
        """Send these, and read their `ok`s."""
        self.send(b"".join(message(body, delay) for body in bodies))
        self.oks(len(bodies))

    def oks(self, count, seconds=PATIENCE):
        """Read that many `ok`s."""
        deadline = time.monotonic() + seconds
        for done in range(count):
            found = self.next_frame(deadline - time.monotonic())
            assert found is not None, f"{done} of {count} confirmed"
            assert found == (TEXT, b"ok"), found
            self.confirmed += 1

    def drain(self, seconds=0.0):
        """Read the `ok`s that come in so much time, or up to the end of the connection. Gives how many there were."""
        before, deadline = self.confirmed, time.monotonic() + seconds
        try:
            while self.next_frame(deadline - time.monotonic()) is not None:
                self.confirmed += 1
        except Closed:
            pass
        return self.confirmed - before


class Consumer(Client):
    """Consumes."""

    def __init__(self, case, port, topic="t", name="c", **options):
        super().__init__(case, port, f"/Consumers/Conn/{topic}/{name}", **options)

    def receive(self, seconds=PATIENCE):
        """The next message, None where none came in time."""
        found = self.next_frame(seconds)
        return None if found is None else json.loads(found[1])

    def ack(self, *messages):
        """Acknowledge."""
        self.send(b"".join(frame(each["MessageCode"]) for each in messages))

    def take(self, count, seconds=PATIENCE, *, ack=True):
        """That many messages, each acknowledged as it comes."""
        deadline, taken = time.monotonic() + seconds, []
        while len(taken) < count:
            got = self.receive(deadline - time.monotonic())
            assert got is not None, f"{len(taken)} of {count} came"
            taken.append(got)
            if ack:
                self.ack(got)
        return taken

    def bodies(self, count, seconds=PATIENCE):
        """The texts of that many messages, acknowledged."""
        return [each["MessageData"] for each in self.take(count, seconds)]

    def rest(self, seconds):
        """All messages until none comes for so long; acknowledged."""
        taken = []
        while (got := self.receive(seconds)) is not None:
            taken.append(got)
            self.ack(got)
        return taken


def garbage(size):
    """Bytes without a meaning."""
    return os.urandom(size)
