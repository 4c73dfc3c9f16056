"""`kapokmq config`: whether a configuration is right, before a node is started with it."""

import os
import sys
from collections.abc import Iterator

import click

from kapokmq.cli.commands import Group
from kapokmq.core.settings import NodeSettings
from kapokmq.services.config import load
from serena.core.errors import SettingsError

WRONG = 2  # the exit code
_DURABILITY = {
    0: "stores nothing",
    1: "stores every {interval:g} s in {path}",
    2: "stores in {path} before it confirms",
}


@click.group(cls=Group)
def config() -> None:
    """Look at configuration files."""


@config.command()
@click.argument("file")
def check(file: str) -> None:
    """Say whether FILE, with the KAPOKMQ_ variables of this environment, is right.

    Exits with 0 and a summary, or with 2 and every mistake, a line each, on standard error.
    """
    try:
        settings = load(file, os.environ)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG)
    for line in summary(settings):
        click.echo(line)


def summary(settings: NodeSettings) -> Iterator[str]:
    """What a node would do, in a few lines, then the warnings. Nothing in it is secret."""
    server, delivery, store, retention = settings.server, settings.delivery, settings.store, settings.retention
    yield f"{settings.source}: ok"
    yield f"  listens on {server.bind}, port {server.port}{', with TLS' if server.certificate else ''}"
    yield f"  gives a message to {'every consumer' if delivery.broadcast else 'one of the consumers'} of its topic"
    if delivery.throttled:
        yield f"  deals no more than {delivery.push_count} messages in {delivery.push_interval:g} s"
    yield f"  {_DURABILITY[store.durability].format(interval=store.interval, path=store.path)}"
    if retention.clean_seconds is not None:
        yield f"  deletes messages after {retention.clean_seconds:g} s"
    if settings.topics:
        yield f"  policies of topics, by name or pattern: {len(settings.topics)}"
    for warning in settings.warnings:
        yield f"warning: {warning}"
