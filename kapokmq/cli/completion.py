"""`kapokmq completion`: what a shell must be told, so that it completes commands, options and names of topics."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_KAPOKMQ_COMPLETE"


@click.command()
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what a SHELL (bash, zsh or fish) must be told, to be sourced."""
    program = click.get_current_context().find_root().command
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"{shell}: can't be completed here")
    click.echo(found(program, {}, "kapokmq", VARIABLE).source())
