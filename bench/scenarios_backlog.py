"""What many waiting messages cost: publishing on top of them, their memory, consuming them, and starting with them."""

import json
import signal
import time
from statistics import median

from bench import v2, wire
from bench.rows import Row
from bench.scenario import WIRES, Load, Scenario, broker, fill, publish
from bench.workers import Measured

_TURNS = 5
_GROUP = "default"  # of classic consumers, there from the first message on


def _backlog(terms):
    """An empty broker takes turns with the full one, as what else the machine does changes by the minute."""
    most = terms.count(10_000_000)
    each = min(300_000, max(1_000, most // 10))
    with broker(MQ_MESSAGECHANBUFFER=2 * most + 30 * each) as node:
        stored = 0
        for backlog in (0, most // 10, most):
            if backlog > stored:
                stored += fill(node, backlog - stored)
            time.sleep(1)
            for name in WIRES:
                load = Load("backlog", name, total=each)
                rows, ratios = [], []
                for _ in range(_TURNS):
                    with broker() as empty:
                        rate = publish(empty, load, terms).rate
                    rows.append(publish(node, load, terms, what=f"publish with {stored:,} waiting", backlog=stored))
                    ratios.append(rows[-1].rate / rate)
                row = sorted(rows, key=lambda row: row.rate)[len(rows) // 2]
                row.extra["of an empty one"] = f"{median(ratios):.2f}"
                stored += sum(row.messages for row in rows)
                yield row


def _drain(terms):
    total = terms.count(1_000_000)
    for name, consuming in WIRES.items():
        with broker() as node:
            total = fill(node, total)
            given = {"port": node.port, "topic": "bench", "may_stop": True}
            if name == "v2":
                given |= {"group": _GROUP}
            measured = Measured(node, [(consuming.consume, given)], total=total, seconds=terms.seconds * 2)
            got = measured.found[0][-1][1]
            load = Load("drain", name)
            row = load.row(measured, "deliver + ack", messages=got, rate=got / measured.seconds, window=0, batch=1)
            row.extra["waiting before"] = total
            yield row


def _restart(terms):
    total = terms.count(1_000_000)
    for what, kill in (("after a stop", signal.SIGTERM), ("after kill -9", signal.SIGKILL)):
        with broker() as node:
            total = fill(node, total)
            stopping = node.stop(kill)
            begun = time.perf_counter()
            node.start()
            listening = time.perf_counter() - begun
            _first_delivery(node.port)
            first = time.perf_counter() - begun
            row = Row("restart", f"first delivery {what}", wire="v2", messages=total, seconds=first, rss=node.rss())
            row.extra |= {"listens after s": round(listening, 2), "stopped in s": round(stopping, 2)}
            yield row


def _first_delivery(port):
    sock = v2.login(port)
    ask = {"op": "subscribe", "id": 1, "topic": "bench", "group": _GROUP, "credit": 1}
    sock.sendall(wire.frame(json.dumps(ask).encode()))
    wire.until(sock, b'"op":"deliver"')
    sock.close()


SCENARIOS = (
    Scenario("backlog", "publish with 0, 1 M and 10 M waiting, fsync", _backlog, "backlog", "memory by backlog"),
    Scenario("drain", "one consumer reads and acknowledges 1 M that wait, fsync", _drain, "drain"),
    Scenario("restart", "start with 1 M waiting, until the first delivery", _restart, "restart", "bars of seconds"),
)
