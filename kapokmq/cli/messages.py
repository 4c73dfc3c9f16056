"""`kapokmq messages`: search, follow one's life, delete."""

from collections.abc import Mapping
from typing import Any

import click

from kapokmq.cli.commands import Group, asking, complete_topic, limited, sure
from kapokmq.cli.exits import No
from kapokmq.cli.http import Client, confirmed
from kapokmq.cli.output import Column, Printer, shown, tinted
from kapokmq.cli.times import MOMENT, shown_moment

STATUSES = ("any", "waiting", "delayed", "consumed", "dead")
AT_ONCE = 5_000  # codes that one request may have

COLUMNS = (
    Column("CODE", lambda row: row["code"]),
    Column("TOPIC", lambda row: row["topic"]),
    Column("STATUS", lambda row: row["status"]),
    Column("CREATED", lambda row: shown_moment(row["createTime"])),
    Column("KEY", lambda row: row.get("key")),
    Column("DATA", lambda row: row["data"]),
)


@click.group(cls=Group)
def messages() -> None:
    """Search messages, follow one's life, delete."""


@messages.command()
@click.option("-t", "--topic", shell_complete=complete_topic, help="Of this topic.")
@click.option("--status", type=click.Choice(STATUSES), default="any", show_default=True, help="Of this status.")
@click.option("--from", "from_", type=MOMENT, help="Created then or later.")
@click.option("--to", type=MOMENT, help="Created then or sooner.")
@click.option("--text", help="With this in their text; case counts.")
@click.option("--with-key", help="Published with this key.")
@click.option("--header", help="With a header NAME, or NAME:VALUE.")
@limited
@asking
def search(client: Client, printer: Printer, limit: int, with_key: str | None, **query: Any) -> None:
    """Search messages, newest first. Ends with 1 where there are none."""
    found = client.pages("messages", "messages", limit=limit, key=with_key, **query)
    if not printer.rows(COLUMNS, found, "there are none"):
        click.get_current_context().exit(1)


@messages.command()
@click.argument("code")
@asking
def show(client: Client, printer: Printer, code: str) -> None:
    """Tell a message's life, group by group."""
    life = client.get("messages", code)
    if not printer.table:
        printer.line(life)
        return
    printer.one(_readable(life["message"]))
    for group in life["groups"]:
        click.echo(f"\n{click.style(group['group'], bold=True)}  {_state(group)}")
        for holder in group["holders"]:
            click.echo(f"  held by {shown(holder['label'])} since {shown_moment(holder['since'])}{_until(holder)}")
        for event in group["events"]:
            why = f": {shown(event['reason'])}" if event["reason"] else ""
            click.echo(f"  {shown_moment(event['at'])}  {event['kind']} by {shown(event['who'])}{why}")


@messages.command()
@click.argument("codes", nargs=-1, required=True)
@sure
@asking
def delete(client: Client, printer: Printer, codes: tuple[str, ...], yes: bool) -> None:  # noqa: FBT001
    """Delete messages, whatever their state. Ends with 1 where some were not there."""
    confirmed(f"Delete {len(codes)} messages?", yes=yes)
    runs = [codes[at : at + AT_ONCE] for at in range(0, len(codes), AT_ONCE)]
    count = sum(client.post("messages", "delete", body={"codes": run})["count"] for run in runs)
    printer.said(f"{count} of {len(codes)} are deleted", {"count": count})
    if count < len(set(codes)):
        raise No(f"{len(set(codes)) - count} were not there")


def _readable(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message with times for people."""
    return {name: shown_moment(value) if name.endswith("Time") else value for name, value in message.items()}


def _state(group: Mapping[str, Any]) -> str:
    since = f" since {shown_moment(group['since'])}" if group["since"] is not None else ""
    tried = f", {group['attempts']} failed attempts" if group["attempts"] else ""
    return f"{tinted(group['state'])}{since}{tried}{_until(group)}"


def _until(row: Mapping[str, Any]) -> str:
    return "" if row["until"] is None else f" until {shown_moment(row['until'])}"
