"""`kapokmq nodes`: the brokers that there are, as a broker or a registry knows them."""

import json
from typing import Any

import click

from kapokmq.cli.commands import Group, asking, sure
from kapokmq.cli.exits import Refused
from kapokmq.cli.http import Client, confirmed
from kapokmq.cli.output import Column, Printer
from kapokmq.cli.times import DURATION, shown_duration, shown_moment

COLUMNS = (
    Column("NAME", lambda row: row["name"]),
    Column("ADDRESS", lambda row: f"{row['address']}:{row['port']}"),
    Column("STATE", lambda row: row["state"]),
    Column("VERSION", lambda row: row.get("version")),
    Column("SINCE", lambda row: shown_moment(row["since"]) if row.get("since") else "-"),
    Column("RTT", lambda row: shown_duration(row["rtt"]) if row.get("rtt") is not None else "-", right=True),
)


@click.group(cls=Group)
def nodes() -> None:
    """Look at the nodes of a cluster, or stop one in good order."""


@nodes.command("list")
@asking
def list_nodes(client: Client, printer: Printer) -> None:
    """List the nodes. --server may be a broker or a registry: a registry knows everybody's state."""
    printer.rows(COLUMNS, found_nodes(client), "there are no nodes")


@nodes.command()
@asking
def show(client: Client, printer: Printer) -> None:
    """Show the node itself: its name, its version, whether it takes messages, and what is in its way."""
    printer.one(client.get("node"))


@nodes.command()
@click.option("--seconds", type=DURATION, help="How long what is in flight may take.")
@sure
@asking
def drain(client: Client, printer: Printer, seconds: float | None, yes: bool) -> None:  # noqa: FBT001
    """Stop the node in good order. There is no way back."""
    confirmed(f"Stop the node at {client.target.url}?", yes=yes)
    answer = client.post("drain", body={} if seconds is None else {"seconds": seconds})
    printer.said("the node drains, and then ends", answer)


def found_nodes(client: Client) -> list[dict[str, Any]]:
    """The nodes that a registry or a broker knows; of a broker without a cluster that one itself."""
    try:
        return list(client.get("members")["members"])
    except Refused as refused:
        if refused.code not in {"noRoute", "notFound"}:
            raise
    node = client.get("node")
    said = client.raw("POST", f"{client.target.prefix}/Console/GetNodes")
    listed: list[dict[str, Any]] = (json.loads(said) if said else None) or []
    rows = [{"name": row["Name"], "address": row["Addr"], "port": int(row["Port"]), "state": "alive"} for row in listed]
    mine = next((row for row in rows if row["name"] == node["name"]), None)
    if mine is None:
        mine = {"name": node["name"], "address": client.target.host, "port": client.target.port}
        rows.append(mine)
    mine |= {"version": node["version"], "state": "ready" if node["ready"] else f"not ready: {node['reason']}"}
    return rows
