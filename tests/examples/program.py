"""A program of examples/ that runs: what it says, and how it ends."""

import signal
import subprocess
import sys

from tests.integration.broker import PATIENCE, ROOT, environment, folder, until

EXAMPLES = ROOT / "examples"


class Program:
    """`python examples/NAME.py ARGUMENTS`, in a folder of its own. It ends with the test."""

    def __init__(self, case, name, *arguments):
        self._case = case
        place = folder(case)
        self._out, self._err = place / "out.txt", place / "err.txt"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, EXAMPLES / f"{name}.py", *arguments],
                cwd=place,
                env=environment({}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        case.addCleanup(self.process.wait, PATIENCE)
        case.addCleanup(self.process.kill)

    @property
    def said(self):
        """What it wrote so far."""
        return self._out.read_text("utf-8")

    def says(self, pattern):
        """Wait until it has written what matches. Gives the match."""

        def look():
            found = pattern.search(self.said)
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.poll()}: {self.said}{self._err.read_text('utf-8')}")
            return found

        return until(look, f"{pattern.pattern!r}")

    def ended(self, code=0):
        """Wait for its end, which must be in peace. Gives the lines that it wrote."""
        ended = self.process.wait(PATIENCE)
        self._case.assertEqual((ended, self._err.read_text("utf-8")), (code, ""), self.said)
        return self.said.splitlines()

    def complains(self):
        """Wait for an end that is none in peace. Gives the last line of its complaint."""
        self._case.assertEqual(self.process.wait(PATIENCE), 1)
        return self._err.read_text("utf-8").splitlines()[-1]

    def interrupt(self):
        """Press Control-C. Gives the lines that it wrote."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()
