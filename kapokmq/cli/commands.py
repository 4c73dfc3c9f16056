"""What commands share: how they are grouped, what hands them a client, arguments that a broker can complete."""

import traceback
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

import click

from kapokmq.cli.exits import BROKEN, INTERRUPTED
from kapokmq.cli.http import Client
from kapokmq.cli.output import Printer, printing
from kapokmq.cli.shared import beforehand, check
from kapokmq.cli.target import Target, connected

F = TypeVar("F", bound=Callable[..., Any])
_OTHER_NAMES = {"ls": "list", "rm": "delete", "info": "show"}
COMPLETING = 2.0  # seconds that the completion of a word may take


class Group(click.Group):
    """Commands under a name; `ls`, `rm` and `info` do as well for `list`, `delete` and `show`.

    What names a broker, and how to print, may be said before them.
    """

    told = False  # whether its help lists these options

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.params += beforehand(hidden=not self.told)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, which must take what was said before it."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not isinstance(command, click.Group) and not ctx.resilient_parsing:
            check(ctx, name or "", command)
        return name, command, rest

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by either name."""
        found = super().get_command(ctx, cmd_name)
        return found or super().get_command(ctx, _OTHER_NAMES.get(cmd_name, ""))


class Program(Group):
    """The whole of `kapokmq`: control-C, and a bug, end it with exit codes of their own.

    `later` has commands that are imported when they are wanted, so that a shell which completes a word does not wait
    for all of them: each with its module of this package, and the name that it has there, if that is another.
    """

    told = True

    def __init__(self, *args: Any, later: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self._later = later or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command."""
        if cmd_name in self._later and cmd_name not in self.commands:
            module, _, name = self._later[cmd_name].partition(":")
            self.add_command(getattr(import_module(f"kapokmq.cli.{module}"), name or module), cmd_name)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run what was asked."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(INTERRUPTED)
        except Exception:  # noqa: BLE001 -- a bug has a traceback, and an exit code of its own
            traceback.print_exc()
            ctx.exit(BROKEN)


def asking(command: F) -> F:
    """Hand a command a Client and a Printer, and give it their options."""

    @printing
    @connected
    @wraps(command)
    def given(target: Target, printer: Printer, *args: Any, **more: Any) -> Any:
        with Client(target) as client:
            return command(client, printer, *args, **more)

    return given  # type: ignore[return-value]  # wraps() keeps all but the type


def limited(command: F) -> F:
    """Give a command that lists the option --limit."""
    return click.option(
        "-n", "--limit", type=click.IntRange(1, 1_000_000), default=100, show_default=True, help="At most so many."
    )(command)


def sure(command: F) -> F:
    """Give a command that destroys something the option --yes."""
    return click.option("-y", "--yes", is_flag=True, help="Don't ask; needed where nobody can be asked.")(command)


def complete_topic(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Names of topics that begin so, for shells."""
    return _names(ctx, incomplete, lambda client: [row["name"] for row in client.pages("topics", "topics", limit=1000)])


def complete_group(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Names of the groups of the topic that stands before, for shells."""
    topic = ctx.params.get("topic")
    if not topic:
        return []
    return _names(
        ctx,
        incomplete,
        lambda client: [row["name"] for row in client.pages("groups", "topics", topic, "groups", limit=1000)],
    )


def _names(ctx: click.Context, incomplete: str, ask: Callable[[Client], list[str]]) -> list[str]:
    """What a broker says there is; nothing at all where it says nothing. Raises nothing: a shell waits for it."""

    def asking_it(target: Target) -> list[str]:
        with Client(target) as client:
            return ask(client)

    asked: Callable[..., list[str]] = connected(asking_it)

    given: dict[str, Any] = {name: ctx.params.get(name) for name in ("server", "key", "ca", "profile")}
    try:
        found = asked(**given, timeout=COMPLETING)
    except (click.ClickException, OSError):
        return []
    return [name for name in found if name.startswith(incomplete)]


def topic_argument(command: F) -> F:
    """Give a command the argument TOPIC."""
    return click.argument("topic", shell_complete=complete_topic)(command)


def group_argument(command: F) -> F:
    """Give a command the argument GROUP, after TOPIC."""
    return click.argument("group", shell_complete=complete_group)(command)
