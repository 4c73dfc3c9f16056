"""The two scenarios every peer is put through, and what a peer is.

A peer is a module with `name`, `wire`, `program` (what has to be installed), `connections` of its publisher,
`version()` and `levels()`, its durable settings. `command(level, port, folder)` is how one of its servers is started,
and `stop`, if there, the signal that ends it; `prepare(port, load, level)` makes what messages go into;
`publish(port, load)` sends all of them and gives the seconds each chunk took to be confirmed; `consume(port, load)`
reads and acknowledges as many, and returns when all acknowledgements are taken.
"""

import multiprocessing
import re
import signal
import subprocess
import time
from functools import cache
from typing import NamedTuple

from bench.peers_process import PeerProcess, Stopwatch, find_program
from bench.peers_pump import percentiles, round_up
from bench.rows import Row

_CONSUME_SECONDS = 600.0
_WHAT = {"publish": "publish", "through": "publish+read+ack"}
_READY_SECONDS = 30.0
_EACH = 4_000  # messages are a multiple of it: whole chunks on each of up to 8 connections


class Load(NamedTuple):
    """So many messages of `size` bytes, at most `window` of them unconfirmed."""

    messages: int
    size: int
    window: int


class Found(NamedTuple):
    """What one scenario took; `cpu` of the server and `used` of both generators are shares of a core."""

    scenario: str
    seconds: float
    cpu: float
    used: float
    rss: int
    latencies: list[float]


@cache
def printed_version(program, *arguments):
    """The first thing like 1.2.3 or 1.12 that a program prints when asked so."""
    asked = subprocess.run([find_program(program), *arguments], capture_output=True, text=True, check=False, timeout=20)
    return re.search(r"\d+\.\d+(\.\d+)?", asked.stdout + asked.stderr)[0]


def installed(peer):
    """Whether its program is on this machine."""
    return find_program(peer.program) is not None


def measure(peer, level, load):
    """Both scenarios at one durable setting, each on a fresh server. Yields rows; messages are rounded up to 4,000s."""
    load = load._replace(messages=round_up(load.messages, _EACH))
    stop = getattr(peer, "stop", signal.SIGTERM)
    for scenario in (_publish, _through):
        with PeerProcess(lambda port, folder: peer.command(level, port, folder), stop=stop) as server:
            peer.prepare(server.port, load, level)
            found = scenario(peer, server, load)
        yield _row(peer, level, load, found)


def _publish(peer, server, load):
    watch = Stopwatch(server)
    latencies = peer.publish(server.port, load)
    seconds, cpu, used = watch.read()
    return Found("publish", seconds, cpu, used, server.rss(), latencies)


def _through(peer, server, load):
    """Published, read and acknowledged at the same time; the consumer is another process."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    consumer = context.Process(target=_consume, args=(peer, server.port, load, theirs), daemon=True)
    consumer.start()
    theirs.close()
    try:
        _hear(ours, _READY_SECONDS)
        watch = Stopwatch(server)
        latencies = peer.publish(server.port, load)
        seconds_used = _hear(ours, _CONSUME_SECONDS)
        seconds, cpu, used = watch.read()
    finally:
        consumer.terminate()
        consumer.join()
        ours.close()
    return Found("through", seconds, cpu, used + seconds_used / seconds, server.rss(), latencies)


def _hear(pipe, seconds):
    """What the consumer tells: processor seconds it has used, or why it failed."""
    if not pipe.poll(seconds):
        raise TimeoutError("the consumer says nothing")
    used, failure = pipe.recv()
    if failure:
        raise RuntimeError(f"the consumer failed: {failure}")
    return used


def _consume(peer, port, load, pipe):
    try:
        start = time.process_time()
        pipe.send((0.0, None))
        peer.consume(port, load)
        pipe.send((time.process_time() - start, None))
    except Exception as error:  # noqa: BLE001 -- told to whoever waits
        pipe.send((0.0, repr(error)))


def _row(peer, level, load, found):
    return Row(
        name=f"{peer.name} {found.scenario}",
        what=f"{peer.name} {peer.version()} {_WHAT[found.scenario]}",
        server=f"{peer.name} {peer.version()} {level}",
        wire=peer.wire,
        level=level,
        connections=peer.connections,
        size=load.size,
        window=load.window,
        messages=load.messages,
        seconds=found.seconds,
        rate=load.messages / found.seconds,
        latency="confirm",
        cpu=found.cpu,
        load=found.used,
        rss=found.rss,
        extra={"scenario": found.scenario},
        **percentiles(found.latencies),
    )
