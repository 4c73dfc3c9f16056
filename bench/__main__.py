"""`python -m bench [--messages N] [--size BYTES]`: the classic wire at each durability, one broker process each."""

import argparse
import platform

from bench import classic
from bench.node import BrokerProcess

LEVELS = {0: "memory", 1: "interval (5 s)", 2: "fsync"}


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
        rows = []
        for run, connections in ((classic.publish, 1), (classic.publish, 8), (classic.through, None)):
            with BrokerProcess(MQ_ISPERSISTENT=level, MQ_MEMORYBUDGET=1 << 30) as broker:
                more = {} if connections is None else {"connections": connections}
                rows.append(run(broker, total=given.messages, body=body, window=given.window, **more))
        for row in rows:
            print(
                f"{f'{level} ({name})':<18}{row['what']:<26}{row['connections']:>6}{row['rate']:>12,.0f}"
                f"{row['p50']:>9.1f}{row['p99']:>9.1f}{row['broker_cpu']:>11.0%} {row['load_cpu']:>9.0%} "
                f"{row['rss'] / 2**20:>8.0f}"
            )


if __name__ == "__main__":
    main()
