"""`python -m bench.gossip`: how fast news, failures and departures get around a pool, simulated, and what it costs.

Times are simulated seconds with the LAN profile, on a network of one to two milliseconds; all from one seed.
"""

import argparse
import datetime as dt
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import mean

from bench import pictures
from bench.swarm import Swarm
from serena.core.swim.events import Failed, Joined, Left, Suspected
from serena.core.swim.profile import PROFILES

LOSSES = (0.0, 0.05, 0.2)
_COLUMNS = (  # head, width, what of the row
    ("nodes", 6, lambda row: f"{row.nodes:,}"),
    ("gathered s", 12, lambda row: f"{row.gathered:.1f}"),
    ("join s", 8, lambda row: f"{row.joined:.2f}"),
    ("leave s", 9, lambda row: f"{row.left:.2f}"),
    ("suspected s", 13, lambda row: f"{row.suspected:.2f}"),
    ("failed s", 10, lambda row: f"{row.failed:.2f}"),
    ("by all s", 10, lambda row: f"{row.failed_by_all:.2f}"),
    ("msg/s", 7, lambda row: f"{row.datagrams:.2f}"),
    ("B/s", 7, lambda row: f"{row.bytes:.0f}"),
    ("stream B/s", 12, lambda row: f"{row.stream_bytes:.0f}"),
    ("CPU", 8, lambda row: f"{row.cpu:.2%}"),
    ("suspicions, deaths a node and hour at a loss of", 50, lambda row: row.shown_falsely()),
)


@dataclass
class Row:
    """One size of pool. Times in seconds, the mean of some tries.

    `gathered`: all nodes started within 2 s, until each knows each. `joined`, `left`: until all know. `suspected`: a
    killed node by the first, `failed`: held dead by the first, `failed_by_all`: by the last. `datagrams`, `bytes`,
    `stream_bytes`: what an idle node sends a second. `cpu`: of a core, for a hundred idle nodes, simulator included.
    `falsely`: by loss, of nodes that live, a node and hour: suspicions, and how many were held dead.
    """

    nodes: int
    gathered: float = 0.0
    joined: float = 0.0
    left: float = 0.0
    suspected: float = 0.0
    failed: float = 0.0
    failed_by_all: float = 0.0
    datagrams: float = 0.0
    bytes: float = 0.0
    stream_bytes: float = 0.0
    cpu: float = 0.0
    falsely: dict[str, tuple[float, float]] = field(default_factory=dict)

    def shown_falsely(self):
        """Suspicions and deaths, by loss."""
        return "; ".join(f"{loss}: {suspicions:.1f}, {dead:.1f}" for loss, (suspicions, dead) in self.falsely.items())


def measured(nodes, profile, *, tries=5, seconds=60.0, losses=LOSSES, seed=1):
    """The row of one size of pool."""
    row, swarm = Row(nodes), Swarm(nodes, profile=profile, seed=seed)
    row.gathered = swarm.gather(within=600)
    swarm.run(60)  # until the news of that are told, and push/pulls are at their usual pace
    _idle(row, swarm, seconds)
    row.joined = mean(_joined(swarm, number) for number in range(tries))
    row.left = mean(_left(swarm) for _ in range(tries))
    failures = [_killed(swarm) for _ in range(tries)]
    row.suspected, row.failed, row.failed_by_all = map(mean, zip(*failures, strict=True))
    swarm.run(60)
    for loss in losses:
        row.falsely[f"{loss:.0%}"] = _false_positives(swarm, loss, seconds)
    return row


def _idle(row, swarm, seconds):
    """What it costs that nothing happens."""
    before, began = replace(swarm.traffic), time.process_time()
    swarm.run(seconds)
    row.cpu = (time.process_time() - began) / seconds / len(swarm.up) * 100
    for name in ("datagrams", "bytes", "stream_bytes"):
        sent = getattr(swarm.traffic, name) - getattr(before, name)
        setattr(row, name, sent / seconds / len(swarm.up))


def _joined(swarm, number):
    swarm.log.clear()
    old, began = swarm.up, swarm.now
    new = swarm.add()
    swarm.join(new, old[number % len(old)])
    swarm.run_until(lambda: len(swarm.seen(Joined, new.name)) >= len(old), 60)
    return max(swarm.seen(Joined, new.name).values()) - began


