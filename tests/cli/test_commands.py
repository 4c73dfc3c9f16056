"""What all commands share: how they end, how they are named, what they ask before they destroy."""

import subprocess
import sys

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.commands import Group, Program
from kapokmq.cli.exits import BROKEN, INTERRUPTED, NO, Refused
from kapokmq.cli.http import confirmed
from kapokmq.cli.main import main
from kapokmq.cli.settings_given import changed
from kapokmq.core.policy import TopicPolicy
from tests.integration.broker import ROOT


class EndTests(SynchronousTestCase):
    def ends(self, error):
        @click.group(cls=Program)
        def program():
            """A program."""

        @program.command()
        def fail():
            """Fail."""
            raise error

        result = CliRunner().invoke(program, ["fail"])
        return result.exit_code, result.stderr

    def test_exit_codes(self):
        self.assertEqual(self.ends(KeyboardInterrupt())[0], INTERRUPTED)
        self.assertEqual(self.ends(Refused("notFound", "there is none")), (NO, "Error: notFound: there is none\n"))
        code, said = self.ends(ValueError("oops"))
        self.assertEqual(code, BROKEN)
        self.assertIn("Traceback", said)

    def test_other_names(self):
        @click.group(cls=Group)
        def things():
            """Things."""

        @things.command("list")
        def list_things():
            """List."""
            click.echo("listed")

        self.assertEqual(CliRunner().invoke(things, ["ls"]).stdout, "listed\n")
        self.assertEqual(CliRunner().invoke(things, ["rm"]).exit_code, 2)

    def test_every_command_helps(self):
        for name in main.list_commands(click.Context(main)):
            result = CliRunner().invoke(main, [name, "-h"])
            self.assertEqual(result.exit_code, 0)
            self.assertIn("Usage: ", result.stdout)

    def test_commands_are_imported_when_they_are_wanted(self):
        program = "import sys; from kapokmq.cli.main import main; main(['topics', '-h'], standalone_mode=False); "
        program += "sys.exit(', '.join({'kapokmq.cli.pub', 'asyncio', 'apsw'} & sys.modules.keys()))"
        run = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )
        self.assertEqual(run.stderr.strip(), "")
        self.assertIn("topics", run.stdout)

    def test_where_nobody_can_be_asked(self):
        with self.assertRaisesRegex(click.UsageError, "--yes"):
            confirmed("Delete it?", yes=False)
        confirmed("Delete it?", yes=True)


class SettingsTests(SynchronousTestCase):
    def test_policies_are_changed_field_by_field(self):
        old = {"maxAge": 5.0, "overflow": "reject"}
        new = changed(TopicPolicy, old, ["maxAge=1h", "overflow=", "paused=true", "retention=log"])
        self.assertEqual(new, {"maxAge": 3600.0, "paused": True, "retention": "log"})
        self.assertEqual(old, {"maxAge": 5.0, "overflow": "reject"})

    def test_what_is_wrong_is_named(self):
        for pair, says in (
            ("x=1", "x=1"),
            ("maxAge", "NAME=VALUE"),
            ("maxAge=soon", "duration"),
            ("overflow=x", "overflow"),
        ):
            with self.assertRaisesRegex(click.UsageError, says):
                changed(TopicPolicy, {}, [pair])
