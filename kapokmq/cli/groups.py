"""`kapokmq groups`: who is to get a topic's messages, how far they are, and what they go by."""

import time
from typing import Any

import click

from kapokmq.cli.commands import Group, asking, group_argument, limited, sure, topic_argument
from kapokmq.cli.http import Client, confirmed
from kapokmq.cli.output import Column, Printer
from kapokmq.cli.settings_given import changed
from kapokmq.cli.times import parse_moment, shown_duration
from kapokmq.core.policy import GroupConfig

COLUMNS = (
    Column("TOPIC", lambda row: row["topic"]),
    Column("GROUP", lambda row: row["name"]),
    Column("LAG", lambda row: row["lag"], right=True),
    Column("IN FLIGHT", lambda row: row["inFlight"], right=True),
    Column("DEAD", lambda row: row["dead"], right=True),
    Column("MEMBERS", lambda row: row["members"], right=True),
    Column("OLDEST", lambda row: _age(row["oldest"]), right=True),
    Column("MODE", lambda row: row["mode"]),
    Column("STATE", lambda row: "paused" if row["config"].get("paused") else "ready"),
)
PATTERN_COLUMNS = (
    Column("PATTERN", lambda row: row["pattern"]),
    Column("GROUP", lambda row: row["name"]),
    Column("CONFIG", lambda row: row["config"]),
)


def _age(created: float | None) -> str:
    return "-" if created is None else shown_duration(max(0.0, time.time() - created))


@click.group(cls=Group)
def groups() -> None:
    """Look at groups, make, change, pause, empty and delete them. Where it makes sense TOPIC may be a pattern."""


@groups.command("list")
@click.argument("topic", required=False)
@limited
@asking
def list_groups(client: Client, printer: Printer, topic: str | None, limit: int) -> None:
    """List the groups of a topic, or of all."""
    path = ("groups",) if topic is None else ("topics", topic, "groups")
    printer.rows(COLUMNS, client.pages("groups", *path, limit=limit), "there are no groups")


@groups.command()
@limited
@asking
def patterns(client: Client, printer: Printer, limit: int) -> None:
    """List the groups that every topic of a pattern has."""
    printer.rows(PATTERN_COLUMNS, client.pages("patterns", "patterns", limit=limit), "there are no groups by pattern")


@groups.command()
@topic_argument
@group_argument
@asking
def show(client: Client, printer: Printer, topic: str, group: str) -> None:
    """Show a group: its lag, what is in flight, its configuration, what it goes by."""
    printer.one(client.get("topics", topic, "groups", group))


@groups.command()
@topic_argument
@click.argument("group")
@click.argument("config", nargs=-1)
@click.option("--start", help="Where it begins: new, all, or a time. [new]")
@asking
def create(
    client: Client, printer: Printer, topic: str, group: str, config: tuple[str, ...], start: str | None
) -> None:
    """Make a group, with a CONFIG such as ackWait=30s maxAttempts=5 backoff=1s."""
    body: dict[str, Any] = {"name": group, "config": changed(GroupConfig, {}, config)}
    if start is not None:
        body["start"] = read_start(start)
    printer.said(f"group {group} of {topic} is made", client.post("topics", topic, "groups", body=body))


@groups.command("set")
@topic_argument
@group_argument
@click.argument("config", nargs=-1, required=True)
@asking
def set_config(client: Client, printer: Printer, topic: str, group: str, config: tuple[str, ...]) -> None:
    """Change parts of a group's CONFIG: ackWait=30s; backoff= takes it away."""
    new = changed(GroupConfig, client.get("topics", topic, "groups", group)["config"], config)
    answer = client.put("topics", topic, "groups", group, body=new)
    printer.said(f"group {group} of {topic} is changed", answer)


@groups.command()
@topic_argument
@group_argument
@asking
def pause(client: Client, printer: Printer, topic: str, group: str) -> None:
    """Deliver nothing to a group."""
    printer.said(f"group {group} of {topic} gets nothing", client.post("topics", topic, "groups", group, "pause"))


@groups.command()
@topic_argument
@group_argument
@asking
def resume(client: Client, printer: Printer, topic: str, group: str) -> None:
    """Deliver to a group again."""
    printer.said(f"group {group} of {topic} gets messages", client.post("topics", topic, "groups", group, "resume"))


@groups.command()
@topic_argument
@group_argument
@sure
@asking
def purge(client: Client, printer: Printer, topic: str, group: str, yes: bool) -> None:  # noqa: FBT001
    """Let a group be done with all that nobody holds. Dead letters are kept."""
    confirmed(f"Let group {group} of {topic} be done with all its messages?", yes=yes)
    printer.said(f"group {group} of {topic} has nothing to do", client.post("topics", topic, "groups", group, "purge"))


@groups.command()
@topic_argument
@group_argument
@sure
@asking
def delete(client: Client, printer: Printer, topic: str, group: str, yes: bool) -> None:  # noqa: FBT001
    """Delete a group, and dismiss its members."""
    confirmed(f"Delete group {group} of {topic}?", yes=yes)
    printer.said(f"group {group} of {topic} is gone", client.delete("topics", topic, "groups", group))


def read_start(text: str) -> Any:
    """Where a group begins, as the API and v2 take it. Raises click.UsageError."""
    if text in {"new", "all"}:
        return text
    moment = parse_moment(text, time.time())
    if moment is None:
        raise click.UsageError(f"--start {text}: must be new, all, or a time such as 2026-11-21T08:00 or -1h")
    return {"time": moment}
