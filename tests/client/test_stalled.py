"""While a broker stalls, callers wait and memory does not grow, however much they would like to publish."""

import json
import signal
import subprocess
import sys
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.client.stalling import BOUNDS
from tests.integration.broker import ROOT, environment, start, until

MIB = 1 << 20
GROWTH = BOUNDS.size + 32 * MIB  # what callers hold who wait, what is being written, what an allocator keeps
STILL = 0.5  # seconds in which nothing more is taken


class StalledTests(SynchronousTestCase):
    def ask(self, line="look"):
        """Tell the process that publishes something; gives how it fares."""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.heard()

    def heard(self):
        line = self.process.stdout.readline()
        self.assertTrue(line, "the publisher has died")
        return json.loads(line)

    def begin(self, face, port):
        command = [sys.executable, "-m", "tests.client.stalling", face, str(port)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment({}), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.process.stdin.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        return self.heard()["rss"]

    def still(self, rss):
        """Whether nothing more is taken. Fails as soon as it has grown too much."""
        before = self.ask()
        time.sleep(STILL)
        after = self.ask()
        for look in (before, after):
            self.assertLess(look["rss"] - rss, GROWTH, look)
            self.assertLessEqual(look["pending"], BOUNDS.messages)
        return after if after["taken"] == before["taken"] else None

    def check(self, face):
        broker = start(self)
        rss = self.begin(face, broker.port)
        until(lambda: self.ask()["taken"] > 8_000, "load")
        broker.process.send_signal(signal.SIGSTOP)
        self.addCleanup(broker.process.send_signal, signal.SIGCONT)
        waiting = until(lambda: self.still(rss), "back-pressure")
        self.assertGreater(waiting["pending"], 0)
        broker.process.send_signal(signal.SIGCONT)
        until(lambda: self.ask()["taken"] > waiting["taken"], "end of it")
        self.ask("enough")
        ended = self.ask("end")
        self.assertEqual((ended["confirmed"], ended["pending"]), (ended["taken"], 0))
        self.assertEqual(broker.api.counts()["all"], ended["taken"])

    def test_blocking(self):
        self.check("blocking")

    def test_asyncio(self):
        self.check("aio")

    def test_twisted(self):
        self.check("tx")
