"""mosquitto with persistence and QoS 1.

It keeps messages in memory and writes its file every 30 minutes and at its end: no message waits for a sync.
"""

import os

from bench.peers_process import find_program
from bench.peers_pump import READ, Answers, Pump, chunk_size, connect, drive
from bench.peers_run import printed_version

name, wire, program = "mosquitto", "mqtt", "mosquitto"
connections = 1

_TOPIC = b"bench"
_IDS = 65_000  # packet identifiers that are used in turn; no two on their way may be equal
_PUBLISH = 0x32  # QoS 1
_CHUNK = 100


def levels():
    """Its durable settings, the strictest first."""
    return ("persistence, QoS 1: written every 30 min, no fsync",)


def version():
    """Of the server."""
    return printed_version(program, "-h")


def command(level, port, folder):  # noqa: ARG001 -- it has one
    """A server that keeps all messages for its one subscriber, and its file in its folder."""
    given = {
        "listener": f"{port} 127.0.0.1",
        "allow_anonymous": "true",
        "persistence": "true",
        "persistence_location": f"{folder}/",
        "max_queued_messages": "0",
        "max_inflight_messages": "0",
        "set_tcp_nodelay": "true",
        "sys_interval": "0",
        "log_type": "error",
    }
    if os.getuid() == 0:
        given["user"] = "root"  # the folder is ours
    settings = folder / "mosquitto.conf"
    settings.write_text("".join(f"{key} {value}\n" for key, value in given.items()))
    return [find_program(program), "-c", str(settings)]


def packet(first, *parts):
    """One control packet: its first byte, its length in sevens of bits, its parts."""
    rest = b"".join(parts)
    size, length = len(rest), b""
    while True:
        size, low = divmod(size, 128)
        length += bytes((low | (0x80 if size else 0),))
        if not size:
            return bytes((first,)) + length + rest


def text(raw):
    """A counted string."""
    return len(raw).to_bytes(2) + raw


def _open(port, client, flags):
    """Connected with MQTT 3.1.1."""
    sock = connect(port)
    sock.sendall(packet(0x10, text(b"MQTT"), bytes((4, flags, 0, 0)), text(client)))
    answer = _exactly(sock, 4)
    if answer[:2] != b"\x20\x02" or answer[3]:
        raise ConnectionError(answer)
    return sock


def _exactly(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError(f"mosquitto closed after {data!r}")
        data += more
    return data


def prepare(port, load, level):  # noqa: ARG001 -- every peer is asked alike
    """A subscriber whose session outlives its connection: only for such a one messages are kept."""
    with _open(port, b"consumer", 0) as sock:
        sock.sendall(packet(0x82, (1).to_bytes(2), text(_TOPIC), b"\x01"))
        if _exactly(sock, 5) != b"\x90\x03\x00\x01\x01":
            raise ConnectionError("not subscribed")
        sock.sendall(packet(0xE0))


def publish(port, load):
    """Each answer is a PUBACK of four bytes. Latencies of the chunks in seconds."""
    each = chunk_size(load.window, _CHUNK)
    frames = [packet(_PUBLISH, text(_TOPIC), number.to_bytes(2), b"x" * load.size) for number in range(1, _IDS + 1)]
    chunks = [b"".join(frames[at : at + each]) for at in range(0, _IDS, each)]
    pump = Pump(_open(port, b"producer", 2), chunks, each, load.messages, min(load.window, _IDS), Answers(4))
    with pump.sock:
        drive([pump])
    return pump.latencies


def acknowledge(data, size, at):
    """PUBACKs for messages of `size` bytes each whose identifier is `at` bytes in, and what is left of `data`."""
    whole = len(data) // size * size
    acks = b"".join(b"\x40\x02" + data[start + at : start + at + 2] for start in range(0, whole, size))
    return acks, data[whole:]


def consume(port, load):
    """Go on with the kept session. PUBACKs are not answered: the answer to a ping says that they were taken."""
    one = packet(_PUBLISH, text(_TOPIC), bytes(2), b"x" * load.size)
    at = len(one) - load.size - 2
    got, rest = 0, b""
    with _open(port, b"consumer", 0) as sock:
        while got < load.messages:
            data = sock.recv(READ)
            if not data:
                raise ConnectionError("mosquitto closed a consumer")
            acks, rest = acknowledge(rest + data, len(one), at)
            got += len(acks) // 4
            sock.sendall(acks)
        sock.sendall(packet(0xC0))
        if _exactly(sock, 2) != b"\xd0\x00":
            raise ConnectionError("no answer to the ping")
