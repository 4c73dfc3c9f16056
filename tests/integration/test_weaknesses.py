"""What else the original got wrong (spec, section 7), by its number there: ours, as a real process, does not."""

import socket
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import BrokerProcess, folder, start, tell, until
from tests.integration.http import ANY, WAITING
from tests.integration.wire import Client, Consumer, Producer, frame, message

MIB = 1 << 20


class StorageWeaknessTests(SynchronousTestCase):
    def test_08_a_kill_at_isPersistent_1_loses_no_more_than_the_last_interval(self):
        broker = start(self, MQ_ISPERSISTENT=1, MQ_PERSISTENTTIME=0.2)
        producer = Producer(self, broker.port)
        producer.publish(*(f"{number:05}" for number in range(20_000)))
        until(lambda: broker.api.figure("kapokmq_commit_messages_sum") == 20_000, "commit of all")
        producer.send(b"".join(message("at risk") for _ in range(1000)))
        broker.kill()
        again = start(self, broker.folder, MQ_ISPERSISTENT=1)
        kept = Consumer(self, again.port).bodies(20_000)
        self.assertEqual(kept, [f"{number:05}" for number in range(20_000)])

    def test_09_sigterm_at_isPersistent_1_loses_nothing(self):
        broker = start(self, MQ_ISPERSISTENT=1, MQ_PERSISTENTTIME=3600)
        producer = Producer(self, broker.port)
        producer.publish(*map(str, range(500)))
        producer.close()
        self.assertEqual(broker.stop(), 0)
        again = start(self, broker.folder)
        self.assertEqual(Consumer(self, again.port).bodies(500), [str(number) for number in range(500)])

    def test_12_a_recovery_invents_nothing(self):
        broker, bodies = start(self), ["a", "b", "c"]
        Producer(self, broker.port).publish(*bodies)
        for _ in range(3):
            broker.kill()
            broker = start(self, broker.folder)
        self.assertEqual(broker.api.counts()["all"], 3)
        self.assertEqual(sorted(row["MessageData"] for row in broker.api.messages(ANY)), bodies)

    def test_23_what_was_deleted_is_never_delivered_nor_comes_back(self):
        broker = start(self)
        producer = Producer(self, broker.port)
        producer.publish("keep", "delete")
        producer.publish("delete delayed", delay=1)
        for row in broker.api.messages(ANY):
            if row["MessageData"].startswith("delete"):
                self.assertEqual(
                    broker.api.post("/Console/DelMessage", messageCode=row["MessageCode"]).json, {"code": 0}
                )
        consumer = Consumer(self, broker.port)
        self.assertEqual([got["MessageData"] for got in consumer.rest(1.5)], ["keep"])
        broker.kill()
        again = start(self, broker.folder)
        self.assertEqual([row["MessageData"] for row in again.api.messages(ANY)], ["keep"])
        self.assertEqual(again.api.counts()["delay"], 0)

    def test_24_consumed_messages_take_no_memory(self):
        broker = start(self)
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        self.through(producer, consumer, 5_000)
        before = broker.rss()
        self.through(producer, consumer, 40_000)
        grown = broker.rss() - before
        tell(f"40000 messages of 500 bytes consumed: RSS grew by {grown / MIB:.1f} MiB")
        self.assertLess(grown, 16 * MIB)

    def through(self, producer, consumer, count):
        """Publish and consume that many."""
        for _ in range(count // 1000):
            producer.publish(*["x" * 500] * 1000)
            consumer.take(1000)

    def test_25_26_27_a_large_store_neither_stalls_nor_costs_while_idle_nor_answers_without_end(self):
        total = 100_000
        broker = start(self)
        producer = Producer(self, broker.port, "large")
        for _ in range(total // 5000):
            producer.send(frame('{"MessageData":"0123456789","DelayTime":0}') * 5000)
            producer.oks(5000)
        slowest = 0.0
        for number in range(60):
            if number % 10 == 0:
                broker.api.counts()
                self.assertEqual(len(broker.api.messages(WAITING, limit=500)), 500)
            began = time.monotonic()
            producer.publish(f"new {number}")
            slowest = max(slowest, time.monotonic() - began)
        self.assertLess(slowest, 2)
        everything = broker.api.messages(ANY)
        self.assertEqual((len(everything), everything[0]["MessageData"]), (10_000, "new 59"))
        page = broker.api.messages(ANY, limit=3, offset=2)
        self.assertEqual([row["MessageData"] for row in page], ["new 57", "new 56", "new 55"])
        used, began = broker.cpu(), time.monotonic()
        until(lambda: time.monotonic() > began + 2, "two idle seconds")
        idle = (broker.cpu() - used) / (time.monotonic() - began)
        tell(f"with {total} stored: slowest ok {slowest * 1000:.0f} ms, {idle:.1%} of a core idle")
        self.assertLess(idle, 0.05)
        self.assertLess(broker.rss(), 250 * MIB)


class ProcessWeaknessTests(SynchronousTestCase):
    def test_06_there_is_no_door_for_replicas(self):
        broker = start(self)
        stranger = Client(self, broker.port, "/Sync/Conn", key=None)
        self.assertTrue(stranger.answer.startswith("HTTP/1.1 404 "), stranger.answer)
        Producer(self, broker.port).publish("nobody else's")
        refused = BrokerProcess(self, SYNC_ISSYNC=1)
        self.assertEqual(refused.ended(), 2)
        self.assertIn("sync.isSync", refused.err.read_text())

    def test_28_silent_connections_do_not_stay(self):
        broker = start(self, MQ_LOGINTIME=0.5)
        silent = [Client(self, broker.port, "/Consumers/Conn/t/c", key=None) for _ in range(50)]
        long = Client(self, broker.port, "/Consumers/Conn/t/long", key=None)
        self.assertEqual(long.text(), "Please enter the secret key")
        long.send(frame(b"k" * 8192)[:5000])
        self.assertEqual(long.closed()[0], 1009)
        for client in silent:
            self.assertEqual(client.closed(5)[0], 1008)

    def test_38_an_address_is_what_the_socket_says(self):
        broker = start(self)
        Consumer(self, broker.port, headers=["X-Forwarded-For: 6.6.6.6"])
        (listed,) = broker.api.post("/Console/GetConsumers").json["data"]
        self.assertEqual(listed["ConsumerIp"], "127.0.0.1")

    def test_39_no_time_zones_are_needed(self):
        place = folder(self)
        command = ("env", "TZ=Asia/Shanghai", f"TZDIR={place}", "PYTHONTZPATH=")
        broker = BrokerProcess(self, place, command=command).started()
        Producer(self, broker.port).publish("hello")
        self.assertEqual(Consumer(self, broker.port).bodies(1), ["hello"])
        self.assertNotIn("Traceback", broker.said())

    def test_40_keys_that_are_missing_or_zero_cost_nothing(self):
        place = folder(self)
        (place / "kapokmq.yaml").write_text("mq: {checkSpeed: 0, pushCount: 0, pushMessagesSpeed: 1}\n")
        broker = BrokerProcess(self, place, config="kapokmq.yaml").started()
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        producer.publish(*map(str, range(3000)))
        self.assertEqual(len(consumer.bodies(3000, 5)), 3000)
        used, began = broker.cpu(), time.monotonic()
        until(lambda: time.monotonic() > began + 1.5, "idle seconds")
        self.assertLess(broker.cpu() - used, 0.3)

    def test_41_no_traces_and_no_silent_nothing(self):
        broker = start(self)
        for path in ("/Producers/Conn/t/p", "/Consumers/Conn/t/c"):
            plain = broker.api.get(path)
            self.assertEqual((plain.status, plain.body), (400, b"Bad Request\n"))
        self.assertTrue(list(broker.folder.glob("log/kapokmq-*.log")))
        self.assertNotIn("Traceback", broker.said())
        refused = BrokerProcess(self, MQ_PUSHTYPE=3)
        self.assertEqual(refused.ended(), 2)
        self.assertIn("KAPOKMQ_MQ_PUSHTYPE", refused.err.read_text())

    def test_44_a_full_broker_makes_producers_wait_and_time_goes_on(self):
        broker = start(self, MQ_MESSAGECHANBUFFER=50)
        later, clock = Producer(self, broker.port, "later"), Consumer(self, broker.port, "later")
        later.publish("in time", delay=1)
        producer = Producer(self, broker.port)
        producer.publish(*map(str, range(50)))
        until(lambda: "full" in broker.api.get("/readyz").json.get("reason", ""), "fullness")
        refused = broker.api.send("t", "no room")
        self.assertEqual((refused.status, refused.headers["retry-after"]), (503, "1"))
        producer.send(b"".join(message(f"{number}") for number in range(50, 500)))
        self.assertEqual(producer.drain(0.5), 0)
        self.assertEqual(clock.bodies(1, 3), ["in time"])
        consumer = Consumer(self, broker.port)
        self.assertEqual(consumer.bodies(500), [str(number) for number in range(500)])
        producer.oks(450)
        until(lambda: "reason" not in broker.api.get("/readyz").json, "room")

    def test_46_connections_that_a_client_leaks_are_bounded(self):
        broker = start(self)
        leaked = [Consumer(self, broker.port, name="leaky") for _ in range(20)]
        for oldest in leaked[:4]:
            self.assertEqual(oldest.closed()[0], 1008)
        self.assertEqual(len(broker.api.post("/Console/GetConsumers").json["data"]), 16)

    def test_47_the_end_is_said(self):
        broker = start(self)
        clients = [Consumer(self, broker.port), Producer(self, broker.port)]
        broker.process.terminate()
        for client in clients:
            self.assertEqual(client.closed()[0], 1001)
            client.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(broker.ended(), 0)
