"""`python -m bench [NAME ...]`: measure real brokers, each a process of its own, and tell in tables, JSON and pictures.

A name may be a pattern (`v2-*`); without names everything runs. Load and broker share the machine, over loopback.
"""

import argparse
import datetime as dt
import os
import platform
import shlex
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from bench import report, table
from bench.catalog import SCENARIOS, chosen
from bench.scenario import Terms
from bench.workers import raise_file_limit


def _arguments():
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios or patterns of their names (default: all)")
    parser.add_argument("--list", action="store_true", help="name the scenarios, and run nothing")
    parser.add_argument("--messages", type=int, help="messages a measurement (default: as each scenario says)")
    parser.add_argument(
        "--seconds-per", type=float, default=8.0, metavar="S", help="a measurement sends for so long at most (8)"
    )
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write results and pictures there")
    parser.add_argument("--folder", type=Path, help="where the brokers have their stores (default: the system's)")
    parser.add_argument("--peers", action="store_true", help="measure other brokers too, those that are installed")
    given = parser.parse_args()
    if given.messages is not None and given.messages < 1:
        parser.error("--messages: at least 1")
    try:
        given.scenarios = chosen(given.names)
    except LookupError as error:
        parser.error(error.args[0])
    return given


def main():
    given = _arguments()
    if given.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:<22}{scenario.about}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell had us ignore it
    raise_file_limit()
    if given.folder:
        tempfile.tempdir = str(given.folder.resolve())
    about = _about()
    print(*(f"{name}: {value}" for name, value in about.items()), sep="\n")
    terms, rows, failed = Terms(given.messages, given.seconds_per), {}, []
    for scenario in given.scenarios:
        rows[scenario.name] = _run(scenario, terms, failed)
        if given.json:
            report.write(given.json, about, scenario, rows)
    if given.peers:
        rows["peers"] = _peers(given, [row for some in rows.values() for row in some], failed)
        if given.json and rows["peers"]:
            report.write_json(given.json, about, "peers", rows["peers"])
    for name, what in failed:
        print(f"failed: {name}: {what}", file=sys.stderr)
    return 1 if failed else 0


def _about():
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {_memory()} GiB, {_processor()}",
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        "load before": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def _memory():
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 30


def _processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor unknown"
    )


def _run(scenario, terms, failed):
    """The rows of a scenario, printed as they come. One that fails is told, and the others go on."""
    print(f"\n{scenario.name}: {scenario.about}\n{table.head()}", flush=True)
    return _printed(scenario.name, lambda: scenario.run(terms), failed)


def _printed(name, run, failed):
    rows, begun = [], time.monotonic()
    try:
        for row in run():
            print(table.line(row), flush=True)
            rows.append(row)
    except Exception as error:  # noqa: BLE001 -- told, and the exit code says so
        traceback.print_exc()
        failed.append((name, repr(error)))
    print(f"({time.monotonic() - begun:.0f} s)", flush=True)
    return rows


def _peers(given, ours, failed):
    """The rows of other brokers, and what ours reach beside them in this run."""
    from bench import peers  # noqa: PLC0415 -- needs none of them otherwise

    print(f"\npeers: other servers on this machine\n{table.head()}", flush=True)
    missed = []
    theirs = _printed("peers", lambda: peers.run(given.messages, failed=missed), failed)
    failed += [(name, "see above") for name in missed]
    print("\n".join(table.ratios(ours, theirs)))
    return theirs


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
