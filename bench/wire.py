"""WebSocket from a client's side, by hand: as little work as a client can do that still masks what it sends.

Masks are random and none of their bytes is zero, so a server that unmasks lazily or in bulk does what it would do for
strangers. Frames that are sent again and again are masked once, before the clock runs.
"""

import random
import socket

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
READ = 1 << 18
_random = random.Random()  # noqa: S311 -- a mask is no secret


def new_mask():
    """Four bytes, none of them zero."""
    return bytes(_random.randrange(1, 256) for _ in range(4))


def masked(payload, mask):
    """The payload, each byte xored with that of the mask whose turn it is."""
    size = len(payload)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(pattern, "little")).to_bytes(size, "little")


def frame(payload, opcode=TEXT, mask=None):
    """One unfragmented frame of a client; `mask` is drawn if there is none."""
    mask = mask or new_mask()
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    return head + mask + masked(payload, mask)


def split(data):
    """What whole frames of a server begin `data`: `[(opcode, start, end of the payload), …]`, and where they end."""
    found, at, size = [], 0, len(data)
    while size - at >= 2:
        length, start = data[at + 1], at + 2
        if length == 126:
            if size - at < 4:
                break
            length, start = data[at + 2] << 8 | data[at + 3], at + 4
        elif length == 127:
            if size - at < 10:
                break
            length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if start + length > size:
            break
        found.append((data[at] & 15, start, start + length))
        at = start + length
    return found, at


class StampedFrames:
    """Many short texts of one length as frames, at a cost of a few hundred nanoseconds each.

    `frames(texts)` gives the bytes of all of them, each masked by another of 1,000 masks: texts and heads are laid
    side by side, and what the masks make of them is one exclusive or over the whole run.
    """

    _RUN = 1_000

    def __init__(self, size):
        head = len(frame(b"x" * size)) - size
        empty = [frame(bytes(size)) for _ in range(self._RUN)]  # zeros masked are the mask itself
        self._heads = [one[:head] for one in empty]
        self._pattern = b"".join(bytes(head) + one[head:] for one in empty)
        self._one = head + size

    def frames(self, texts):
        """The bytes of a frame for each text."""
        if len(texts) > self._RUN:
            runs = range(0, len(texts), self._RUN)
            return b"".join(self.frames(texts[at : at + self._RUN]) for at in runs)
        parts = [b""] * (2 * len(texts))
        parts[::2] = self._heads[: len(texts)]
        parts[1::2] = texts
        plain = b"".join(parts)
        pattern = self._pattern[: len(texts) * self._one]
        return (int.from_bytes(plain, "little") ^ int.from_bytes(pattern, "little")).to_bytes(len(plain), "little")


def connect(port, path, more=""):
    """A socket that has been upgraded, and what came behind the answer."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n".encode()
    )
    answer, _, behind = until(sock, b"\r\n\r\n").partition(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 101 "):
        sock.close()
        raise ConnectionError(f"not upgraded: {answer[:200]!r}")
    return sock, behind


def until(sock, mark, seen=b""):
    """Read up to and with a mark; gives all that came."""
    while mark not in seen:
        more = sock.recv(READ)
        if not more:
            raise ConnectionError(f"closed after {seen[-200:]!r}")
        seen += more
    return seen


class Counter:
    """Counts how often a mark has come, wherever reads cut it. A mark must not begin with how it ends."""

    def __init__(self, mark):
        self._mark, self._keep, self._tail = mark, len(mark) - 1, b""

    def count(self, data):
        """How many have been completed by this read."""
        if self._tail:
            data = self._tail + data
        self._tail = data[-self._keep :]
        return data.count(self._mark)
