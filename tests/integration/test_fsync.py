"""Each `ok` leaves after an fdatasync that follows its commit's write; a mutant shows that this test would notice."""

import os
import shutil
import sys

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.integration.broker import BrokerProcess, folder, tell
from tests.integration.trace import command, read, unsynced, violations
from tests.integration.wire import Producer, message

ONE_BY_ONE, TOGETHER = 40, 600
MUTANT = (sys.executable, "-m", "tests.integration.mutant")


class SyncTests(SynchronousTestCase):
    def setUp(self):
        if shutil.which("strace") is None:
            if os.environ.get("CI"):
                self.fail("in CI there must be strace")
            raise SkipTest("wants strace")

    def traced(self, program=None):
        """Publish under strace. Gives the calls of each phase, and the bodies whose `ok`s came in it."""
        place = folder(self)
        log = place / "trace.txt"
        broker = BrokerProcess(self, place, command=command(log), program=program).started()
        producer = Producer(self, broker.port)
        single = [f"needle-{number:06}-s" for number in range(ONE_BY_ONE)]
        for body in single:
            producer.publish(body)
        producer.close()
        half = len(read(log.read_text(errors="replace")))
        many = [f"needle-{number:06}-m" for number in range(TOGETHER)]
        producer = Producer(self, broker.port)
        producer.send(b"".join(message(body) for body in many[: TOGETHER // 2]))
        producer.send(b"".join(message(body) for body in many[TOGETHER // 2 :]))
        producer.oks(TOGETHER)
        broker.kill()
        calls = read(log.read_text(errors="replace"))
        return calls[:half], calls, single, single + many

    def test_each_ok_follows_the_sync_of_its_commit(self):
        first, all_, single, bodies = self.traced()
        self.assertEqual(violations(all_, bodies), [])
        self.assertEqual(violations(first, single), [])
        self.assertEqual(unsynced(first), [])
        syncs = sum(call.to_log and call.name in {"fdatasync", "fsync"} for call in all_)
        self.assertGreaterEqual(syncs, ONE_BY_ONE)
        tell(f"{len(bodies)} oks, {syncs} syncs of the log")

    def test_a_mutant_that_does_not_sync_is_found_out(self):
        first, all_, single, bodies = self.traced(MUTANT)
        wrong = violations(all_, bodies)
        self.assertGreater(len(wrong), ONE_BY_ONE // 2)
        self.assertIn("no sync between", wrong[0])
        self.assertNotEqual(unsynced(first), [])
        self.assertNotEqual(violations(first, single), [])
