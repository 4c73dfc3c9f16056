"""Redis Streams: XADD in pipelines; XREADGROUP in batches beside XACK of whole batches."""

import re
import selectors

from bench.peers_process import find_program
from bench.peers_pump import READ, STALL_SECONDS, Answers, Pump, chunk_size, connect, drive, read_until
from bench.peers_run import printed_version

name, wire, program = "redis", "resp", "redis-server"
connections = 8  # of the publisher, and of the consumer

_COUNT = 500  # messages a read
_BLOCK_MILLISECONDS = 1_000
_STREAM, _GROUP = b"stream", b"group"
_ACKED = re.compile(rb":(\d+)\r\n")
_BEGIN = re.compile(rb"(?:\*1\r\n\*2\r\n\$6\r\nstream\r\n\*(\d+)|\*-1)\r\n")  # messages come, or none came in time


def levels():
    """Its durable settings, the strictest first."""
    return ("appendfsync always", "appendfsync everysec")


def version():
    """Of the server."""
    return printed_version(program, "--version")


def command(level, port, folder):
    """Nothing but the append-only file makes it durable; `level` says when that file is synced."""
    given = {"port": port, "bind": "127.0.0.1", "dir": folder, "save": "", "appendonly": "yes", "daemonize": "no"}
    settings = [part for key, value in given.items() for part in (f"--{key}", str(value))]
    return [find_program(program), *settings, *f"--{level}".split()]


def resp(*words):
    """One command as Redis reads it: an array of counted strings. Words are bytes or str."""
    raw = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in raw)


def prepare(port, load, level):  # noqa: ARG001 -- every peer is asked alike
    """The stream and its one group, which reads from the beginning."""
    with connect(port) as sock:
        sock.sendall(resp("XGROUP", "CREATE", _STREAM, _GROUP, "0", "MKSTREAM"))
        answer = read_until(sock, b"\r\n")
        if answer != b"+OK\r\n":
            raise ConnectionError(answer)


def publish(port, load):
    """XADD. Each answer is one id, which begins with a dollar sign. Latencies of the chunks in seconds.

    Redis reads 16 KiB of a connection a turn and syncs once a turn: several connections let it do more with each sync.
    """
    share, room = load.messages // connections, load.window // connections
    each = chunk_size(room)
    chunk = resp("XADD", _STREAM, "*", "d", b"x" * load.size) * each
    pumps = [Pump(connect(port), [chunk], each, share, room, Answers(b"$", b"\n-")) for _ in range(connections)]
    drive(pumps)
    return [latency for pump in pumps for latency in pump.latencies]


class Reading:
    """One connection of a consumer: each message it reads is acknowledged in the write that asks for more."""

    def __init__(self, sock, number, size):
        self.sock = sock
        self.ask = resp(
            *("XREADGROUP", "GROUP", _GROUP, f"consumer{number}", "COUNT", _COUNT),
            *("BLOCK", _BLOCK_MILLISECONDS, "STREAMS", _STREAM, ">"),
        )
        self._entry = re.compile(rb"(\d+-\d+)\r\n\*2\r\n\$1\r\nd\r\n\$%d\r\n.{%d}\r\n" % (size, size), re.DOTALL)
        self._rest, self._wanted, self._ids = b"", 0, []
        self.acked = 0

    def read(self):
        """Take what is there; when an answer is complete, acknowledge and ask again."""
        data = self.sock.recv(READ)
        if not data:
            raise ConnectionError("redis closed a connection")
        if (answer := self.feed(data)) is not None:
            self.sock.sendall(answer)

    def feed(self, data):
        """What to send now, or None. Raises ConnectionError for an answer that is none of those awaited."""
        data = self._rest + data
        if not self._wanted:
            if found := _ACKED.match(data):
                self.acked += int(found[1])
                data = data[found.end() :]
            found = _BEGIN.match(data)
            if found is None:
                if data[:1] not in b"*:" or len(data) > 100:
                    raise ConnectionError(f"refused: {data[:300]!r}")
                self._rest = data
                return None
            if found[1] is None:
                self._rest = b""
                return self.ask
            self._wanted = int(found[1])
            data = data[found.end() :]
        end = 0
        for found in self._entry.finditer(data):
            self._ids.append(found[1])
            end = found.end()
        self._rest = data[end:]
        if len(self._ids) < self._wanted:
            return None
        answer = resp("XACK", _STREAM, _GROUP, *self._ids) + self.ask
        self._wanted, self._ids = 0, []
        return answer


def consume(port, load):
    """Read and acknowledge on several connections, as many consumers of one group do."""
    with selectors.DefaultSelector() as selector:
        readings = [Reading(connect(port), number, load.size) for number in range(connections)]
        for reading in readings:
            reading.sock.sendall(reading.ask)
            selector.register(reading.sock, selectors.EVENT_READ, reading)
        while (acked := sum(reading.acked for reading in readings)) < load.messages:
            ready = selector.select(STALL_SECONDS)
            if not ready:
                raise TimeoutError(f"stalled after {acked} acknowledgements")
            for key, _ in ready:
                key.data.read()
        for reading in readings:
            reading.sock.close()
