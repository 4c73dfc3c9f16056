"""A hundred thousand delayed messages over kill -9: each comes when it is due, those past at once, and none twice."""

import json
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import folder, start, tell, until
from tests.integration.wire_v2 import BATCH, V2, op

TOTAL = 100_000
FIRST, LAST = 7.0, 24.0  # seconds from the beginning in which they fall due
KILL = 13.0  # seconds from the beginning: in the middle of that
SETTLED = 1.5  # seconds after a restart in which what is past may come
DEADLINE = 0.050  # seconds that a message may be late, at p99


class Record:
    """What came: a message's number, and how late it was. Due times are unix seconds."""

    def __init__(self, case, due):
        self._case = case
        self.due = due
        self.late = {}  # number -> seconds, of its first delivery
        self.acked = set()
        self.again = 0  # deliveries of what was acknowledged, while the ack was not known to be stored
        self.stored = set()  # acknowledged, and told that it is stored

    def came(self, messages, now):
        """Note a frame that was read at that time."""
        for message in messages:
            number = json.loads(message["data"])
            self._case.assertNotIn(number, self.stored, "delivered again although its ack was stored")
            self.again += number in self.late
            self.late.setdefault(number, now - self.due[number])

    def lateness(self, since):
        """Of those due after that time, ascending."""
        return sorted(late for number, late in self.late.items() if self.due[number] >= since)


class DelayTests(SynchronousTestCase):
    def test_a_hundred_thousand_over_a_kill(self):
        place = folder(self)
        broker = start(self, place)
        began = time.time()
        due = [round(began + FIRST + (LAST - FIRST) * number / TOTAL, 3) for number in range(TOTAL)]
        record = Record(self, due)
        producer = V2(self, broker.port)
        order = sorted(range(TOTAL), key=lambda number: number * 7919 % TOTAL)  # neighbours are not due together
        for first in range(0, TOTAL, BATCH):
            producer.publish("later", *({"data": str(n), "at": due[n]} for n in order[first : first + BATCH]))
        stored = time.time() - began
        self.assertLess(stored, FIRST, "stored only after the first was due: give them more time")
        broker.kill()

        broker = start(self, place)
        self.consume(broker, record, began + KILL)
        before = len(record.late)
        broker.kill()
        until(lambda: time.time() > began + KILL + 1.0, "falling due of some while nobody is there")
        broker = start(self, place)
        up = time.time()
        self.consume(broker, record, began + LAST + 5)
        self.report(record, up, before, stored)
        self.assertEqual(len(record.late), TOTAL)
        self.assertEqual(broker.api.counts()["consumed"], TOTAL)

    def consume(self, broker, record, end):
        """Take and acknowledge what comes up to that time, or until all have come."""
        consumer, waiting = V2(self, broker.port), {}
        sub = consumer.subscribe("later", "workers", credit=20_000)
        while time.time() < end and (len(record.late) < TOTAL or waiting):
            if not consumer.read(min(0.2, max(0.0, end - time.time()))):
                continue
            now, messages = time.time(), consumer.messages[sub]
            if messages:
                record.came(messages, now)
                request = consumer.number()
                waiting[request] = [json.loads(one["data"]) for one in messages]
                self.ack(consumer, sub, request, messages)
            for request in [request for request in waiting if request in consumer.answers]:
                self.assertNotIn("unknown", consumer.answered(request))
                record.stored.update(waiting.pop(request))

    def ack(self, consumer, sub, request, messages):
        """Acknowledge these, to be told when that is stored."""
        codes = [one["code"] for one in messages]
        messages.clear()
        consumer.send(op("ack", id=request, sub=sub, codes=codes))

    def report(self, record, up, before, stored):
        """Print the figures, and check them."""
        on_time = record.lateness(up + SETTLED)
        came = {number: record.due[number] + late - up for number, late in record.late.items()}
        past = [after for number, after in came.items() if after > 0 and record.due[number] < up]
        p50, p99 = on_time[len(on_time) // 2], on_time[int(len(on_time) * 0.99)]
        tell(
            f"{TOTAL} delayed messages stored in {stored:.1f} s; {before} delivered before the kill, {len(past)} were"
            f" past; of {len(on_time)} due after it p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, worst"
            f" {on_time[-1] * 1000:.1f} ms late; the past ones within {max(past) * 1000:.0f} ms; {record.again} came"
            " again whose ack was not stored"
        )
        self.assertGreater(before, TOTAL // 10)
        self.assertGreater(len(on_time), TOTAL // 4)
        self.assertGreater(min(record.late.values()), -0.002, "before it was due")
        self.assertLessEqual(p99, DEADLINE)
        self.assertLess(max(past), SETTLED)
