"""`python -m bench.peers [NAME ...] [--messages N] [--size N] [--window N]`: other brokers under the same load.

Those that are installed (Debian's redis-server, nats-server, beanstalkd, mosquitto, rabbitmq-server) are started on
loopback in temporary folders, each at its durable settings; some of those sync nothing by themselves, and their rows
say so. Before them, what the wire alone costs: the echo of stock Autobahn and of websockets.
"""

import argparse
import os
import platform
import signal
import sys

from bench import peers_beanstalkd, peers_mosquitto, peers_nats, peers_rabbitmq, peers_redis
from bench.floors import autobahn_echo, websockets_echo
from bench.peers_run import Load, installed, measure

PEERS = {
    "redis": peers_redis,
    "nats": peers_nats,
    "beanstalkd": peers_beanstalkd,
    "mosquitto": peers_mosquitto,
    "rabbitmq": peers_rabbitmq,
}
ECHOES = {"autobahn": autobahn_echo, "websockets": websockets_echo}
_MESSAGES = 200_000
_SLOW = 4_000  # messages at most where each is synced by itself


def run(messages=None, size=100, window=20_000, names=(), failed=None):
    """Yield a row for each echo, then for each scenario at each durable setting of each peer that is installed.

    `messages` is 200,000 if None; `names` picks among them. One that fails is told of on standard error, its name
    is put on the list `failed`, and the others go on.
    """
    failed = [] if failed is None else failed
    for name, measured in _measurements(Load(messages or _MESSAGES, size, window)):
        if names and name not in names:
            continue
        try:
            yield from measured()
        except (OSError, RuntimeError) as error:
            failed.append(name)
            print(f"{name}: {error!r}", file=sys.stderr)


def _measurements(load):
    """Names, and what yields rows when it is called."""
    for name, echo in ECHOES.items():
        yield name, lambda echo=echo: filter(None, [echo(*load)])
    for name, peer in PEERS.items():
        if not installed(peer):
            continue
        for level in peer.levels():
            share = load._replace(messages=min(load.messages, _SLOW)) if level.startswith("fsync each") else load
            yield name, lambda peer=peer, level=level, share=share: measure(peer, level, share)


def missing():
    """Names of the peers that are not installed."""
    return [name for name, peer in PEERS.items() if not installed(peer)]


def show(row):
    """One line of a table."""
    waited = f"{row.p50:>9.1f}{row.p99:>9.1f}{row.p999:>9.1f}"
    used = f"{row.cpu:>7.0%}{row.load:>7.0%}{row.rss >> 20:>7}"
    print(f"{row.name:<32}{row.rate:>12,.0f}{waited}{used}  {row.server}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__)
    known = [*ECHOES, *PEERS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(known)} (default: all)")
    parser.add_argument("--messages", type=int, default=_MESSAGES, help="messages a scenario (default: 200,000)")
    parser.add_argument("--size", type=int, default=100, help="bytes of a body (default: 100)")
    parser.add_argument("--window", type=int, default=20_000, help="messages unconfirmed at most (default: 20,000)")
    given = parser.parse_args()
    if unknown := set(given.names).difference(known):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    about = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()}"
    print(f"{about}; {given.messages:,} messages of {given.size} bytes, window {given.window:,}")
    columns = f"{'a second':>12}{'p50 ms':>9}{'p99':>9}{'p99.9':>9}{'cpu':>7}{'load':>7}{'MiB':>7}"
    print(f"{'scenario':<32}{columns}  server", flush=True)
    failed = []
    for row in run(given.messages, given.size, given.window, given.names, failed):
        show(row)
    if lacking := missing():
        print(f"not installed: {', '.join(lacking)} (make bench-peers)")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
