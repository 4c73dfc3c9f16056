"""One message to many: the classic broadcast (pushType 2), and private groups of v2. Rates are deliveries a second."""

from bench.figures import latencies, spread
from bench.scenario import Load, Scenario, broker
from bench.workers import Measured

_TOTALS = {1: 200_000, 10: 50_000, 1_000: 3_000}
_WINDOW = 500
_BATCH = 100


def _fan_out(wire, *, acks):
    name = f"{wire}-fanout{'-acks' if acks else ''}"
    settings = {"MQ_PUSHTYPE": 2, "MQ_REQUIREACK": int(acks)} if wire == "classic" else {}

    def run(terms):
        for consumers, window in [(number, _WINDOW) for number in _TOTALS] + [(1_000, 1)]:
            total = terms.count(_TOTALS[consumers] if window > 1 else 500)
            load = Load(name, wire, batch=min(_BATCH, window), window=window, total=total)
            with broker(**settings) as node:
                yield _row(node, load, terms, consumers, acks=acks)

    return run


def _row(node, load, terms, consumers, *, acks):
    more = {"connections": consumers, "copies": consumers, "acks": acks}
    if load.wire == "v2":
        more["group"] = None  # one of its own for each
    loads = [load.sending(node.port), load.reading(node.port, **more)]
    measured = Measured(node, loads, total=load.total, seconds=terms.seconds)
    (courses,), came = measured.found
    sent = [(at, number * consumers) for at, number in courses[0]]
    return load.row(
        measured,
        f"to {consumers:,}, window {load.window}",
        connections=consumers,
        rate=measured.total * consumers / measured.seconds,
        latency="delivery",
        **spread(latencies(sent, came)),
    )


SCENARIOS = tuple(
    Scenario(
        f"{wire}-fanout{'-acks' if acks else ''}",
        f"{wire}: each message to 1, 10 and 1,000 consumers, {'each delivery acknowledged' if acks else 'no acks'}",
        _fan_out(wire, acks=acks),
        "fanout",
        "bars of deliveries",
    )
    for wire in ("classic", "v2")
    for acks in (False, True)
)
