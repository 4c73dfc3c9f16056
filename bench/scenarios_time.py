"""What the clock does: delays, expiry, and connections that idle."""

import time

from bench import timed
from bench.figures import spread
from bench.rows import Row
from bench.scenario import Scenario, broker, fill
from bench.workers import Measured, raise_file_limit

_DUE_RATE = 10_000  # messages due a second: a million over 100 s
_FILL_RATE = 50_000  # a second, that even a slow machine publishes
_DELAYED_RATE = 20_000  # the same of delayed ones in no order: each goes to a page of its own of the index of due times
_REST = 5.0
_LOGINS = 400.0  # that all log-ins may take
_TOPIC = "bench"


def _whole(number):
    """Whole batches of them."""
    return max(1, number // timed.BATCH) * timed.BATCH


def _delayed(terms):
    total = _whole(terms.count(1_000_000))
    with broker() as node:
        first = time.time() + 3 + total / _DELAYED_RATE + _REST
        given = {"port": node.port, "topic": _TOPIC}
        over = {"first": first, "last": first + total / _DUE_RATE}
        filling = Measured(node, [(timed.publish_due, given | over)], total=total, seconds=600.0)
        left = first - time.time()
        if left < 1:
            raise TimeoutError(f"publishing took so long that the first is due in {left:.1f} s")
        cpu, rss = _resting(node, min(_REST, left - 0.5)), node.rss()
        measured = Measured(node, [(timed.consume_due, given)], total=total, seconds=total / _DUE_RATE + 60)
        fields = measured.fields() | {"rss": rss}
        late = spread(measured.found[0])
        row = Row("delayed", "late by", wire="v2", messages=total, latency="lateness", **fields, **late)
        row.rate = total / (over["last"] - first)
        longest = {"latest ms": round(max(measured.found[0])[0], 1), "RSS at the end MiB": measured.rss >> 20}
        row.extra |= {
            "waiting": total,
            "published/s": round(total / filling.seconds),
            "idle CPU": f"{cpu:.1%}",
        } | longest
        yield row


def _resting(node, seconds):
    """The broker's share of a core while nothing happens."""
    before = node.cpu()
    time.sleep(seconds)
    return (node.cpu() - before) / seconds


def _expiry(terms):
    total = _whole(terms.count(1_000_000))
    wait = 3 + total / _FILL_RATE
    with broker(MQ_CHECKSPEED=1) as node:
        given = {"port": node.port, "topic": _TOPIC, "gone": time.time() + wait}
        Measured(node, [(timed.publish_expiring, given)], total=total, seconds=600.0)
        yield _while_expiring(node, total, given["gone"], "`expire` of each message")
    with broker(MQ_CHECKSPEED=1, MQ_CLEANTIME=wait) as node:
        begun = time.time()
        fill(node, total)
        yield _while_expiring(node, total, begun + wait, "age (cleanTime)")


def _while_expiring(node, total, gone, what):
    """Pings go to and fro from shortly before the messages expire until they are all gone."""
    time.sleep(max(0.0, gone - time.time() - 1))
    ping = (timed.ping, {"port": node.port, "topic": "ping"})
    rounds, expired, seconds = [], 0.0, 0.0
    while expired < total and seconds < 120:
        rounds.append(Measured(node, [ping], seconds=3 + total / 200_000))
        seconds += rounds[-1].seconds
        expired = node.metrics()["kapokmq_messages_expired_total"]
    took = [one for measured in rounds for one in measured.found[0]]
    slowest = max(rounds, key=lambda measured: measured.pause or 0)
    row = Row("expiry", what, wire="v2", messages=total, latency="ping", **slowest.fields(), **spread(took))
    row.seconds = seconds
    row.extra |= {"longest ping ms": round(max(took)[0], 1), "expired": int(expired)}
    return row


def _idle(terms):
    connections = min(terms.count(10_000), raise_file_limit() - 500)
    seconds = 35.0 if terms.messages is None else terms.seconds  # the broker pings after 30
    with broker() as node:
        empty = node.rss()
        given = {"port": node.port, "connections": connections}
        measured = Measured(node, [(timed.idle, given)], seconds=seconds, patience=_LOGINS)
        row = Row("idle", "connections that idle", connections=connections, **measured.fields())
        row.extra |= {"RSS of none MiB": empty >> 20, "KiB a connection": (row.rss - empty) // connections >> 10}
        row.extra["pings answered"] = measured.found[0]
        yield row


SCENARIOS = (
    Scenario("delayed", "1,000,000 delayed messages, due spread over 100 s, fsync", _delayed, "delayed", "bars of p99"),
    Scenario("expiry", "1,000,000 messages expire at once: longest pause", _expiry, "expiry", "bars of longest"),
    Scenario("idle", "10,000 connections, half producers, half consumers, idle", _idle, "idle", "bars of memory"),
)
