"""What a scenario is, and the two measurements that most of them consist of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench import classic, v2
from bench.figures import latencies, spread
from bench.node import BrokerProcess
from bench.rows import Row
from bench.workers import Measured

LEVELS = {"memory": 0, "interval": 1, "fsync": 2}
CONNECTIONS = (1, 8, 50)
SIZES = (100, 1 << 10, 16 << 10, 256 << 10)
WIRES = {"classic": classic, "v2": v2}
BATCH = 500
WINDOW = 20_000
_MEMORY = 8 << 30
_BYTES = 256 << 20  # of messages' texts in a measurement at most
_UNDER_WAY = 32 << 20  # likewise unconfirmed


@dataclass(frozen=True)
class Terms:
    """How much to do: `messages` where somebody said so, and `seconds` that a measurement may go on sending."""

    messages: int | None = None
    seconds: float = 8.0

    def count(self, default: int) -> int:
        """How many messages, where `default` is usual."""
        return default if self.messages is None else self.messages


@dataclass(frozen=True)
class Scenario:
    """Something to measure. `run` starts its brokers, and yields a row as soon as it has it.

    `group` names the picture that its rows are drawn in, `chart` how (see bench/report.py).
    """

    name: str
    about: str
    run: Callable[[Terms], Iterator[Row]]
    group: str
    chart: str = "bars"


@dataclass(frozen=True)
class Load:
    """What is sent and read: everything about a measurement but the broker."""

    name: str
    wire: str = "classic"
    level: str = "fsync"
    connections: int = 1
    size: int = 100
    batch: int = BATCH
    window: int = WINDOW
    total: int = 300_000
    rate: int | None = None
    topic: str = "bench"

    def messages(self):
        """How many messages, given their size and rate."""
        return max(1, min(self.total, _BYTES // self.size))

    def fitting(self):
        """Batch and window as they really are."""
        window = max(1, min(self.window, _UNDER_WAY // self.size))
        if self.rate:
            return max(1, self.rate // 1_000) if self.wire == "v2" else 1, window
        if self.wire == "classic":
            return 1, window
        batch, each = v2.fitting(self.size, self.batch, window, self.connections)
        return batch, each * self.connections

    def sending(self, port):
        """The load that publishes, and what it is given."""
        batch, window = self.fitting()
        given = {"port": port, "topic": self.topic, "connections": self.connections, "size": self.size}
        given |= {"window": window, "rate": self.rate}
        if self.wire == "v2":
            given["batch_size"] = batch
        return WIRES[self.wire].publish, given

    def reading(self, port, **more):
        """The load that consumes, and what it is given."""
        given = {"port": port, "topic": self.topic, "connections": self.connections} | more
        if self.wire == "v2" and more.get("acks", True):
            given.setdefault("group", "bench")
        return WIRES[self.wire].consume, given

    def row(self, measured, what, **fields):
        """A row of this load."""
        batch, window = self.fitting()
        given = {
            "name": self.name,
            "what": what,
            "wire": self.wire,
            "level": self.level,
            "connections": self.connections,
            "size": self.size,
            "batch": batch,
            "window": window,
            "messages": measured.total,
            "rate": measured.total / measured.seconds,
        }
        row = Row(**given | measured.fields() | fields)
        if self.level == "memory":
            row.syncs = None  # its commits reach no disk
        return row


def broker(level="fsync", **settings):
    """A broker of this level, with memory enough where nothing else is there to keep messages."""
    if level == "memory":
        settings.setdefault("MQ_MEMORYBUDGET", _MEMORY)
    return BrokerProcess(MQ_ISPERSISTENT=LEVELS[level], **settings)


def publish(node, load, terms, what="publish", **extra):
    """Publish alone, confirmed."""
    measured = Measured(node, [load.sending(node.port)], total=load.messages(), seconds=terms.seconds)
    took = [one for sent, came in measured.found[0] for one in latencies(sent, came)]
    row = load.row(measured, what, latency="confirm", **spread(took))
    row.extra.update(extra)
    return row


def through(node, load, terms, what="publish + deliver + ack"):
    """Publish, deliver and acknowledge at once. Several consumers get no order to tell latencies by."""
    loads = [load.sending(node.port), load.reading(node.port)]
    measured = Measured(node, loads, total=load.messages(), seconds=terms.seconds)
    courses, came = measured.found
    if load.connections > 1:
        return load.row(measured, what)
    sent, confirmed = courses[0]
    row = load.row(measured, what, latency="delivery", **spread(latencies(sent, came)))
    row.extra["confirm p99 ms"] = round(spread(latencies(sent, confirmed))["p99"], 1)
    return row


def fill(node, number, topic="bench", *, batch=BATCH):
    """So many messages, published quickly over v2."""
    given = {"port": node.port, "topic": topic, "batch_size": batch}
    return Measured(node, [(v2.publish, given)], total=number, seconds=600.0).total
