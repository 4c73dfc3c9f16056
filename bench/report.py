"""Results as files: JSON a scenario, and a picture for each group of scenarios."""

import json
from dataclasses import asdict

from bench import pictures
from bench.catalog import SCENARIOS

_BATCHES = "messages in a batch"
_PACE = "messages a second"
_TITLES = {  # of groups with several scenarios, or with a picture that has a name
    "publish": "Publish, confirmed: by level and connections",
    "through": "Publish, deliver and acknowledge at once: by level and connections",
    "fanout": "Deliveries of one message to many, fsync",
    "latency": "Latency against rate: publish to delivery, fsync",
    "v2-batches": "Rate against batch size: v2, fsync",
    "backlog": "Memory against backlog: after publishing on top of it",
}


def write(folder, about, scenario, rows):
    """Write a scenario's JSON, and its group's picture anew. `rows` are those of all scenarios so far, by name."""
    write_json(folder, about, scenario.name, rows[scenario.name])
    group = [
        row
        for name, some in rows.items()
        if name in SCENARIOS and SCENARIOS[name].group == scenario.group
        for row in some
    ]
    if group:
        caption = f"{about['date'][:10]}, {about['machine']}, Python {about['python'].rpartition(' ')[2]}"
        (folder / f"{scenario.group}.svg").write_text(draw(scenario, group, caption), encoding="utf-8")


def write_json(folder, about, name, rows):
    """Write rows, and what they were measured on and with."""
    folder.mkdir(parents=True, exist_ok=True)
    what = {"scenario": name, **about, "rows": [asdict(row) for row in rows]}
    (folder / f"{name}.json").write_text(json.dumps(what, indent=1) + "\n", encoding="utf-8")


def draw(scenario, rows, caption):
    """The picture of a group, as its chart says."""
    title = _TITLES.get(scenario.group, scenario.about)
    match scenario.chart:
        case "rate by batch":
            series = _series(rows, lambda row: row.what, lambda row: (row.batch, row.rate))
            return pictures.lines(title, caption, (_BATCHES, _PACE), series)
        case "latency by rate":
            fast = [row for row in rows if row.level == "fsync"]
            series = {}
            for share, name in (("p50", "p50"), ("p99", "p99")):
                series |= _series(fast, lambda row: f"{row.wire} {name}", lambda row: (row.rate, getattr(row, share)))  # noqa: B023
            return pictures.lines(title, caption, (_PACE, "milliseconds"), series)
        case "memory by backlog":
            series = _series(rows, lambda row: f"after {row.wire}", lambda row: (row.extra["backlog"], row.rss / 2**20))
            return pictures.lines(title, caption, ("messages waiting", "RSS in MiB"), series)
        case _:
            unit, of = _BARS[scenario.chart]
            return pictures.bars(title, caption, unit, [(_label(row, rows), of(row)) for row in rows])


_BARS = {
    "bars": (_PACE, lambda row: row.rate),
    "bars of deliveries": ("deliveries a second", lambda row: row.rate),
    "bars of p99": ("milliseconds late, p99", lambda row: row.p99 or 0.0),
    "bars of longest": ("longest ping, milliseconds", lambda row: row.extra["longest ping ms"]),
    "bars of memory": ("RSS in MiB", lambda row: row.rss / 2**20),
    "bars of seconds": ("seconds", lambda row: row.seconds),
}
CHARTS = {"rate by batch", "latency by rate", "memory by backlog", *_BARS}


def _series(rows, name, point):
    found = {}
    for row in rows:
        found.setdefault(name(row), []).append(point(row))
    return {key: sorted(points) for key, points in found.items()}


def _label(row, rows):
    """What tells a row from the others of its picture."""
    parts = [
        getattr(row, field) for field in ("name", "level", "what") if len({getattr(one, field) for one in rows}) > 1
    ]
    if len({one.connections for one in rows}) > 1 and " to " not in f" {row.what}":
        parts.append(f"{row.connections} conn.")
    if len({one.size for one in rows}) > 1:
        parts.append(f"{row.size:,} B")
    if "name" not in parts and len({one.wire for one in rows}) > 1 and row.name not in parts:
        parts.insert(0, row.wire)
    return ", ".join(parts) or row.what
