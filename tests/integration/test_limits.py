"""What one client can do to the others, and to the broker's memory: next to nothing."""

import json
import random
import resource
import socket
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import start, tell, until
from tests.integration.wire import Client, Consumer, Producer, frame, garbage, message

MIB = 1 << 20


class SlowPeerTests(SynchronousTestCase):
    def test_a_consumer_that_stops_reading_costs_neither_others_nor_memory(self):
        broker = start(self, MQ_MEMORYBUDGET=8 * MIB)
        Consumer(self, broker.port, "stuck", read_buffer=4096)  # reads its login, and then no more
        other, brisk = Producer(self, broker.port, "brisk"), Consumer(self, broker.port, "brisk")
        producer = Producer(self, broker.port, "stuck")
        before, slowest = broker.rss(), 0.0
        for number in range(64):
            producer.publish(*[f"{number}" + "x" * 20_000] * 50)
            began = time.monotonic()
            other.publish(f"{number}")
            self.assertEqual(brisk.bodies(1, 5), [f"{number}"])
            slowest = max(slowest, time.monotonic() - began)
        grown = broker.rss() - before
        tell(f"64 MiB, and a stuck consumer: RSS grew by {grown / MIB:.0f} MiB, others took {slowest * 1000:.0f} ms")
        self.assertLess(grown, 48 * MIB)
        self.assertLess(slowest, 5)

    def test_a_producer_that_never_reads_its_oks_is_not_stalled(self):
        total, chunk = 700_000, 500  # the kernel holds the `ok`s of half a million
        broker = start(self)
        producer = Producer(self, broker.port, read_buffer=4096)
        batch, before, began = (
            frame('{"MessageData":"0123456789","DelayTime":0}') * chunk,
            broker.rss(),
            time.monotonic(),
        )
        for _ in range(total // chunk):
            producer.send(batch)  # fails where nobody reads for half a minute
        until(lambda: broker.api.counts()["all"] == total, "storing of all", 60)
        seconds, grown = time.monotonic() - began, broker.rss() - before
        tell(f"{total} messages without reading an ok: {seconds:.1f} s, RSS grew by {grown / MIB:.0f} MiB")
        self.assertLess(grown, 300 * MIB)
        self.read_them_all(producer, total)

    def read_them_all(self, producer, total):
        """There are exactly that many, however late they are read."""
        seen, sock = 0, producer.sock
        sock.settimeout(20)
        while seen < total * 4:
            data = sock.recv(MIB)
            self.assertEqual(data.strip(b"\x81\x02ok"), b"")
            seen += len(data)
        producer.send(message("one more"))
        producer.oks(1)
        self.assertEqual(seen, total * 4)


class SizeTests(SynchronousTestCase):
    def test_messages_of_a_mebibyte(self):
        broker = start(self)
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        bodies = [letter * MIB for letter in "abcdefghij"]
        for body in bodies:
            producer.send(message(body))
        producer.oks(len(bodies))
        self.assertEqual(consumer.bodies(len(bodies)), bodies)
        producer.publish("small")
        producer.send(message("k" * (MIB + 1)) + message("never looked at"))
        code, reason = producer.closed()
        self.assertEqual(code, 1009)
        self.assertIn("1048576", reason)
        self.assertEqual(consumer.bodies(1), ["small"])
        self.assertEqual(consumer.rest(0.2), [])
        self.assertEqual(broker.api.get("/readyz").status, 200)

    def test_two_thousand_connections(self):
        count = 2000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 3 * count)), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        broker = start(self)
        before = broker.rss()
        consumers = [Consumer(self, broker.port, f"topic-{number % 500}", f"c{number}") for number in range(count)]
        grown = broker.rss() - before
        self.assertEqual(len(broker.api.post("/Console/GetConsumers").json["data"]), count)
        producer = Producer(self, broker.port, "topic-499")
        producer.publish(*"abcdefgh")
        mine = [consumer for number, consumer in enumerate(consumers) if number % 500 == 499]
        got = [body["MessageData"] for consumer in mine for body in consumer.rest(0.2)]
        self.assertEqual(sorted(got), list("abcdefgh"))
        tell(f"{count} consumers: RSS grew by {grown / count / 1024:.0f} KiB each")
        for consumer in consumers:
            consumer.close()
        until(lambda: not broker.api.post("/Console/GetConsumers").json["data"], "departure of all")

    def test_more_than_are_allowed(self):
        broker = start(self, MQ_MAXCONNECTIONS=3)
        clients = [Consumer(self, broker.port, name=f"c{number}") for number in range(3)]
        refused = Client(self, broker.port, "/Consumers/Conn/t/c4", key=None)
        self.assertTrue(refused.answer.startswith("HTTP/1.1 503 "), refused.answer)
        clients[0].close()
        until(lambda: len(broker.api.post("/Console/GetConsumers").json["data"]) == 2, "departure")
        Consumer(self, broker.port, name="c4")


