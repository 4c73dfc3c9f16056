"""Scripts that end and have closed nothing."""

import subprocess
import sys

from tests.client.threads import ThreadsCase
from tests.integration.broker import PATIENCE, ROOT, environment

ACKS = """
import sys
from kapokmq.client import connect
mq = connect(sys.argv[1], key="test", linger=float(sys.argv[2]), first_wait=2, longest_wait=2)
subscription = mq.subscribe("t", group="g", start="all")
messages = [subscription.get(30) for _ in range(3)]
print("ready", flush=True)
sys.stdin.readline()
for message in messages:
    message.ack()
"""
HANDLES = """
import sys, time
from kapokmq.client import connect
mq = connect(sys.argv[1], key="test", linger=float(sys.argv[2]))
seen = []
@mq.handler("t", group="g", start="all")
def handler(message):
    seen.append(message)
    time.sleep(0.2)
while not seen:
    time.sleep(0.01)
print("ready", flush=True)
"""
FORKS = """
import os, sys
from kapokmq.client import Closed, connect
mq = connect(sys.argv[1], key="test", linger=60)
child = os.fork()
try:
    mq.publish("t", "from the parent" if child else "from the child")
except Closed:
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


class ExitTests(ThreadsCase):
    def script(self, text, linger=PATIENCE):
        process = subprocess.Popen(
            [sys.executable, "-c", text, self.url, str(linger)],
            cwd=ROOT,
            env=environment({}),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_what_was_acknowledged_is_told(self):
        self.node.publish_many("t", ["a", "b", "c", "d"])
        process = self.script(ACKS)
        self.assertEqual(process.stdout.readline(), "ready\n")
        _, said = process.communicate("go\n", PATIENCE)
        self.assertEqual((process.returncode, said), (0, ""))
        self.assertEqual(len(self.node.acknowledged("t")), 3)

    def test_what_was_acknowledged_is_told_over_another_connection(self):
        self.node.publish_many("t", ["a", "b", "c"])
        self.url = self.url.replace("127.0.0.1", "localhost")  # a name, which can't be looked up any more at the end
        process = self.script(ACKS)
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.assertEqual(self.node.drop_connections(), 1)
        _, said = process.communicate("go\n", PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertNotIn("Traceback", said)
        self.assertEqual(len(self.node.acknowledged("t")), 3)

    def test_it_waits_so_long_and_says_what_was_not_told(self):
        self.node.publish_many("t", ["a", "b", "c"])
        process = self.script(ACKS, 0.3)
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.node.close()
        _, said = process.communicate("go\n", PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertIn("the program ends with acks or nacks unanswered", said)
        self.assertNotIn("Traceback", said)

    def test_handlers_finish_what_they_have(self):
        self.node.publish_many("t", [str(number) for number in range(100)])
        process = self.script(HANDLES)
        _, said = process.communicate(None, PATIENCE)
        self.assertEqual((process.returncode, said), (0, ""))
        done = len(self.node.acknowledged("t"))
        self.assertTrue(1 <= done < 100, done)

    def test_a_fork_has_no_client(self):
        process = self.script(FORKS)
        out, said = process.communicate(None, PATIENCE)
        self.assertEqual((out, said), ("7\n", ""))
        self.assertEqual([one.data for one in self.node.messages("t")], ["from the parent"])
