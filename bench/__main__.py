"""`python -m bench [--messages N] [--size BYTES]`: the classic wire at each durability, one broker process each."""

import argparse
import platform

from bench import classic
from bench.node import BrokerProcess

LEVELS = {0: "memory", 1: "interval 5 s", 2: "fsync"}
SCENARIOS = (
    (classic.publish, {"connections": 1}),
    (classic.publish, {"connections": 8}),
    (classic.through, {"consumers": 1}),
    (classic.through, {"consumers": 100}),
)


def main():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=300_000, help="messages a scenario (default: 300,000)")
    parser.add_argument("--size", type=int, default=100, help="bytes of a message's text (default: 100)")
    parser.add_argument("--window", type=int, default=20_000, help="messages unconfirmed at most (default: 20,000)")
    given = parser.parse_args()
    body = "x" * given.size
    print(f"classic wire, {given.messages:,} messages of {given.size} bytes, window {given.window:,};")
    print(f"Python {platform.python_version()}, {platform.machine()}; load on the same machine, over loopback")
    head = f"{'isPersistent':<18}{'scenario':<26}{'conns':>6}{'messages/s':>12}{'p50 ms':>9}{'p99 ms':>9}"
    print(head + f"{'CPU broker':>12}{'CPU load':>10}{'RSS MiB':>9}")
    for level, name in LEVELS.items():
        for run, clients in SCENARIOS:
            with BrokerProcess(MQ_ISPERSISTENT=level) as broker:
                row = run(broker, total=given.messages, body=body, window=given.window, **clients)
            latency = [f"{row[share]:.1f}" if row[share] else "-" for share in ("p50", "p99")]
            print(
                f"{f'{level} ({name})':<18}{row['what']:<26}{row['connections']:>6}{row['rate']:>12,.0f}"
                f"{latency[0]:>9}{latency[1]:>9}{row['broker_cpu']:>11.0%} {row['load_cpu']:>9.0%} "
                f"{row['rss'] / 2**20:>8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
