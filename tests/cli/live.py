"""A broker in a process of its own, and commands run against it: in this process, or in one of their own."""

import json
import os
import subprocess
import sys

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.main import main
from tests.integration.broker import ROOT, start

PROGRAM = [sys.executable, "-c", "from kapokmq.cli.main import main; main()"]
NO_PROFILES = {"KAPOK_PROFILES": "/nowhere/profiles.yaml"}


class Live(SynchronousTestCase):
    """Each test has a broker, and runs commands against it, in this process or in one of their own."""

    settings = {}  # noqa: RUF012 -- never changed

    def setUp(self):
        self.broker = start(self, **self.settings)
        self.place = self.broker.folder

    @property
    def environ(self):
        return NO_PROFILES | {"KAPOK_SERVER": f"http://127.0.0.1:{self.broker.port}"}

    def run_it(self, *arguments, given=None, ends=0, **environ):
        """Run a command; gives its result."""
        result = CliRunner().invoke(main, [str(one) for one in arguments], input=given, env=self.environ | environ)
        self.assertEqual(result.exit_code, ends, (arguments, result.output, result.exception))
        return result

    def rows(self, *arguments, **more):
        """Run a command; gives the lines of JSON that it printed."""
        return [json.loads(line) for line in self.run_it(*arguments, **more).stdout.splitlines()]

    def begin(self, *arguments, **more):
        """Begin a command in a process of its own."""
        environ = os.environ | self.environ | {"PYTHONPATH": str(ROOT)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([*PROGRAM, *arguments], env=environ, cwd=self.place, **pipes | more)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(lambda: [pipe.close() for pipe in (process.stdin, process.stdout, process.stderr) if pipe])
        return process

    def group(self, topic="t", group="g"):
        return self.rows("groups", "show", topic, group)[0]