def _left(swarm):
    swarm.log.clear()
    node, began = swarm.up[-1], swarm.now
    swarm.leave(node)
    swarm.run_until(lambda: len(swarm.seen(Left, node.name)) > len(swarm.up), 60)
    return max(swarm.seen(Left, node.name).values()) - began


def _killed(swarm):
    """Until one is suspected by the first, held dead by the first, held dead by all."""
    swarm.log.clear()
    node, began = swarm.up[-1], swarm.now
    swarm.kill(node)
    swarm.run_until(lambda: len(swarm.seen(Failed, node.name)) >= len(swarm.up), 120, every=0.2)
    suspected, failed = swarm.seen(Suspected, node.name), swarm.seen(Failed, node.name)
    return min(suspected.values()) - began, min(failed.values()) - began, max(failed.values()) - began


def _false_positives(swarm, loss, seconds):
    """Suspicions that somebody has by its own probe, and members that anybody holds dead, a node and hour."""
    swarm.log.clear()
    swarm.loss = loss
    before = _failed_probes(swarm)
    swarm.run(seconds)
    swarm.loss = 0.0
    hours = len(swarm.up) * seconds / 3600
    dead = {event.member.name for _, _, event in swarm.log if isinstance(event, Failed)}
    suspicions = _failed_probes(swarm) - before
    swarm.run(30)
    return suspicions / hours, len(dead) / hours


def _failed_probes(swarm):
    return sum(node.machine.counters["failedProbes"] for node in swarm.up)


def head():
    """The names of the columns."""
    return "".join(f"{name:>{width}}" for name, width, _ in _COLUMNS)


def line(row):
    """One row as text."""
    return "".join(f"{of(row):>{width}}" for _, width, of in _COLUMNS)


def write(folder, about, rows):
    """Write rows and what they were measured with as JSON, and their pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    what = {"scenario": "gossip", **about, "rows": [asdict(row) for row in rows]}
    (folder / "gossip.json").write_text(json.dumps(what, indent=1) + "\n", encoding="utf-8")
    caption = f"{about['date'][:10]}, simulated, profile {about['profile']}, seed {about['seed']}"
    for name, picture in draw(rows, caption).items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")


def draw(rows, caption):
    """The pictures, by name: how long things take, and what an idle node sends."""
    times = {
        "failure known to all": "failed_by_all",
        "failure suspected": "suspected",
        "departure known to all": "left",
        "newcomer known to all": "joined",
    }
    load = {"datagrams": "datagrams", "100 bytes in datagrams": "bytes"}
    scale = {"bytes": 100}
    return {
        "gossip": pictures.lines(
            "How fast it gets around", caption, ("nodes", "seconds"), _series(rows, times, {}),
        ),
        "gossip-load": pictures.lines(
            "What an idle node sends", caption, ("nodes", "a second"), _series(rows, load, scale),
        ),
    }  # fmt: skip


def _series(rows, names, scale):
    return {name: [(row.nodes, getattr(row, of) / scale.get(of, 1)) for row in rows] for name, of in names.items()}


def _arguments():
    parser = argparse.ArgumentParser(prog="python -m bench.gossip", description=__doc__)
    parser.add_argument("--nodes", default="10,100,1000", help="sizes of pools (10,100,1000; the last takes minutes)")
    parser.add_argument("--profile", choices=PROFILES, default="lan")
    parser.add_argument("--no-tcp-pings", action="store_true", help="SWIM's own pings only, as in the papers")
    parser.add_argument("--seconds", type=float, default=60.0, help="to observe for, simulated (60)")
    parser.add_argument("--tries", type=int, default=5, help="joins, departures and failures each (5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write results and pictures there")
    given = parser.parse_args()
    try:
        given.nodes = [int(each) for each in given.nodes.split(",")]
    except ValueError:
        parser.error("--nodes: whole numbers with commas between them")
    if min(given.nodes) <= given.tries:
        parser.error("--nodes: more than --tries, for some of them go")
    return given


def main():
    given = _arguments()
    profile = replace(PROFILES[given.profile], tcp_pings=not given.no_tcp_pings)
    about = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "profile": given.profile + (" without pings over streams" if given.no_tcp_pings else ""),
        "seed": given.seed,
    }
    print(*(f"{name}: {value}" for name, value in about.items()), sep="\n")
    print(head(), flush=True)
    rows = []
    for nodes in given.nodes:
        rows.append(measured(nodes, profile, tries=given.tries, seconds=given.seconds, seed=given.seed))
        print(line(rows[-1]), flush=True)
        if given.json:
            write(given.json, about, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
