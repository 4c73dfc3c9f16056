"""`kapokmq top`: a broker's figures, live."""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from shutil import get_terminal_size
from typing import Any, NamedTuple

import click

from kapokmq.cli.commands import asking, complete_topic
from kapokmq.cli.exits import Unreachable
from kapokmq.cli.http import Client
from kapokmq.cli.output import Column, Printer, table
from kapokmq.cli.times import shown_bytes, shown_duration

MOST_TOPICS = 100  # that one stream tells of
RATES = ("published", "delivered", "acked", "nacked", "retried", "dead")
COLUMNS = (
    Column("TOPIC", lambda row: row["topic"]),
    Column("WAITING", lambda row: row["waiting"], right=True),
    Column("IN FLIGHT", lambda row: row["inFlight"], right=True),
    Column("DELAYED", lambda row: row["delayed"], right=True),
    Column("DEAD", lambda row: row["dead"], right=True),
    Column("CONSUMED", lambda row: row["consumed"], right=True),
    Column("SIZE", lambda row: shown_bytes(row["bytes"]), right=True),
)
HOME, CLEAR_REST = "\x1b[H", "\x1b[J"
CUT, WRAP = "\x1b[?7l", "\x1b[?7h"  # what is too long for a line
LIST_AGAIN = 2.0  # seconds between two looks for new topics


@click.command()
@click.argument("topics", nargs=-1, shell_complete=complete_topic)
@click.option(
    "--every", type=click.FloatRange(1, 60), default=1.0, show_default=True, help="Seconds between two looks."
)
@click.option("-c", "--count", type=click.IntRange(min=1), help="End after so many looks.")
@asking
def top(client: Client, printer: Printer, topics: tuple[str, ...], every: float, count: int | None) -> None:
    """Watch a broker: totals, rates, and each of TOPICS (the first 100 if none is named). Control-C ends it."""
    before: Look | None = None
    for look in islice(_looks(client, topics, every), count):
        if printer.table:
            _draw(screen(client.target.authority, look, before))
        else:
            printer.line(look.counts)
        before = look


class Look(NamedTuple):
    """What a broker says of itself, and when: steady seconds."""

    counts: Mapping[str, Any]
    at: float


def _looks(client: Client, topics: Sequence[str], every: float) -> Iterator[Look]:
    """One look after the other, of those topics, or of all that are there by then. Raises Unreachable at the end."""
    while True:
        named = topics or _names(client)
        listed = time.monotonic()
        for event in client.events("events", "counts", every=every, topic=list(named)):
            yield Look(event.data, time.monotonic())
            if not topics and time.monotonic() - listed >= LIST_AGAIN:
                listed = time.monotonic()
                if _names(client) != named:
                    break
        else:
            raise Unreachable(f"{client.target.url} ended the stream: it stops")


def _names(client: Client) -> tuple[str, ...]:
    return tuple(row["name"] for row in client.pages("topics", "topics", limit=MOST_TOPICS))


def screen(where: str, now: Look, before: Look | None) -> Iterator[str]:
    """The lines of one look. Rates are those since the look before."""
    look = now.counts
    figures = look["figures"]
    yield f"{click.style(where, bold=True)}  all {look['all']}  waiting {look['waiting']}  delayed {look['delayed']}"
    yield (
        f"consumed {look['consumed']}  in flight {figures['inFlight']}  memory {shown_bytes(figures['memory'])}"
        f"  oldest unacked {shown_duration(figures['oldestUnacked'])}"
    )
    yield "  ".join(f"{name} {figures[name]} ({_rate(now, before, name)})" for name in RATES)
    yield ""
    yield from table(COLUMNS, look["topics"])


def _rate(now: Look, before: Look | None, name: str) -> str:
    """How many a second; unknown at the first look, and where the node was started anew in between."""
    more = -1 if before is None else now.counts["figures"][name] - before.counts["figures"][name]
    return "-/s" if before is None or more < 0 else f"{more / max(now.at - before.at, 1e-3):,.0f}/s"


def _draw(lines: Iterator[str]) -> None:
    """Draw over what was drawn before, as much as the terminal has room for."""
    shown = islice(lines, max(1, get_terminal_size().lines - 1))
    click.echo(CUT + HOME + "".join(f"{line}\x1b[K\n" for line in shown) + CLEAR_REST + WRAP, nl=False)
