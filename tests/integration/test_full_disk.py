"""A full disk: nothing is confirmed that is not stored, nothing confirmed is lost, and it goes on by itself."""

import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import BrokerProcess, start, tell, until
from tests.integration.disk import SmallDisk
from tests.integration.wire import Closed, Consumer, Producer, message

BODY = "x" * 20_000
EARLY = 50  # messages published before the disk is full
WINDOW = 20


class FullDiskTests(SynchronousTestCase):
    def broker(self, **settings):
        """A broker on a small disk."""
        disk = SmallDisk(self)
        broker = BrokerProcess(self, MQ_PERSISTENTFILE=disk.store, **settings).started()
        disk.holds(broker)
        return disk, broker

    def fill(self, broker, producer, sent):
        """Publish until no `ok` comes any more. Gives how many bodies were sent, numbered from `sent`."""
        while True:
            producer.send(b"".join(message(f"{number:06}{BODY}") for number in range(sent, sent + WINDOW)))
            sent += WINDOW
            deadline = time.monotonic() + 30
            while producer.confirmed < sent:
                producer.drain(0.05)
                if broker.api.get("/readyz").status == 503:
                    return sent
                self.assertLess(time.monotonic(), deadline, "neither confirmed nor refused")
            self.assertLess(sent, 5000, "the disk does not fill")

    def test_it_holds_producers_serves_consumers_and_goes_on_when_there_is_space(self):
        disk, broker = self.broker()
        early = Producer(self, broker.port, "early")
        early.publish(*(f"early-{number}" for number in range(EARLY)))
        producer = Producer(self, broker.port, "load")
        sent = self.fill(broker, producer, 0)
        ready = broker.api.get("/readyz")
        self.assertEqual((ready.status, ready.headers["retry-after"]), (503, "1"))
        self.assertIn(str(disk.store), ready.json["error"])
        refused = broker.api.send("http", "no room for this")
        self.assertEqual((refused.status, refused.headers["retry-after"]), (503, "1"))
        self.assertEqual(refused.json["code"], -1)
        self.assertEqual(broker.api.get("/healthz").status, 200)
        consumer = Consumer(self, broker.port, "early")
        self.assertEqual(consumer.bodies(EARLY), [f"early-{number}" for number in range(EARLY)])
        held = producer.confirmed
        self.assertLess(held, sent)
        early.send(message("held"))
        self.assertEqual((producer.drain(1.5), early.drain(0)), (0, 0))
        self.assertEqual(broker.api.get("/readyz").status, 503)

        disk.make_room()
        began = time.monotonic()
        producer.oks(sent - held)
        early.oks(1)
        tell(
            f"{'a tmpfs' if disk.real else 'RLIMIT_FSIZE'}: {held} messages until it was full, goes on after "
            f"{time.monotonic() - began:.1f} s"
        )
        until(lambda: broker.api.get("/readyz").status == 200, "readiness")
        self.assertEqual(consumer.bodies(1), ["held"])
        self.assertEqual(broker.api.send("http", "there is room").json["code"], 0)
        self.assertEqual(consumer.rest(0.2), [], "acknowledged, and delivered again")
        until(lambda: broker.api.counts()["consumed"] == EARLY + 1, "the acks' commit")
        broker.kill()
        again = start(self, broker.folder, MQ_PERSISTENTFILE=disk.store)
        late = Consumer(self, again.port, "load")
        self.assertEqual([body[:6] for body in late.bodies(sent)], [f"{number:06}" for number in range(sent)])
        self.assertEqual([row["MessageData"] for row in again.api.messages(topic="http")], ["there is room"])
        self.assertEqual(Consumer(self, again.port, "early").rest(0.2), [])

    def test_producers_are_closed_after_30_seconds(self):
        disk, broker = self.broker()
        producer, idle = Producer(self, broker.port, "load"), Producer(self, broker.port, "idle")
        sent = self.fill(broker, producer, 0)
        began = time.monotonic()
        code, reason = self.end_of(producer)
        waited = time.monotonic() - began
        tell(f"closed after {waited:.1f} s: {code} {reason}")
        self.assertEqual(code, 1013)
        self.assertIn(str(disk.store), reason)
        self.assertTrue(27 < waited < 40, waited)
        self.assertLess(producer.confirmed, sent)
        producer.close()
        self.assertEqual(idle.closed()[0], 1013)  # or it would wait unread, and never know why
        disk.make_room()
        until(lambda: broker.api.get("/readyz").status == 200, "room")
        again = Producer(self, broker.port, "idle")
        again.publish("patience")
        kept = broker.api.messages(topic="load", route="GetMessageEasy")
        self.assertEqual(len(kept), producer.confirmed)

    def end_of(self, producer):
        """Count `ok`s up to the close frame. Gives its code and reason."""
        try:
            while True:
                producer.oks(1, 45)
        except Closed as end:
            return end.code, end.reason
