"""Options that may stand before a command: which of those that are given counts, and who refuses them."""

import click
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.commands import Group, Program
from kapokmq.cli.main import main
from kapokmq.cli.output import printing
from kapokmq.cli.shared import BROKER, OUTPUT
from kapokmq.cli.target import connected
from tests.cli.test_docs_cli import leaves


@click.group("kapokmq", cls=Program)
def program():
    """A program."""


@program.group(cls=Group)
def things():
    """Things."""


@things.command()
@printing
@connected
def told(target, printer):
    """Print what a command is given."""
    click.echo(f"{target.url} {target.key} {target.ca} {target.timeout:g} {printer.table}")


@things.command()
@printing
def alone(printer):
    """Print how to print."""
    click.echo(printer.table)


def completed(context, _, incomplete):
    """What a completion is given."""
    return [context.params["server"]]


@things.command()
@click.argument("name", shell_complete=completed)
@connected
def find(target, name):
    """Find a thing."""


class BeforehandTests(SynchronousTestCase):
    def run_it(self, line, **environ):
        return CliRunner().invoke(program, line.split(), env={"KAPOK_PROFILES": "/nowhere"} | environ)

    def said(self, line, **environ):
        result = self.run_it(line, **environ)
        self.assertEqual(result.exit_code, 0, result.output)
        return result.stdout.strip()

    def test_they_stand_anywhere(self):
        given = "-s http://a:1 --key k --ca f --timeout 2.5 -o table"
        for line in (f"{given} things told", f"things {given} told", f"things told {given}"):
            self.assertEqual(self.said(line), "http://a:1 k f 2.5 True")
        self.assertEqual(self.said("-o table things alone"), "True")

    def test_the_last_counts_and_all_of_them_before_the_environment(self):
        environ = {"KAPOK_SERVER": "http://e:1", "KAPOK_KEY": "e"}
        for line, server in (
            ("things told", "e"),
            ("-s http://a:1 things told", "a"),
            ("-s http://a:1 things -s http://b:1 told", "b"),
            ("-s http://a:1 things -s http://b:1 told -s http://c:1", "c"),
        ):
            self.assertEqual(self.said(line, **environ).split()[:2], [f"http://{server}:1", "e"])

    def test_the_profile_as_well(self):
        result = self.run_it("-p live things told")
        self.assertEqual(result.exit_code, 2)
        self.assertIn("no profile 'live'", result.stderr)

    def test_a_command_that_has_no_such_option_refuses_it(self):
        for line in ("-s http://a:1 things alone", "things -s http://a:1 alone"):
            result = self.run_it(line)
            self.assertEqual(result.exit_code, 2)
            self.assertIn("`kapokmq things alone` takes no --server", result.stderr)
        self.assertEqual(self.said("things alone", KAPOK_SERVER="http://e:1"), "False")

    def test_what_is_wrong_is_refused(self):
        for given in ("--timeout 0", "-o xml", "-s http://a:x"):
            self.assertEqual(self.run_it(f"{given} things told").exit_code, 2)

    def test_a_word_is_completed_of_the_broker_that_was_named_before(self):
        shell = ShellComplete(program, {}, "kapokmq", "_X")
        found = shell.get_completions(["-s", "http://a:1", "things", "find"], "")
        self.assertEqual([one.value for one in found], ["http://a:1"])


class ProgramTests(SynchronousTestCase):
    def test_every_group_takes_them_and_the_help_of_the_program_lists_them(self):
        names = {names for names, _ in (*BROKER, *OUTPUT)}
        groups = [main, *(main.get_command(click.Context(main), name) for name in main.list_commands(None))]
        for group in groups:
            if isinstance(group, click.Group):
                self.assertLessEqual(names, {tuple(one.opts) for one in group.params}, group.name)
        shown = CliRunner().invoke(main, ["-h"]).stdout
        for one in names:
            self.assertIn(one[-1], shown)

    def test_every_command_takes_all_those_of_a_broker_or_none(self):
        names = {names for names, _ in BROKER}
        for path, command in leaves(main):
            self.assertIn(len(names & {tuple(one.opts) for one in command.params}), {0, len(names)}, path)

    def test_a_configuration_is_of_no_broker(self):
        result = CliRunner().invoke(main, ["-s", "http://a:1", "config", "check", "f"])
        self.assertEqual(result.exit_code, 2)
        self.assertIn("`kapokmq config check` takes no --server", result.stderr)
