"""Drain: clients are told, nothing new is taken, what is in flight may be settled, and then the process ends."""

import contextlib
import signal
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import start, tell
from tests.integration.wire import Closed, Consumer, Producer, message
from tests.integration.wire_v2 import V2, Refused

JSON = {"Content-Type": "application/json"}


class DrainTests(SynchronousTestCase):
    def begin(self, broker, how):
        """Let it drain."""
        if how is None:
            broker.process.send_signal(signal.SIGUSR2)
        else:
            self.assertEqual(broker.api.ask("POST", "/api/v1/drain", how, **JSON).status, 202)

    def told(self, client):
        """The drain frame."""
        client.until(lambda: client.others)
        said = client.others.pop()
        self.assertEqual(said["op"], "drain")
        self.assertIn("stops", said["reason"])

    def course(self, how):
        """A drain from its beginning to its end."""
        broker = start(self, MQ_DRAINTIME=60)
        client, idle = V2(self, broker.port), V2(self, broker.port)
        sub = client.subscribe("t", "g", credit=2)
        client.publish("t", "one", "two", "three")
        held = client.take(sub, 2, ack=False)
        producer, consumer = Producer(self, broker.port, "classic"), Consumer(self, broker.port, "classic")
        producer.publish("a")
        got = consumer.take(1, ack=False)[0]

        self.begin(broker, how)
        for each in (client, idle):
            self.told(each)
        with self.assertRaises(Refused) as refused:
            client.publish("t", "four")
        self.assertEqual(refused.exception.code, "draining")
        self.assertGreater(refused.exception.answer["retryAfter"], 0)
        producer.send(message("b"))  # who says nothing is left in peace until the end
        self.assertEqual(producer.closed(), (1012, "this node stops: publish to another one"))
        self.assertEqual(broker.api.get("/readyz").status, 503)
        self.assertEqual(broker.api.get("/healthz").status, 200)
        answer = broker.api.ask("POST", "/api/v1/topics/t/messages", '{"data": "x"}', **JSON)
        self.assertEqual((answer.status, answer.json["error"]["code"]), (503, "draining"))
        self.assertEqual(broker.api.send("t", "x").status, 503)

        consumer.ack(got)
        self.assertEqual(client.settle("ack", sub, held[0]), [])
        self.assertFalse(client.messages[sub], "something new was dealt")
        self.assertIsNone(broker.process.poll())
        began = time.monotonic()
        self.assertEqual(client.settle("ack", sub, held[1]), [])
        self.assertEqual(broker.ended(), 0)
        tell(f"ended {time.monotonic() - began:.2f} s after the last ack")
        self.assertLess(time.monotonic() - began, 15)  # who does not say goodbye is given 5 s
        self.assertEqual(client.closed()[0], 1001)
        again = start(self, broker.folder)
        self.assertEqual(again.api.counts()["consumed"], 3)
        last = V2(self, again.port)
        self.assertEqual(last.bodies(last.subscribe("t", "g"), 1), ["three"])

    def test_by_signal(self):
        self.course(None)

    def test_by_api(self):
        self.course("{}")

    def test_it_ends_when_the_time_is_up(self):
        broker = start(self, MQ_DRAINTIME=1.5)
        client = V2(self, broker.port)
        sub = client.subscribe("t", "g")
        client.publish("t", "held")
        held = client.take(sub, 1, ack=False)
        began = time.monotonic()
        self.begin(broker, None)
        self.told(client)
        self.assertEqual(broker.ended(), 0)
        self.assertTrue(1.4 < time.monotonic() - began < 10, time.monotonic() - began)
        again = start(self, broker.folder)
        late = V2(self, again.port)
        self.assertEqual(late.take(late.subscribe("t", "g"), 1)[0]["code"], held[0]["code"])

    def test_the_api_says_how_long_and_a_second_time_only_shortens_it(self):
        broker = start(self, MQ_DRAINTIME=3600)
        client = V2(self, broker.port)
        sub = client.subscribe("t", "g")
        client.publish("t", "held")
        client.take(sub, 1, ack=False)
        self.begin(broker, None)
        self.told(client)
        self.begin(broker, '{"seconds": 900}')
        self.begin(broker, '{"seconds": 0.2}')
        self.assertEqual(broker.ended(), 0)

    def test_with_nothing_in_flight_it_ends_at_once(self):
        broker = start(self, MQ_DRAINTIME=3600)
        client = V2(self, broker.port)
        client.publish("t", "waits")
        self.begin(broker, None)
        self.assertEqual(broker.ended(), 0)
        self.told(client)

    def test_what_was_confirmed_is_kept_and_nothing_else(self):
        broker = start(self, MQ_DRAINTIME=20)
        producer, client = Producer(self, broker.port), V2(self, broker.port)
        sub = client.subscribe("held", "g")
        client.publish("held", "one")
        held = client.take(sub, 1, ack=False)
        self.begin(broker, None)
        sent, codes, code = 0, [], None
        while code is None:  # publishing goes on until it is refused
            producer.send(b"".join(message(str(number)) for number in range(sent, sent + 50)))
            sent += 50
            code = self.oks(producer)
            with contextlib.suppress(Refused):
                codes += client.publish("t", "v2")
        self.assertEqual(code, 1012)
        self.assertEqual(client.settle("ack", sub, *held), [])
        self.assertEqual(broker.ended(), 0)
        again = start(self, broker.folder)
        kept = again.api.counts()["all"] - 1
        self.assertEqual(kept, producer.confirmed + len(codes))
        tell(f"{kept} of {sent} were taken after the signal was sent")

    def oks(self, producer):
        """Count the `ok`s of 50 messages, or up to the close frame. Gives its code, None without one."""
        try:
            producer.oks(50)
        except Closed as end:
            return end.code
        return None
