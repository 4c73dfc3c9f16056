"""What people see: commands on a terminal."""

import fcntl
import os
import pty
import re
import signal
import struct
import termios

from tests.cli.live import Live
from tests.integration.broker import start, until

_ESCAPES = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command whose output, and error output, is a terminal of 100 by 12."""

    def __init__(self, case, *arguments):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 100, 0, 0))
        case.addCleanup(os.close, ours)
        self._ours = ours
        os.set_blocking(ours, False)
        self.process = case.begin(*arguments, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.raw = ""

    def seen(self):
        """All that was written so far, without escapes."""
        try:
            while more := os.read(self._ours, 1 << 16):
                self.raw += more.decode()
        except OSError:  # nothing more now, or the other side is closed
            pass
        return _ESCAPES.sub("", self.raw).replace("\r\n", "\n")

    def ended(self):
        """The exit code, once it has ended."""
        until(lambda: (self.seen(), self.process.poll() is not None)[1], "end")
        self.seen()
        return self.process.returncode


class TerminalTests(Live):
    def test_publishing(self):
        quick = Terminal(self, "pub", "t", "one", "two")
        self.assertEqual(quick.ended(), 0)
        self.assertEqual(quick.seen(), "2 stored (fsync)\n")
        slow = Terminal(self, "pub", "t", "x", "--repeat", "220", "--rate", "100")
        until(lambda: re.search(r"publishing .*\d%  00:00:0\d", slow.seen()), "a bar")
        self.broker.kill()
        until(
            lambda: re.search(r"\rws://127\S+: the connection was cut; trying again in \d\.\d s\n", slow.seen()), "word"
        )
        self.broker = start(self, self.place, SERVER_PORT=self.broker.port)
        self.assertEqual(slow.ended(), 0)
        self.assertIn("connected again\n", slow.seen())
        self.assertIn("100%", slow.seen())
        self.assertRegex(slow.seen(), r"\n220 stored \(fsync\) in \d+s, \d+ a second\n$")

    def test_following(self):
        self.run_it("topics", "create", "t")
        follower = Terminal(self, "tail", "t")
        until(lambda: self.rows("clients", "ls", "--consumers"), "consumer")
        self.run_it("pub", "t", "plain")
        self.run_it("pub", "t", "od\x07d", "--with-key", "k", "-H", "a:b")
        until(lambda: follower.seen().count("\n") == 2, "messages")
        when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
        self.assertRegex(follower.seen(), rf'^{when} t  plain\n{when} t key=k {{"a": "b"}}  od\\u0007d\n$')
        self.assertIn("\x1b[36m", follower.raw)
        follower.process.send_signal(signal.SIGINT)
        self.assertEqual(follower.ended(), 130)
        self.assertNotIn("Traceback", follower.seen())

    def test_watching(self):
        watched = Terminal(self, "top")
        until(lambda: "TOPIC" in watched.seen(), "table")
        for number in range(20):
            self.run_it("topics", "create", f"topic.{number:02}")
        self.run_it("pub", "topic.03", "x")
        until(lambda: re.search(r"topic\.03 +1 ", watched.seen()), "topics that came later")
        screen = watched.raw.rpartition("\x1b[H")[2]
        self.assertLess(screen.count("\n"), 12)
        watched.process.send_signal(signal.SIGINT)
        self.assertEqual(watched.ended(), 130)
        self.assertTrue(watched.raw.count("\x1b[?7l") == watched.raw.count("\x1b[?7h") > 0)
