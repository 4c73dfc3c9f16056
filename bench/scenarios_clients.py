"""What the clients in Python reach: confirmed publishes, acknowledged messages, memory while a broker stalls.

Unlike elsewhere the load is a client as people use it, a process with the clock and the memory that are told here.
"""

import asyncio
import os
import signal
import threading
import time
from pathlib import Path

from bench.node import KEY
from bench.rows import Row
from bench.scenario import Scenario, broker, fill
from bench.workers import Measured
from kapokmq.client import aio, connect

TOPIC = "bench"
TARGETS = {"blocking": 50_000, "asyncio": 100_000}  # messages a second, published with confirms
_BATCH = 100
_TOTAL = 500_000
_SIZE = 100
_STALLED = {"size": 1 << 10, "batch": 5_000}  # as much as may be unconfirmed, and more
_STEADY = 50_000  # messages that are taken before the broker is stopped
_MEMORY = 1 << 30  # bytes that it may have of them
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _where(port):
    return f"ws://127.0.0.1:{port}"


def _blocking_publish(port, texts, batch):
    with connect(_where(port), key=KEY) as mq:
        return mq.publish_many(TOPIC, texts, batch=batch)


def _aio_publish(port, texts, batch):
    async def work():
        async with aio.connect(_where(port), key=KEY) as mq:
            return await mq.publish_many(TOPIC, texts, batch=batch)

    return asyncio.run(work())


def _blocking_consume(port, stage):
    with connect(_where(port), key=KEY) as mq:
        subscription = mq.subscribe(TOPIC, group="bench", start="all", credit=0)
        stage.start()
        subscription.set_credit(10_000)
        for _ in range(stage.total):
            subscription.get().ack()
        mq.flush()


def _aio_consume(port, stage):
    async def work():
        async with aio.connect(_where(port), key=KEY) as mq:
            subscription = await mq.subscribe(TOPIC, group="bench", start="all", credit=0)
            stage.start()
            subscription.set_credit(10_000)
            for _ in range(stage.total):
                (await subscription.get()).ack()
            await mq.flush()

    asyncio.run(work())


FACES = {"blocking": (_blocking_publish, _blocking_consume), "asyncio": (_aio_publish, _aio_consume)}


def publish(stage, *, face, port):
    """A load: publish_many, until all is confirmed."""

    def texts():
        stage.start()  # they are asked for once there is a connection
        text = "x" * _SIZE
        for number in range(stage.total):
            if number % 1_000 == 0 and stage.is_over():
                return
            yield text

    stage.total = FACES[face][0](port, texts(), _BATCH)


def consume(stage, *, face, port):
    """A load: take and acknowledge, message by message, until all acks are confirmed."""
    FACES[face][1](port, stage)


class _Endless:
    """Texts until `over`; how many were taken."""

    def __init__(self, stage, size):
        self._stage = stage
        self._text = "x" * size
        self.steady, self.over = threading.Event(), False
        self.taken = self.rss = 0

    def __iter__(self):
        self._stage.start()
        self.rss = _rss()
        while not self.over:
            self.taken += 1
            if self.taken == _STEADY:
                self.steady.set()
            yield self._text


def stall(stage, *, face, port, pid, seconds):
    """A load: publish on while the broker's process is stopped. Gives bytes, and how many texts it takes meanwhile."""
    texts = _Endless(stage, _STALLED["size"])
    publisher = threading.Thread(target=FACES[face][0], args=(port, iter(texts), _STALLED["batch"]))
    publisher.start()
    texts.steady.wait()
    taken = texts.taken
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds / 2)
        half = texts.taken
        time.sleep(seconds / 2)
        found = {"rss": _rss(), "grown": _rss() - texts.rss, "taken": half - taken, "still": texts.taken - half}
    finally:
        texts.over = True
        os.kill(pid, signal.SIGCONT)
    publisher.join()
    stage.total = texts.taken
    return found


def _rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _row(name, face, what, measured, **more):
    batch = _BATCH if what == "publish_many" else 1
    given = {"name": name, "what": f"{face}: {what}", "wire": "v2", "batch": batch, "window": 0, "size": _SIZE}
    given |= {"messages": measured.total, "rate": measured.total / measured.seconds}
    return Row(**given | measured.fields() | more)


def _rates(terms):
    total = terms.count(_TOTAL)
    for face, target in TARGETS.items():
        with broker() as node:
            loads = [(publish, {"face": face, "port": node.port})]
            measured = Measured(node, loads, total=total, seconds=terms.seconds)
            row = _row("clients", face, "publish_many", measured)
            row.extra["target"] = target
            yield row
    for face in FACES:
        with broker() as node:
            filled = fill(node, total, TOPIC)
            measured = Measured(node, [(consume, {"face": face, "port": node.port})], total=filled)
            yield _row("clients", face, "consume + ack", measured)


def _stalled(terms):
    for face in FACES:
        with broker(MQ_MEMORYBUDGET=_MEMORY) as node:
            given = {"face": face, "port": node.port, "pid": node.process.pid, "seconds": terms.seconds}
            measured = Measured(node, [(stall, given)], seconds=terms.seconds)
            (found,) = measured.found
            row = _row("clients-stalled", face, "memory of a client", measured, rate=0.0, rss=found["rss"])
            row.size, row.batch = _STALLED["size"], _STALLED["batch"]
            row.extra |= {
                "growth MiB": round(found["grown"] / 2**20, 1),
                "taken in the first half": found["taken"],
                "in the second": found["still"],
            }
            yield row


SCENARIOS = (
    Scenario(
        "clients", "the clients in Python: confirmed batches of 100; take and ack one by one; fsync", _rates, "clients"
    ),
    Scenario(
        "clients-stalled",
        "the clients' memory: publishing on while the broker is stopped",
        _stalled,
        "clients-stalled",
        "bars of memory",
    ),
)
