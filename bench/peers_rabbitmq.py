"""RabbitMQ: persistent messages with publisher confirms into a durable queue; pushed, and acknowledged in batches."""

import signal
import struct
from pathlib import Path

from bench.peers_process import free_port
from bench.peers_pump import READ, Pump, chunk_size, connect, drive

name, wire, program = "rabbitmq", "amqp", "/usr/lib/rabbitmq/bin/rabbitmq-server"
connections = 1
stop = signal.SIGKILL  # its folder goes with it, and a kind end takes it many seconds

_CHUNK = 100  # messages a write
_LEAST = 50  # messages an acknowledgement, but for the last
_QUEUE = b"bench"
_MOST = 131_072  # bytes of a frame
_METHOD, _HEADER, _BODY = 1, 2, 3
_START_OK, _TUNE_OK, _OPEN, _CLOSE = (10, 11), (10, 31), (10, 40), (20, 40)
_CHANNEL_OPEN, _DECLARE, _CONFIRM, _QOS, _CONSUME = (20, 10), (50, 10), (85, 10), (60, 10), (60, 20)
_PUBLISH, _DELIVER, _ACK = (60, 40), (60, 60), (60, 80)
_CONFIRMED = struct.Struct(">7xHHQ?x")  # a whole frame with basic.ack


def version():
    """Of the server, as its folder is named."""
    return next(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*")).name.rpartition("-")[2]


def levels():
    """Both confirm a persistent message when it is synced; a quorum queue here has one member."""
    return ("quorum queue, confirms", "durable classic queue, confirms")


def command(level, port, folder):  # noqa: ARG001 -- the queue is what differs
    """A node with everything in its folder, and an epmd of its own that ends with it."""
    registry = free_port()
    given = {
        "HOME": folder,
        "ERL_EPMD_PORT": registry,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "bench@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": port,
        "RABBITMQ_DIST_PORT": free_port(),
        "RABBITMQ_MNESIA_BASE": folder / "mnesia",
        "RABBITMQ_LOG_BASE": folder,
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
        "RABBITMQ_CONFIG_FILE": folder / "rabbit.conf",
        "RABBITMQ_CONF_ENV_FILE": folder / "none",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    for settings in ("rabbit.conf", "none"):
        (folder / settings).touch()
    script = f"epmd -port {registry} -address 127.0.0.1 & exec {program}"
    return ["env", *(f"{key}={value}" for key, value in given.items()), "sh", "-c", script]


def frame(kind, channel, payload):
    """One AMQP frame."""
    return struct.pack(">BHL", kind, channel, len(payload)) + payload + b"\xce"


def method(channel, number, arguments=b""):
    """A frame with a method, whose number is its class's and its own."""
    return frame(_METHOD, channel, struct.pack(">HH", *number) + arguments)


def short(raw):
    """A counted string, 255 bytes at most."""
    return bytes((len(raw),)) + raw


def long(raw):
    """A counted string or table."""
    return len(raw).to_bytes(4) + raw


def message(start, body):
    """The three frames of a message; `start` is the method that it follows."""
    head = frame(_HEADER, 1, struct.pack(">HHQHB", 60, 0, len(body), 0x1000, 2))  # delivery mode 2: persistent
    return start + head + frame(_BODY, 1, body)


def _exactly(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError("rabbitmq closed a connection")
        data += more
    return data


def _call(sock, request):
    """Send, and await the one method that answers it, which is the request's successor."""
    sock.sendall(request)
    kind, _, size = struct.unpack(">BHL", _exactly(sock, 7))
    payload = _exactly(sock, size + 1)
    number = struct.unpack_from(">HH", payload)
    if kind != _METHOD or number in {(10, 50), (20, 40)}:
        raise ConnectionError(f"refused: {payload[:300]!r}")
    return number


def _open(port):
    """Logged in, with channel 1."""
    sock = connect(port)
    _call(sock, b"AMQP\x00\x00\x09\x01")
    _call(sock, method(0, _START_OK, long(b"") + short(b"PLAIN") + long(b"\0guest\0guest") + short(b"en_US")))
    _call(sock, method(0, _TUNE_OK, struct.pack(">HLH", 10, _MOST, 0)) + method(0, _OPEN, short(b"/") + b"\0\0"))
    _call(sock, method(1, _CHANNEL_OPEN, short(b"")))
    return sock


def prepare(port, load, level):
    """The queue, of the kind the level names."""
    assert 0 < load.size < _MOST - 8, load.size
    kind = b"quorum" if level.startswith("quorum") else b"classic"
    with _open(port) as sock:
        arguments = short(b"x-queue-type") + b"S" + long(kind)
        _call(sock, method(1, _DECLARE, b"\0\0" + short(_QUEUE) + b"\x02" + long(arguments)))  # 2: durable


class Confirms:
    """Counts what is confirmed: one message, or all up to it. Confirms may come in any order."""

    def __init__(self):
        self._rest, self._upto, self._single = b"", 0, set()

    def count(self, data):
        """How many messages are confirmed without a gap by `data`."""
        data, before = self._rest + data, self._upto
        whole = len(data) // _CONFIRMED.size * _CONFIRMED.size
        self._rest = data[whole:]
        for kind, own, tag, is_multiple in _CONFIRMED.iter_unpack(data[:whole]):
            if (kind, own) != _ACK:
                raise ConnectionError(f"refused: {data[:300]!r}")
            if is_multiple:
                self._upto = max(self._upto, tag)
            else:
                self._single.add(tag)
        if self._single:
            self._single = {tag for tag in self._single if tag > self._upto}
        while self._upto + 1 in self._single:
            self._upto += 1
            self._single.remove(self._upto)
        return self._upto - before


def publish(port, load):
    """Latencies of the chunks in seconds."""
    sock = _open(port)
    _call(sock, method(1, _CONFIRM, b"\0"))
    each = chunk_size(load.window, _CHUNK)
    one = message(method(1, _PUBLISH, b"\0\0" + short(b"") + short(_QUEUE) + b"\0"), b"x" * load.size)
    pump = Pump(sock, [one * each], each, load.messages, load.window, Confirms())
    with sock:
        drive([pump])
    return pump.latencies


def consume(port, load):
    """Every delivery has the same length, so they are counted by it; one acknowledgement is for all up to it.

    The answer to the end of the channel tells that all acknowledgements were taken.
    """
    tag = b"c"
    start = method(1, _DELIVER, short(tag) + bytes(9) + short(b"") + short(_QUEUE))
    size = len(message(start, b"x" * load.size))
    got, known, acked = 0, 0, 0
    with _open(port) as sock:
        _call(sock, method(1, _QOS, struct.pack(">LHB", 0, min(load.window, 65_535), 0)))
        _call(sock, method(1, _CONSUME, b"\0\0" + short(_QUEUE) + short(tag) + b"\0" + long(b"")))
        while known < load.messages:
            data = sock.recv(READ)
            if not data:
                raise ConnectionError("rabbitmq closed a consumer")
            got += len(data)
            known = got // size
            if known - acked >= min(_LEAST, load.window) or known == load.messages:
                acked = known
                sock.sendall(method(1, _ACK, struct.pack(">Q?", known, True)))  # noqa: FBT003 -- multiple
        end = method(1, _CLOSE, struct.pack(">H", 200) + short(b"") + bytes(4))
        if _call(sock, end) != (20, 41):
            raise ConnectionError("the channel did not end")
