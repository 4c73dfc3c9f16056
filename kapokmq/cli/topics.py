"""`kapokmq topics`: what topics there are, what they go by, and what is in them."""

from typing import Any

import click

from kapokmq.cli.commands import Group, asking, limited, sure, topic_argument
from kapokmq.cli.http import Client, confirmed
from kapokmq.cli.output import Column, Printer
from kapokmq.cli.settings_given import changed
from kapokmq.cli.times import shown_bytes
from kapokmq.core.policy import TopicPolicy


def _count(head: str, name: str) -> Column:
    return Column(head, lambda row: row["counts"][name], right=True)


COLUMNS = (
    Column("TOPIC", lambda row: row["name"]),
    _count("WAITING", "waiting"),
    _count("IN FLIGHT", "inFlight"),
    _count("DELAYED", "delayed"),
    _count("DEAD", "dead"),
    _count("CONSUMED", "consumed"),
    Column("SIZE", lambda row: shown_bytes(row["counts"]["bytes"]), right=True),
    Column("GROUPS", lambda row: len(row["groups"]), right=True),
    Column("STATE", lambda row: "paused" if row["policy"].get("paused") else "ready"),
)


@click.group(cls=Group)
def topics() -> None:
    """Look at topics, make, change, pause, empty and delete them."""


@topics.command("list")
@limited
@asking
def list_topics(client: Client, printer: Printer, limit: int) -> None:
    """List topics by name, with their counts."""
    printer.rows(COLUMNS, client.pages("topics", "topics", limit=limit), "there are no topics")


@topics.command()
@topic_argument
@asking
def show(client: Client, printer: Printer, topic: str) -> None:
    """Show a topic: its counts, its policy, what it goes by, its groups."""
    printer.one(client.get("topics", topic))


@topics.command()
@topic_argument
@click.argument("policy", nargs=-1)
@asking
def create(client: Client, printer: Printer, topic: str, policy: tuple[str, ...]) -> None:
    """Make a topic, with a POLICY such as maxAge=7d maxMessages=1000000 overflow=dropOldest."""
    body = {"name": topic, "policy": changed(TopicPolicy, {}, policy)}
    printer.said(f"topic {topic} is made", client.post("topics", body=body))


@topics.command("set")
@topic_argument
@click.argument("policy", nargs=-1, required=True)
@asking
def set_policy(client: Client, printer: Printer, topic: str, policy: tuple[str, ...]) -> None:
    """Change parts of a topic's POLICY: maxAge=7d; overflow= takes it away."""
    new = changed(TopicPolicy, client.get("topics", topic)["policy"], policy)
    answer = client.put("topics", topic, body=new)
    printer.said(f"topic {topic} goes by {_pairs(new) or 'the settings'}", answer)


@topics.command()
@topic_argument
@asking
def pause(client: Client, printer: Printer, topic: str) -> None:
    """Let a topic take no publishes. What is there is still delivered."""
    printer.said(f"topic {topic} takes no messages", client.post("topics", topic, "pause"))


@topics.command()
@topic_argument
@asking
def resume(client: Client, printer: Printer, topic: str) -> None:
    """Let a topic take publishes again."""
    printer.said(f"topic {topic} takes messages", client.post("topics", topic, "resume"))


@topics.command()
@topic_argument
@sure
@asking
def purge(client: Client, printer: Printer, topic: str, yes: bool) -> None:  # noqa: FBT001 -- a flag of click's
    """Delete all messages of a topic, also those that are leased or delayed."""
    confirmed(f"Delete all messages of topic {topic}?", yes=yes)
    answer = client.post("topics", topic, "purge")
    printer.said(f"topic {topic} is empty" + _how_many(answer), answer)


@topics.command()
@topic_argument
@sure
@asking
def delete(client: Client, printer: Printer, topic: str, yes: bool) -> None:  # noqa: FBT001 -- a flag of click's
    """Delete a topic with all that it has, and dismiss its consumers."""
    confirmed(f"Delete topic {topic}, its groups and all its messages?", yes=yes)
    answer = client.delete("topics", topic)
    printer.said(f"topic {topic} is gone" + _how_many(answer), answer)


def _how_many(answer: dict[str, Any]) -> str:
    return f": {answer['count']} messages" if "count" in answer else ""


def _pairs(policy: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in policy.items())
