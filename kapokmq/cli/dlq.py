"""`kapokmq dlq`: dead letters, which are the messages that a group gave up."""

from typing import Any

import click

from kapokmq.cli.commands import Group, asking, group_argument, limited, sure, topic_argument
from kapokmq.cli.http import Client, confirmed
from kapokmq.cli.output import Column, Printer
from kapokmq.cli.times import MOMENT, shown_moment

AT_ONCE = 1_000  # that one request deals with: sending again keeps to the node's rate
COLUMNS = (
    Column("CODE", lambda row: row["message"]["code"]),
    Column("GIVEN UP", lambda row: shown_moment(row["at"])),
    Column("ATTEMPTS", lambda row: row["attempts"], right=True),
    Column("REASON", lambda row: row["reason"]),
    Column("DATA", lambda row: row["message"]["data"]),
)


def which(command: Any) -> Any:
    """Give a command the options that say which dead letters."""
    for option in (
        click.option("--before", type=MOMENT, help="Given up before that time."),
        click.option("--text", help="With this in their text."),
        click.option("--reason", help="With this in the last reason."),
    ):
        command = option(command)
    return command


@click.group(cls=Group)
def dlq() -> None:
    """Look at a group's dead letters, send them again, be done with them."""


@dlq.command("list")
@topic_argument
@group_argument
@which
@limited
@asking
def list_dead(client: Client, printer: Printer, topic: str, group: str, limit: int, **query: Any) -> None:
    """List dead letters."""
    found = client.pages("dead", *_dead(topic, group), limit=limit, **query)
    printer.rows(COLUMNS, found, "there are no dead letters")


@dlq.command()
@topic_argument
@group_argument
@click.argument("codes", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them, or all that the options name.")
@which
@asking
def retry(client: Client, printer: Printer, topic: str, group: str, codes: tuple[str, ...], **more: Any) -> None:
    """Send dead letters again: these CODES, all that the options name, or --all."""
    count = _do(client, "send", (topic, group), codes, **more)
    printer.said(f"{count} are sent again", {"count": count})


@dlq.command()
@topic_argument
@group_argument
@click.argument("codes", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them, or all that the options name.")
@which
@sure
@asking
def purge(
    client: Client,
    printer: Printer,
    topic: str,
    group: str,
    codes: tuple[str, ...],
    yes: bool,  # noqa: FBT001 -- a flag of click's
    **more: Any,
) -> None:
    """Let the group be done with dead letters: these CODES, all that the options name, or --all."""
    named = f"{len(codes)} dead letters" if codes else "these dead letters"
    _check(codes, more)
    confirmed(f"Let group {group} of {topic} be done with {named}?", yes=yes)
    count = _do(client, "purge", (topic, group), codes, **more)
    printer.said(f"{count} are done with", {"count": count})


def _check(codes: tuple[str, ...], more: dict[str, Any]) -> dict[str, Any]:
    """Which, as the API takes it. Raises click.UsageError where that is not said, or said twice."""
    given = {name: more[name] for name in ("reason", "text", "before") if more[name] is not None}
    if codes and (given or more["everything"]):
        raise click.UsageError("give CODES, or options that say which, not both")
    if not (codes or given or more["everything"]):
        raise click.UsageError("give CODES, --reason, --text or --before, or --all")
    return given


def _do(client: Client, what: str, names: tuple[str, str], codes: tuple[str, ...], **more: Any) -> int:
    given = _check(codes, more)
    path = _dead(*names)
    if codes:
        for code in codes:
            if what == "send":
                client.post(*path, code, "send")
            else:
                client.delete(*path, code)
        return len(codes)
    count, cursor = 0, None
    while True:
        body: dict[str, Any] = {"filter": given, "limit": AT_ONCE}
        if cursor is not None:
            body["cursor"] = cursor
        answer = client.post(*path, what, body=body)
        count += int(answer["count"])
        cursor = answer["cursor"]
        if cursor is None:
            return count


def _dead(topic: str, group: str) -> tuple[str, ...]:
    return "topics", topic, "groups", group, "dead"
