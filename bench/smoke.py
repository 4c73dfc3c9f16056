"""`python -m bench.smoke`: a guard against regressions that any machine can run, since it only compares.

Brokers and stock Autobahn's echo are measured by turns, and what counts is the median of the ratios of a turn. Exits
with 1 and says why if the broker, which stores with fsync what it confirms, is not so many times faster.
"""

import signal
import statistics
import sys

from bench import floors
from bench.scenario import WINDOW, Load, Terms, broker, publish

TURNS = 5
LIMITS = {"classic": 1.5, "v2": 4.0}
_ECHOES = 60_000
_LOADS = {
    "classic": Load("smoke", "classic", connections=8, total=150_000),
    "v2": Load("smoke", "v2", connections=1, total=500_000),
}


def turn(terms):
    """One of each, one after the other: how many times as fast as the echo each wire is."""
    echo = floors.autobahn_echo(_ECHOES, 100, WINDOW)
    rates = {}
    for wire, load in _LOADS.items():
        with broker() as node:
            row = publish(node, load, terms)
        rates[wire] = row.rate
        print(
            f"  {wire:<8} fsync {row.rate:>11,.0f}/s, {row.rate / echo.rate:5.2f} times; {row.syncs:,.0f} syncs/s",
            flush=True,
        )
    print(f"  {'autobahn':<8} echo  {echo.rate:>11,.0f}/s", flush=True)
    return {wire: rate / echo.rate for wire, rate in rates.items()}


def verdict(turns):
    """`[(wire, median ratio, limit), …]` of those that are below."""
    medians = {wire: statistics.median(ratios[wire] for ratios in turns) for wire in LIMITS}
    return [(wire, median, LIMITS[wire]) for wire, median in medians.items() if median < LIMITS[wire]]


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell had us ignore it
    turns = []
    for number in range(TURNS):
        print(f"turn {number + 1} of {TURNS}", flush=True)
        turns.append(turn(Terms(seconds=5.0)))
    below = verdict(turns)
    for wire, median, limit in below:
        print(
            f"bench-smoke: publishing over {wire} with fsync is {median:.2f} times stock Autobahn's echo "
            f"(median of {TURNS}); at least {limit} is wanted. `python -m bench {wire}-publish` shows more.",
            file=sys.stderr,
        )
    return 1 if below else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
