"""Rows as text: a table for the terminal, one scenario under the other."""

_COLUMNS = (
    # head, width, what of the row
    ("wire", -9, lambda row: row.wire),
    ("level", -10, lambda row: row.level),
    ("what", -34, lambda row: row.what),
    ("conns", 7, lambda row: f"{row.connections:,}"),
    ("size", 9, lambda row: f"{row.size:,}"),
    ("batch", 7, lambda row: f"{row.batch:,}"),
    ("window", 8, lambda row: f"{row.window:,}"),
    ("rate/s", 11, lambda row: f"{row.rate:,.0f}" if row.rate else "-"),
    ("seconds", 9, lambda row: f"{row.seconds:,.2f}"),
    ("p50 ms", 9, lambda row: milliseconds(row.p50)),
    ("p99 ms", 9, lambda row: milliseconds(row.p99)),
    ("p99.9 ms", 10, lambda row: milliseconds(row.p999)),
    ("of", 10, lambda row: row.latency or "-"),
    ("CPU", 7, lambda row: share(row.cpu)),
    ("load", 7, lambda row: share(row.load)),
    ("RSS MiB", 9, lambda row: "-" if row.rss is None else f"{row.rss / 2**20:,.0f}"),
    ("syncs/s", 9, lambda row: "-" if row.syncs is None else f"{row.syncs:,.0f}"),
)


def milliseconds(value):
    """Milliseconds to three digits or so."""
    if value is None:
        return "-"
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def share(value):
    """A share of a core."""
    return "-" if value is None else f"{value:.0%}"


def head():
    """The names of the columns."""
    return "".join(_fit(name, width) for name, width, _ in _COLUMNS)


def line(row):
    """One row, and behind it what only it has."""
    more = "; ".join(f"{name} {_plain(value)}" for name, value in row.extra.items())
    return "".join(_fit(of(row), width) for _, width, of in _COLUMNS) + (f"   {more}" if more else "")


def _plain(value):
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _fit(text, width):
    """Aligned to its column; a text that is too long pushes the others, as nothing is cut."""
    return f"{text:<{-width - 1}} " if width < 0 else f" {text:>{width - 1}}"


def ratios(ours, theirs):
    """How ours compare to each row of others: lines of text. Ours with fsync, their size and connections."""
    found = []
    for row in theirs:
        kind = row.extra.get("scenario", "publish")
        for own in ours:
            is_like = (own.level, own.connections, own.size) == ("fsync", row.connections, row.size)
            if is_like and own.name == f"{own.wire}-{kind}" and row.rate:
                found.append(f"{own.name} (fsync) is {own.rate / row.rate:.2f} times {row.name} ({row.server})")
    return found
