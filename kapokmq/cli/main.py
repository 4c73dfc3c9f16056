"""`kapokmq`, the command, and what stands under it. Each subcommand has its own module; this one only lists them."""

import click

import kapokmq
from kapokmq.cli.commands import Program

COMMANDS = {
    "bench": "bench",
    "clients": "clients",
    "completion": "completion",
    "config": "config",
    "dlq": "dlq",
    "groups": "groups",
    "import": "importing:import_files",
    "messages": "messages",
    "nodes": "nodes",
    "pub": "pub",
    "schedule": "schedule",
    "store": "store",
    "sub": "sub",
    "tail": "sub:tail",
    "top": "top",
    "topics": "topics",
}


@click.group("kapokmq", cls=Program, later=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(kapokmq.__version__, prog_name="kapokmq")
def main() -> None:
    """KapokMQ, a message queue. The broker itself is started with `twistd -n kapokmq`.

    Brokers are named with --server and --key, in the environment with KAPOK_SERVER and KAPOK_KEY, or in a profile file.
    These options may stand before a command or behind it.
    """
