"""Options that most commands have, and that may stand before the command as well: `kapokmq --server URL topics list`.

What is said twice counts where it stands last. What is said before counts before the environment, as every option does.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

Declared = tuple[tuple[str, ...], dict[str, Any]]  # names, and what click is told of them

BROKER: Sequence[Declared] = (
    (("-s", "--server"), {"envvar": "KAPOK_SERVER", "metavar": "URL", "help": "The broker. [http://127.0.0.1:8011]"}),
    (("-k", "--key"), {"envvar": "KAPOK_KEY", "metavar": "KEY", "help": "Its key; others see it in ps."}),
    (("--ca",), {"envvar": "KAPOK_CA", "metavar": "FILE", "help": "PEM file of a private CA, for https and wss."}),
    (
        ("--timeout",),
        {
            "envvar": "KAPOK_TIMEOUT",
            "type": click.FloatRange(min=0, min_open=True, max=86_400),
            "metavar": "SECONDS",
            "help": "How long to wait for the broker. [30]",
        },
    ),
    (("-p", "--profile"), {"envvar": "KAPOK_PROFILE", "metavar": "NAME", "help": "A profile of the profile file."}),
)
OUTPUT: Sequence[Declared] = (
    (
        ("-o", "--output"),
        {"type": click.Choice(["table", "json"]), "help": "How to print. [table on a terminal, else json]"},
    ),
)
_SAID = "kapokmq.cli.said"  # in a context's `meta`, which it has in common with those above and below it


class _Shared(click.Option):
    """Such an option of a command that does something."""

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """What was said behind the command, else before it, else in the environment."""
        value, source = super().consume_value(ctx, opts)
        said = ctx.meta.get(_SAID, {})
        if source is not ParameterSource.COMMANDLINE and self.name in said:
            return said[self.name], ParameterSource.COMMANDLINE
        return value, source


def shared(options: Sequence[Declared]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command these options."""

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for names, told in reversed(options):
            command = click.option(*names, cls=_Shared, **told)(command)
        return command

    return give


def beforehand(*, hidden: bool) -> list[click.Parameter]:
    """All of them, for a group: they are kept for the command that follows."""
    return [
        click.Option(names, **{**told, "envvar": None}, hidden=hidden, expose_value=False, callback=_keep)
        for names, told in (*OUTPUT, *BROKER)
    ]


def check(ctx: click.Context, name: str, command: click.Command) -> None:
    """Refuse what was said before a command that has no such option. Raises click.UsageError."""
    known = {one.name for one in command.params if isinstance(one, _Shared)}
    for said in sorted(ctx.meta.get(_SAID, {}).keys() - known):
        raise click.UsageError(f"`{ctx.command_path} {name}` takes no --{said}", ctx)


def _keep(ctx: click.Context, option: click.Parameter, value: object) -> None:
    if value is not None:
        ctx.meta.setdefault(_SAID, {})[option.name] = value
