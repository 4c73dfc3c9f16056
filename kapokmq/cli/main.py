"""`kapokmq`, the command, and what stands under it. Each subcommand has its own module; this one only lists them."""

import click

import kapokmq
from kapokmq.cli.config import config


@click.group("kapokmq", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(kapokmq.__version__, prog_name="kapokmq")
def main() -> None:
    """KapokMQ, a message queue. The broker itself is started with `twistd -n kapokmq`."""


main.add_command(config)
