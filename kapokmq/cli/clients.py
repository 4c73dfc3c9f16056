"""`kapokmq clients`: who is connected to a broker, and who consumes."""

from typing import Any

import click

from kapokmq.cli.commands import Group, asking, limited
from kapokmq.cli.http import PAGE, Client
from kapokmq.cli.output import Column, Printer
from kapokmq.cli.times import shown_moment


def _subscribed(row: Any) -> str:
    named = [f"{one['topic']}{'/' + one['group'] if one['group'] else ''}" for one in row["subscriptions"]]
    return ", ".join(named or [row["topic"]]) or "-"


COLUMNS = (
    Column("NUMBER", lambda row: row["number"], right=True),
    Column("KIND", lambda row: row["kind"]),
    Column("NAME", lambda row: row["id"]),
    Column("ADDRESS", lambda row: row["address"]),
    Column("SINCE", lambda row: shown_moment(row["joinTime"])),
    Column("PUBLISHED", lambda row: row["published"], right=True),
    Column("SUBSCRIBED TO", _subscribed),
)
MEMBERS = (
    Column("CONSUMER", lambda row: row["label"]),
    Column("TOPIC", lambda row: row["topic"]),
    Column("GROUP", lambda row: row["group"]),
    Column("CREDIT", lambda row: row["credit"], right=True),
    Column("IN FLIGHT", lambda row: row["inFlight"], right=True),
)


@click.group(cls=Group)
def clients() -> None:
    """Look at who is connected and who consumes, or close a connection."""


@clients.command("list")
@click.option("--consumers", is_flag=True, help="Rather those who consume, and what they hold.")
@limited
@asking
def list_clients(client: Client, printer: Printer, limit: int, consumers: bool) -> None:  # noqa: FBT001
    """List connections, oldest first."""
    rows = _all(client, "members" if consumers else "clients", limit)
    printer.rows(MEMBERS if consumers else COLUMNS, rows, "nobody is there")


@clients.command()
@click.argument("number", type=click.IntRange(min=0))
@asking
def close(client: Client, printer: Printer, number: int) -> None:
    """Close the connection of that NUMBER. The client may come again."""
    printer.said(f"connection {number} is closed", client.post("clients", str(number), "close"))


def _all(client: Client, field: str, limit: int) -> list[dict[str, Any]]:
    """One of the two lists of the route, which go on together."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while len(rows) < limit:
        answer = client.get("clients", limit=PAGE, cursor=cursor)
        rows += answer[field]
        cursor = answer["cursor"]
        if cursor is None:
            break
    return rows[:limit]
