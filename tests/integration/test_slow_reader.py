"""A v2 consumer that does not read: credit is the only buffer, so memory stays, and others work on."""

import json
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import start, tell
from tests.integration.wire import frame
from tests.integration.wire_v2 import BATCH, V2, op

MIB = 1 << 20
BUDGET = 16 * MIB
TOTAL = 1_000_000
CREDIT = 100_000  # the most that may be asked for
WINDOW = 4  # publishes under way
ALLOWED = 64 * MIB
SUBSCRIPTIONS = 300  # of one connection


class SlowReaderTests(SynchronousTestCase):
    def setUp(self):
        self.broker = start(self, MQ_MEMORYBUDGET=BUDGET)
        self.slow = V2(self, self.broker.port, read_buffer=4096)
        self.brisk = V2(self, self.broker.port)
        self.sub = self.brisk.subscribe("brisk", "workers")
        self.before, self.peak, self.slowest = self.broker.rss(), 0, 0.0

    def look(self):
        """Publish and consume elsewhere, and see how much memory is in use."""
        began = time.monotonic()
        self.brisk.publish("brisk", "hello")
        self.assertEqual(self.brisk.bodies(self.sub, 1, 5), ["hello"])
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.peak = max(self.peak, self.broker.rss())

    def fill(self, topic):
        """A million messages."""
        producer = V2(self, self.broker.port)
        messages, asked = json.dumps([{"data": "x" * 100}] * BATCH), []
        for turn in range(TOTAL // BATCH):
            asked.append(producer.number())
            producer.send(frame(f'{{"op":"publish","id":{asked[-1]},"topic":"{topic}","messages":{messages}}}'))
            if len(asked) > WINDOW:
                producer.answered(asked.pop(0))
            if turn % 10 == 0:
                self.look()
        for request in asked:
            producer.answered(request)

    def grown(self, what):
        """Print and check what the reader costs."""
        grown = self.peak - self.before
        tell(
            f"{what}: RSS grew by {grown / MIB:.0f} MiB with a memoryBudget of {BUDGET / MIB:.0f} MiB, others took"
            f" {self.slowest * 1000:.0f} ms"
        )
        self.assertLess(grown, BUDGET + ALLOWED)
        self.assertLess(self.slowest, 5)

    def test_a_million_wait_for_who_does_not_read(self):
        stuck = self.slow.subscribe("many", "slow", credit=CREDIT)
        began = time.monotonic()
        self.fill("many")
        seconds = time.monotonic() - began
        for _ in range(20):
            self.look()
        group = self.broker.api.get("/api/v1/topics/many/groups/slow").json
        self.assertEqual(group["lag"], TOTAL)
        self.assertLessEqual(group["inFlight"], CREDIT)
        self.grown(f"{TOTAL} published in {seconds:.1f} s and waiting, {group['inFlight']} in flight")
        self.slow.read()  # it is still there, and goes on when it reads
        self.assertGreater(len(self.slow.messages[stuck]), 0)

    def test_another_member_of_its_group_gets_the_rest(self):
        self.slow.subscribe("many", "both", credit=CREDIT)
        self.fill("many")
        other = V2(self, self.broker.port)
        sub, taken, began = other.subscribe("many", "both", credit=20_000), 0, time.monotonic()
        while taken < TOTAL - CREDIT:
            self.assertTrue(other.read(), f"only {taken} came")
            codes = [one["code"] for one in other.messages[sub]]
            other.messages[sub].clear()
            other.send(op("ack", sub=sub, codes=codes))
            taken += len(codes)
            if taken % 50_000 < len(codes):
                self.look()
        self.grown(f"{taken} taken by another in {time.monotonic() - began:.1f} s")

    def test_a_tail_that_does_not_read(self):
        self.slow.subscribe("many", ack="none")
        self.fill("many")
        self.grown(f"{TOTAL} past a tail that does not read")

    def test_many_subscriptions_on_a_socket_that_is_not_read(self):
        for _ in range(SUBSCRIPTIONS):
            self.slow.subscribe("wide")
        self.before = self.broker.rss()
        self.brisk.publish("wide", "x" * 1_000_000)
        for _ in range(20):
            self.look()
        grown = self.peak - self.before
        tell(f"a message of 1 MB to {SUBSCRIPTIONS} subscriptions that are not read: RSS grew by {grown / MIB:.0f} MiB")
        self.assertLess(grown, ALLOWED)
        self.assertLess(self.slowest, 5)
        self.slow.until(lambda: sum(map(len, self.slow.messages.values())) > 2)  # it goes on when it reads

    def test_answers_that_are_not_read(self):
        # Nobody reads these errors; so at some point no more is read from their client, and its own socket fills.
        junk = frame('{"op":"nonsense"}') * 5000
        self.slow.sock.settimeout(0.5)
        sent = 0
        with self.assertRaises(TimeoutError):
            while sent < 200 * MIB:
                sent += self.slow.sock.send(junk)
                self.peak = max(self.peak, self.broker.rss())
        self.look()
        self.grown(f"{sent / MIB:.0f} MiB of ops whose answers are not read")