class HttpTests(SynchronousTestCase):
    def test_connections_that_became_websockets_are_counted_once(self):
        broker = start(self, MQ_MAXCONNECTIONS=2)
        for number in range(120):
            Consumer(self, broker.port, name=f"c{number}").close()
            self.assertEqual(broker.api.get("/healthz").status, 200)

    def test_idle_http_connections_are_bounded(self):
        broker = start(self, MQ_MAXCONNECTIONS=2)
        idle = [socket.create_connection(("127.0.0.1", broker.port)) for _ in range(102)]
        for sock in idle:
            self.addCleanup(sock.close)
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b" 200 ", sock.recv(1000))
        with socket.create_connection(("127.0.0.1", broker.port)) as sock:
            self.assertIn(b" 503 ", sock.recv(1000))
        idle[0].close()
        until(lambda: broker.api.get("/healthz").status == 200, "room for one more")


class QuestionTests(SynchronousTestCase):
    def test_what_is_asked_right_behind_an_ack_is_answered_with_it(self):
        broker = start(self)
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        for number in range(100):
            producer.publish(f"{number}", "and another")
            code = consumer.take(2)[0]["MessageCode"]
            if number % 2:
                self.assertEqual(len(broker.api.messages(limit=1, topic="t")), 1)
            self.assertEqual(broker.api.message(code)["MessageData"], f"{number}")
        until(lambda: broker.api.counts()["consumed"] == 200, "consumption of all")


class GarbageTests(SynchronousTestCase):
    def test_garbage_on_the_port_disturbs_nobody(self):
        chance = random.Random(47)  # noqa: S311 -- repeatable
        broker = start(self)
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        for number in range(150):
            junk = chance.choice((self.raw, self.after_upgrade, self.after_login))
            junk(broker, garbage(chance.randint(1, 5000)), chance)
            if number % 10 == 0:
                producer.publish(f"{number}")
                self.assertEqual(consumer.bodies(1, 5), [f"{number}"])
        self.assertNotIn("Traceback", broker.said())
        self.assertIsNone(broker.process.poll())

    def raw(self, broker, data, chance):
        """Instead of a request."""
        with socket.create_connection(("127.0.0.1", broker.port)) as sock:
            sock.sendall(data)

    def after_upgrade(self, broker, data, chance):
        """Instead of the key."""
        client = Client(self, broker.port, "/Consumers/Conn/t/junk", key=None)
        client.send(chance.choice((data, frame(data[:100]), frame(data, 2))))
        client.reset()

    def after_login(self, broker, data, chance):
        """Instead of messages."""
        path = chance.choice(("/Producers/Conn/junk/junk", "/Consumers/Conn/junk/junk"))
        client = Client(self, broker.port, path)
        client.send(chance.choice((data, frame(data[:100]), frame(data, 2), bytes((0x81, 0xFF)) + data)))
        client.close()


class DelayTests(SynchronousTestCase):
    def test_two_thousand_delayed_messages_come_when_they_are_due(self):
        total, batch, spread = 2000, 20, 2.0
        broker = start(self, MQ_CHECKSPEED=5)
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        began, late = time.time(), []
        for number in range(total // batch):
            while (left := began + number * spread * batch / total - time.time()) > 0:
                late += self.read(consumer, left)
            delay, sent = 1 + number % 2, time.time()
            producer.publish(*[json.dumps([sent, delay])] * batch, delay=delay)
        deadline = time.monotonic() + 20
        while len(late) < total and time.monotonic() < deadline:
            late += self.read(consumer, 1)
        late.sort()
        self.assertEqual(len(late), total)
        p50, p99 = late[total // 2] * 1000, late[int(total * 0.99)] * 1000
        tell(f"{total} delayed messages: p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {late[-1] * 1000:.1f} ms late")
        self.assertGreater(late[0], -0.002, "before it was due")
        self.assertLess(p99, 1000)

    def read(self, consumer, seconds):
        """How late what comes within that time is. A batch is timed as it arrives, then acknowledged."""
        got, late, acks = consumer.receive(seconds), [], []
        now = time.time()
        while got is not None:
            sent, delay = json.loads(got["MessageData"])
            late.append(now - sent - delay)
            acks.append(got)
            got, now = consumer.receive(0), time.time()
        if acks:
            consumer.ack(*acks)
        return late
