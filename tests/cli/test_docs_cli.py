"""docs/cli.md has every command with its arguments, every option, every exit code and every variable."""

import re

import click
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.exits import MEANINGS
from kapokmq.cli.main import main
from kapokmq.cli.target import VARIABLES
from tests.integration.broker import ROOT

TEXT = (ROOT / "docs" / "cli.md").read_text("utf-8")
SHARED = {"server", "key", "ca", "timeout", "profile", "output", "limit", "yes", "help", "version"}


def leaves(command, path=()):
    """Every command that does something, with the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from leaves(command.get_command(context, name), (*path, name))


def arguments(command):
    """What stands behind a command's name."""
    context = click.Context(command)
    return [one.make_metavar(context) for one in command.params if isinstance(one, click.Argument)]


def call(path, command):
    """How a command is called, as the document has it."""
    return " ".join(("kapokmq", *path, *arguments(command)))


def sentence(text):
    """A help text in one line of a table."""
    return re.sub(r"\s+", " ", text or "").strip().replace("|", "\\|")


def section(heading):
    """What stands under a heading of the second level."""
    return re.split(r"^## ", re.split(rf"^## {re.escape(heading)}$", TEXT, flags=re.MULTILINE)[1], flags=re.MULTILINE)[
        0
    ]


def option_row(option):
    """An option's row."""
    names = ", ".join(f"`{name}`" for name in sorted([*option.opts, *option.secondary_opts], key=len))
    return f"| {names} | {sentence(option.help)} |"


class DocumentTests(SynchronousTestCase):
    def test_every_command_is_there_as_it_is_called(self):
        for path, command in leaves(main):
            row = f"| `{call(path, command)}` | {sentence(command.help)} |"
            self.assertIn(row, section(f"kapokmq {path[0]}"))

    def test_no_other_command_is(self):
        known = {call(path, command) for path, command in leaves(main)}
        named = re.findall(r"^\| `(kapokmq [^`]*)` \|", TEXT, re.MULTILINE)
        self.assertEqual(set(named) - known, set())
        self.assertEqual(len(named), len(known))

    def test_every_option_is_there(self):
        for path, command in leaves(main):
            for option in command.params:
                if isinstance(option, click.Option):
                    where = "Options that most have" if option.name in SHARED else f"kapokmq {path[0]}"
                    self.assertIn(option_row(option), section(where), (path, option.name))
                    self.assertTrue(option.help, (path, option.name))

    def test_the_exit_codes(self):
        rows = re.findall(r"^\| (\d+) \| (.*) \|$", section("Exit codes"), re.MULTILINE)
        self.assertEqual({int(code): meaning for code, meaning in rows}, MEANINGS)

    def test_the_variables(self):
        named = re.findall(r"^\| `(KAPOK_\w+)` \|", section("Which broker"), re.MULTILINE)
        self.assertEqual(set(named), set(VARIABLES))
