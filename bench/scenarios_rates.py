"""How much goes through: by durability, connections, size and batch, on both wires."""

from dataclasses import replace

from bench.scenario import CONNECTIONS, LEVELS, SIZES, WIRES, Load, Scenario, broker, publish, through

BATCHES = (1, 10, 100, 500, 2_000)
_MEASURES = {"publish": publish, "through": through}


def _by_level(wire, kind):
    def run(terms):
        for level in LEVELS:
            for connections in CONNECTIONS:
                total = terms.count(300_000 if wire == "classic" else 500_000)
                load = Load(f"{wire}-{kind}", wire, level, connections, total=total)
                with broker(level) as node:
                    yield _MEASURES[kind](node, load, terms)

    return run


def _by_size(wire):
    def run(terms):
        for kind, measure in _MEASURES.items():
            for size in SIZES:
                load = Load(f"{wire}-sizes", wire, size=size, total=terms.count(200_000))
                with broker() as node:
                    yield measure(node, load, terms, what=kind)

    return run


def _by_batch(terms):
    for kind, measure in _MEASURES.items():
        for batch in BATCHES:
            load = Load("v2-batches", "v2", batch=batch, total=terms.count(500_000))
            if batch == 1:
                load = replace(load, total=terms.count(100_000))
            with broker() as node:
                yield measure(node, load, terms, what=kind)


SCENARIOS = (
    *(
        Scenario(
            f"{wire}-{kind}", f"{wire}: {about}; three levels, 1, 8 and 50 connections", _by_level(wire, kind), kind
        )
        for wire in WIRES
        for kind, about in (("publish", "publish, confirmed"), ("through", "publish, deliver and ack at once"))
    ),
    *(
        Scenario(
            f"{wire}-sizes", f"{wire}: texts of 100 B, 1 KiB, 16 KiB, 256 KiB, fsync", _by_size(wire), f"{wire}-sizes"
        )
        for wire in WIRES
    ),
    Scenario("v2-batches", "v2: batches of 1 to 2,000, fsync", _by_batch, "v2-batches", "rate by batch"),
)
