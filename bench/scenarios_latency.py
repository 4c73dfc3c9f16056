"""How long a message takes from publish to delivery while so many a second are published."""

from bench.scenario import LEVELS, WIRES, Load, Scenario, broker, through

RATES = (1_000, 5_000, 20_000, 50_000, 100_000)
FIXED = 20_000
_SECONDS = 4.0


def _by_rate(wire):
    def run(terms):
        cases = [("fsync", rate) for rate in RATES] + [(level, FIXED) for level in LEVELS if level != "fsync"]
        for level, rate in cases:
            total = min(terms.count(rate * 4), int(rate * min(_SECONDS, terms.seconds)))
            load = Load(f"{wire}-latency", wire, level, rate=rate, total=total)
            with broker(level) as node:
                row = through(node, load, terms, what=f"{rate:,}/s")
            row.extra["asked rate"] = rate
            yield row

    return run


SCENARIOS = tuple(
    Scenario(
        f"{wire}-latency",
        f"{wire}: publish to delivery and ack at a pace, 20,000/s at each level, 1,000 to 100,000/s with fsync",
        _by_rate(wire),
        "latency",
        "latency by rate",
    )
    for wire in WIRES
)
