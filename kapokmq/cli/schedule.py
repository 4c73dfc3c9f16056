"""`kapokmq schedule`: delayed messages."""

import time

import click

from kapokmq.cli.commands import Group, asking, complete_topic, limited
from kapokmq.cli.http import Client
from kapokmq.cli.output import Column, Printer
from kapokmq.cli.times import DURATION, MOMENT, shown_duration, shown_moment

COLUMNS = (
    Column("DUE", lambda row: shown_moment(row["dueTime"])),
    Column("IN", lambda row: shown_duration(max(0.0, row["dueTime"] - time.time())), right=True),
    Column("CODE", lambda row: row["code"]),
    Column("TOPIC", lambda row: row["topic"]),
    Column("DATA", lambda row: row["data"]),
)


@click.group(cls=Group)
def schedule() -> None:
    """Look at delayed messages, cancel them, give them another time."""


@schedule.command("list")
@click.option("-t", "--topic", shell_complete=complete_topic, help="Of this topic.")
@limited
@asking
def list_schedule(client: Client, printer: Printer, topic: str | None, limit: int) -> None:
    """List delayed messages, the next first."""
    printer.rows(COLUMNS, client.pages("messages", "schedule", limit=limit, topic=topic), "nothing is delayed")


@schedule.command()
@click.argument("code")
@asking
def cancel(client: Client, printer: Printer, code: str) -> None:
    """Delete a delayed message before it falls due. Ends with 1 where it is too late."""
    printer.said(f"{code} is cancelled", client.delete("schedule", code))


@schedule.command()
@click.argument("code")
@click.option("--at", type=MOMENT, help="When it is to fall due.")
@click.option("--delay", type=DURATION, help="Or in how long from now.")
@asking
def reschedule(client: Client, printer: Printer, code: str, at: float | None, delay: float | None) -> None:
    """Let a delayed message fall due at another time."""
    if (at is None) == (delay is None):
        raise click.UsageError("give --at or --delay")
    body = {"at": at} if at is not None else {"delay": delay}
    printer.said(f"{code} has another time", client.post("schedule", code, "reschedule", body=body))


@schedule.command()
@click.argument("code")
@asking
def promote(client: Client, printer: Printer, code: str) -> None:
    """Let a delayed message fall due now."""
    printer.said(f"{code} is due", client.post("schedule", code, "promote"))
