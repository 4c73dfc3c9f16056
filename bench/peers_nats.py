"""NATS JetStream in a file store: publishes confirmed through an inbox, batches fetched, each message acknowledged."""

import json
import re
import time

from bench.peers_process import find_program
from bench.peers_pump import READ, Answers, Pump, chunk_size, connect, drive, read_until
from bench.peers_run import printed_version

name, wire, program = "nats-server", "nats", "nats-server"
connections = 1

_BATCH = 500  # messages a fetch
_AHEAD = 8  # fetches that are asked for before their answers come
_SYNCED = "file store, sync_interval always"
_LAZY = "file store, fsync every 2 min"
_BOUND_SECONDS = 600.0
_CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n'
_FETCHED = re.compile(rb"MSG [^\r\n]*? (\$JS\.ACK\.\S+) (\d+)\r\n")


def version():
    """Of the server."""
    return printed_version(program, "--version")


def levels():
    """Its durable settings, the strictest first: `sync_interval` came with 2.10."""
    return (_SYNCED, _LAZY) if tuple(int(part) for part in version().split(".")[:2]) >= (2, 10) else (_LAZY,)


def command(level, port, folder):
    """A server with JetStream in its folder."""
    sync = ", sync_interval: always" if level == _SYNCED else ""
    settings = folder / "nats.conf"
    settings.write_text(
        f'host: 127.0.0.1\nport: {port}\nping_interval: "1h"\njetstream {{ store_dir: "{folder}"{sync} }}\n'
    )
    return [find_program(program), "-c", str(settings)]


def pub(subject, reply, payload):
    """One message as a client sends it; `reply` names the subject that is answered to, or is empty."""
    return b"PUB %s%s %d\r\n%s\r\n" % (subject, b" " + reply if reply else b"", len(payload), payload)


def _open(port):
    sock = connect(port)
    read_until(sock, b"\r\n")  # INFO
    sock.sendall(_CONNECT + b"SUB inbox.%d 1\r\nPING\r\n" % sock.getsockname()[1])
    read_until(sock, b"PONG\r\n")
    return sock, b"inbox.%d" % sock.getsockname()[1]


def _ask(sock, inbox, subject, request):
    sock.sendall(pub(b"$JS.API." + subject, inbox, json.dumps(request).encode()))
    answer = json.loads(read_until(sock, b"}\r\n").split(b"\r\n", 1)[1])
    if "error" in answer:
        raise ConnectionError(answer["error"])
    return answer


def prepare(port, load, level):  # noqa: ARG001 -- every peer is asked alike
    """A stream in a file and its one durable consumer, whose every message is acknowledged by itself."""
    sock, inbox = _open(port)
    with sock:
        stream = {"name": "bench", "subjects": ["bench"], "storage": "file"}
        _ask(sock, inbox, b"STREAM.CREATE.bench", stream)
        wanted = {
            "durable_name": "one",
            "ack_policy": "explicit",
            "deliver_policy": "all",
            "max_ack_pending": load.window,
        }
        _ask(sock, inbox, b"CONSUMER.DURABLE.CREATE.bench.one", {"stream_name": "bench", "config": wanted})


def publish(port, load):
    """Each answer is one flat JSON object. Latencies of the chunks in seconds."""
    sock, inbox = _open(port)
    each = chunk_size(load.window)
    pump = Pump(
        sock,
        [pub(b"bench", inbox, b"x" * load.size) * each],
        each,
        load.messages,
        load.window,
        Answers(b"}", b'"error"'),
    )
    with sock:
        drive([pump])
    return pump.latencies


def acknowledge(data):
    """What to send for the messages in `data`, how many they are, and what is left of `data`."""
    acks, at = [], 0
    while found := _FETCHED.search(data, at):
        end = found.end() + int(found[2]) + 2
        if end > len(data):
            break
        acks.append(b"PUB %s 4\r\n+ACK\r\n" % found[1])
        at = end
    return b"".join(acks), len(acks), data[at:]


def consume(port, load):
    """Fetch and acknowledge. Acks are not answered, so the consumer's own count tells when they have been taken."""
    sock, inbox = _open(port)
    fetch = pub(b"$JS.API.CONSUMER.MSG.NEXT.bench.one", inbox, b'{"batch":%d}' % _BATCH)
    with sock:
        sock.sendall(fetch * _AHEAD)
        rest, got, asked = b"", 0, _AHEAD * _BATCH
        while got < load.messages:
            data = sock.recv(READ)
            if not data:
                raise ConnectionError("nats-server closed a consumer")
            acks, count, rest = acknowledge(rest + data)
            got += count
            more = max(got + _AHEAD * _BATCH - asked, 0) // _BATCH
            asked += more * _BATCH
            sock.sendall(acks + fetch * more)
    end = time.monotonic() + _BOUND_SECONDS
    sock, inbox = _open(port)
    with sock:
        while _ask(sock, inbox, b"CONSUMER.INFO.bench.one", {})["num_ack_pending"]:
            if time.monotonic() > end:
                raise TimeoutError("not all acks were taken")
            time.sleep(0.002)
