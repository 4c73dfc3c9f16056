"""Topics with policies of their own: how much they keep, what a full one does, and those that keep nothing."""

import time

from tests.integration.api_v1 import Fault
from tests.integration.broker import tell, until
from tests.integration.live import Live
from tests.integration.wire import Producer, message
from tests.integration.wire_v2 import BATCH, V2, Refused

MOST = 10_000
TOTAL = 200_000
LAG = 60_000  # messages beyond its limit that a topic may have for a moment


class LimitTests(Live):
    def kept(self, topic="t"):
        """How many messages a topic has."""
        return self.api.get("topics", topic)["counts"]["all"]

    def test_reject(self):
        self.api.post("topics", name="t", policy={"maxMessages": MOST})
        sub = self.client.subscribe("t", "g", credit=0)
        self.client.publish("t", *["x"] * MOST)
        with self.assertRaises(Refused) as refused:
            self.client.publish("t", "one more")
        self.assertEqual(refused.exception.code, "topicFull")
        self.assertGreater(refused.exception.answer["retryAfter"], 0)
        self.assertEqual(self.api.post("topics", "t", "messages", data="x"), Fault(503, "topicFull"))
        self.assertEqual(self.broker.api.send("t", "x").status, 503)
        classic = Producer(self, self.broker.port)
        classic.send(message("x"))
        self.assertEqual(classic.closed()[0], 1013)
        self.assertEqual(self.kept(), MOST)
        self.client.publish("other", "is not full")
        self.client.ask("credit", sub=sub, n=10)
        self.client.take(sub, 10)
        self.client.publish("t", *["y"] * 10)  # consumed ones make room
        self.again()
        with self.assertRaises(Refused) as refused:
            self.client.publish("t", "one more")
        self.assertEqual(refused.exception.code, "topicFull")

    def test_drop_oldest_under_load(self):
        self.api.post("topics", name="t", policy={"maxMessages": MOST, "overflow": "dropOldest"})
        watcher = V2(self, self.broker.port)
        self.client.subscribe("t", "idle", credit=0)
        most, sent, refused, began = 0, 0, 0, time.monotonic()
        while sent < TOTAL:
            # Who is far quicker than the deletion of the oldest is told to wait, and nothing is stored.
            try:
                self.client.publish("t", *map(str, range(sent, sent + BATCH)))
                sent += BATCH
            except Refused as fault:
                self.assertEqual(fault.code, "topicFull")
                refused += 1
                self.assertLess(refused, 20_000, "it does not get room")
            most = max(most, self.kept())
        seconds = time.monotonic() - began
        until(lambda: self.kept() <= MOST, "trimming")
        tell(
            f"{TOTAL} published in {seconds:.1f} s where {MOST} are kept: never more than {most} seen,"
            f" {refused} refusals"
        )
        self.assertLess(most, MOST + LAG)
        self.assertGreater(self.kept(), MOST * 9 // 10)
        late = watcher.bodies(watcher.subscribe("t", "late", start="all", credit=20_000), self.kept())
        self.assertEqual(late, [str(number) for number in range(TOTAL - len(late), TOTAL)])
        self.again()
        self.assertLessEqual(self.kept(), MOST)
        self.client.publish("t", "goes on")

    def test_drop_oldest_does_not_spare_what_is_held(self):
        self.api.post("topics", name="t", policy={"maxMessages": 10, "overflow": "dropOldest"})
        sub = self.client.subscribe("t", "g", credit=5)
        self.client.publish("t", *(f"old {number}" for number in range(5)))
        held = self.client.take(sub, 5, ack=False)
        self.client.publish("t", *(f"new {number}" for number in range(10)))
        until(lambda: self.kept() == 10, "dropping of the oldest")
        self.client.settle("nack", sub, *held, delay=0)
        self.assertEqual(self.client.bodies(sub, 10), [f"new {number}" for number in range(10)])
        self.assertEqual(self.client.rest(sub), [])

    def test_bytes(self):
        self.api.post("topics", name="t", policy={"maxBytes": 100_000})
        self.client.subscribe("t", "g", credit=0)
        stored = 0
        with self.assertRaises(Refused) as refused:
            for _ in range(200):
                self.client.publish("t", "x" * 1000)
                stored += 1
        self.assertEqual(refused.exception.code, "topicFull")
        self.assertTrue(60 < stored <= 100, stored)

    def test_age(self):
        self.api.post("topics", name="t", policy={"maxAge": 1})
        self.client.publish("t", "old")
        until(lambda: self.kept() == 0, "expiry")
        self.assertEqual(self.client.rest(self.client.subscribe("t", "g")), [])


class NothingKeptTests(Live):
    def test_who_is_connected_gets_it_and_nobody_else(self):
        self.api.post("topics", name="t", policy={"retention": "none"})
        first, second = self.client.subscribe("t"), self.client.subscribe("t")
        self.assertEqual(self.client.ask("publish", topic="t", messages=[{"data": "a"}])["durable"], "memory")
        self.assertEqual(self.client.bodies(first, 1), ["a"])
        self.assertEqual(self.client.bodies(second, 1), ["a"])
        self.assertEqual(self.client.rest(self.client.subscribe("t")), [])
        self.assertEqual(self.broker.api.counts()["all"], 0)
        for fields in ({"delay": 1}, {"key": "k"}):
            with self.assertRaises(Refused) as refused:
                self.client.publish("t", {"data": "x"} | fields)
            self.assertEqual(refused.exception.code, "notKept")
        self.assertEqual(self.api.post("topics", "t", "groups", name="g"), Fault(409, "notKept"))
        self.again()
        sub = self.client.subscribe("t")
        self.client.publish("t", *map(str, range(5000)))
        self.assertEqual(self.client.bodies(sub, 5000), [str(number) for number in range(5000)])
        self.assertEqual(self.broker.api.counts()["all"], 0)

    def test_a_group_there_lasts_as_long_as_its_members(self):
        self.api.post("topics", name="t", policy={"retention": "none"})
        sub = self.client.subscribe("t", "g", credit=1)
        self.client.publish("t", "a", "b")
        held = self.client.take(sub, 1, ack=False)
        self.client.settle("nack", sub, *held, delay=0)
        self.assertEqual(sorted(self.client.bodies(sub, 2)), ["a", "b"])
        self.again()
        self.assertEqual(self.api.get("topics", "t", "groups")["groups"], [])

    def test_one_who_does_not_read_costs_no_memory(self):
        self.api.post("topics", name="t", policy={"retention": "none"})
        slow, before = V2(self, self.broker.port, read_buffer=4096), self.broker.rss()
        slow.subscribe("t", credit=100_000)
        sub = self.client.subscribe("t", credit=50_000)
        for _ in range(100):
            self.client.publish("t", *["x" * 1000] * 2000)
            self.client.take(sub, 2000)
        grown = self.broker.rss() - before
        tell(f"200 MB past one who does not read, nothing kept: RSS grew by {grown >> 20} MiB")
        self.assertLess(grown, (128 + 64) << 20)
