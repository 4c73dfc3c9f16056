"""What every face must do, against a real broker process."""

import re
import signal
import threading
import time
from collections import Counter

from twisted.internet.threads import deferToThread

from kapokmq.client import Bounds, Closed, Outgoing, Refused, Unreachable, Untrusted, WrongKey
from tests.client.authority import authority
from tests.client.faces import PATIENCE
from tests.integration.broker import BrokerProcess, start, until

QUICK = {"first_wait": 0.02, "longest_wait": 0.2}


def in_thread(function):
    """Run a test beside the reactor, which one of the faces needs."""

    def test(self):
        return deferToThread(function, self)

    test.__name__ = function.__name__
    return test


class Contract:
    """Mixed in with a TestCase, and `face`: one of tests.client.faces."""

    timeout = 90

    def broker(self, place=None, **settings):
        return start(self, place, **settings)

    def again(self, broker):
        """The same broker after kill -9, on the same port and folder."""
        broker.kill()
        return self.broker(broker.folder, SERVER_PORT=broker.port)

    def connect(self, broker, scheme="ws", **options):
        return self.face(self, f"{scheme}://127.0.0.1:{broker.port}", **({"key": "test"} | QUICK | options))

    def taken(self, peer, subscription, count, *, ack=True):
        """The texts of so many messages."""
        texts = []
        for _ in range(count):
            message = peer.get(subscription)
            self.assertIsNotNone(message, f"{len(texts)} of {count} came")
            texts.append(message.data)
            if ack:
                peer.run(message.ack)
        return texts

    def none(self, peer, subscription, seconds=0.3):
        self.assertIsNone(peer.get(subscription, seconds))

    @in_thread
    def test_publish_consume_ack(self):
        broker = self.broker()
        peer = self.connect(broker, name="shipping-1")
        subscription = peer.subscribe("orders", group="g")
        receipt = peer.run(peer.client.publish, "orders", {"id": 17}, headers={"h": "ü"}, key="k")
        self.assertEqual((receipt.durable, len(receipt.code), receipt.resent), ("fsync", 40, False))
        message = peer.get(subscription)
        self.assertEqual((message.code, message.topic, message.json()), (receipt.code, "orders", {"id": 17}))
        self.assertEqual((message.attempt, message.key, message.headers), (1, "k", {"h": "ü"}))
        self.assertLess(abs(time.time() - message.create_time), PATIENCE)
        peer.run(message.ack)
        peer.run(peer.client.flush)
        self.assertEqual(broker.api.counts()["consumed"], 1)
        again = peer.run(peer.client.publish, "orders", "other", key="k")
        self.assertEqual((again.code, list(again.duplicates)), (receipt.code, [0]))
        self.none(peer, subscription, 0.1)

    @in_thread
    def test_many_at_a_time(self):
        peer = self.connect(self.broker())
        told = []
        texts = [f"{number}" for number in range(1050)]
        count = peer.run(peer.client.publish_many, "t", iter(texts), batch=100, progress=told.append)
        self.assertEqual((count, told[-1], told), (1050, 1050, sorted(told)))
        self.assertEqual(len(told), 11)
        receipt = peer.run(peer.client.publish_batch, "t", ["a", Outgoing({"n": 1}), 5])
        self.assertEqual(len(set(receipt.codes)), 3)
        subscription = peer.subscribe("t", group="g", start="all", credit=50)
        self.assertEqual(self.taken(peer, subscription, 1053), [*texts, "a", '{"n":1}', "5"])

    @in_thread
    def test_nack_with_a_delay_and_touch(self):
        broker = self.broker(MQ_PUSHRETRYTIME=2)
        peer = self.connect(broker)
        subscription = peer.subscribe("t", group="g", touch_every=None)
        peer.run(peer.client.publish, "t", "a")
        first = peer.get(subscription)
        began = time.monotonic()
        peer.run(first.nack, 0.5, "no stock")
        second = peer.get(subscription)
        self.assertGreater(time.monotonic() - began, 0.4)
        self.assertEqual((second.code, second.attempt), (first.code, 2))
        for _ in range(6):
            time.sleep(0.5)
            peer.run(second.touch)
        self.none(peer, subscription, 0.1)
        peer.run(second.ack)
        peer.run(peer.client.flush)
        self.assertEqual(broker.api.counts()["consumed"], 1)

    @in_thread
    def test_handlers(self):
        broker = self.broker(MQ_PUSHRETRYTIME=1)
        peer = self.connect(broker)
        seen, at_once, most, lock = Counter(), set(), [], threading.Lock()

        def handle(message):
            with lock:
                seen[message.data] += 1
                at_once.add(message.code)
                most.append(len(at_once))
            time.sleep(2.5 if message.data == "long" else 0.05)
            with lock:
                at_once.discard(message.code)
            if message.data == "bad" and message.attempt == 1:
                raise ValueError("once")

        peer.handler("t", handle, group="g", concurrency=3, touch_every=0.3)
        peer.run(peer.client.publish_batch, "t", ["long", "bad", *map(str, range(20))])
        until(lambda: broker.api.counts()["consumed"] == 22, "consumption")
        self.assertEqual(seen.pop("bad"), 2)
        self.assertEqual(set(seen.values()), {1}, "the lease of a handler was lost")
        self.assertEqual(max(most), 3)
        peer.close()
        self.flushLoggedErrors(ValueError)

    @in_thread
    def test_groups_and_patterns(self):
        broker = self.broker()
        one, other = self.connect(broker), self.connect(broker)
        shared = [each.subscribe("t.*", group="g", credit=5) for each in (one, other)]
        alone, unacked = one.subscribe("t.eu"), other.subscribe("t.>", acks=False, credit=4)
        texts = [f"{number}" for number in range(40)]
        one.run(one.client.publish_batch, "t.eu", texts)
        got = [[], []]
        while sum(map(len, got)) < 40:
            for peer, subscription, mine in ((one, shared[0], got[0]), (other, shared[1], got[1])):
                message = peer.get(subscription, 0.1)
                if message is not None:
                    mine.append(message.data)
                    peer.run(message.ack)
        self.assertEqual(sorted(got[0] + got[1]), sorted(texts))
        self.assertTrue(all(got))
        self.assertEqual(self.taken(one, alone, 40), texts)
        self.assertEqual(self.taken(other, unacked, 40), texts)
        one.run(shared[0].close)
        one.run(one.client.publish, "t.us", "last")
        self.assertEqual(self.taken(other, shared[1], 1), ["last"])
        with self.assertRaises(Closed):
            one.get(shared[0])

    @in_thread
    def test_delayed(self):
        peer = self.connect(self.broker())
        subscription = peer.subscribe("t", group="g")
        began = time.time()
        peer.run(peer.client.publish, "t", "late", delay=0.6)
        peer.run(peer.client.publish, "t", "later", at=began + 1.0)
        peer.run(peer.client.publish, "t", "now")
        self.assertEqual(self.taken(peer, subscription, 3), ["now", "late", "later"])
        self.assertGreater(time.time() - began, 0.9)

    @in_thread
    def test_large_and_odd_texts(self):
        peer = self.connect(self.broker())
        subscription = peer.subscribe("t", group="g")
        texts = ["", "\0", "\u2028 ü 🐘", "x" * (1 << 20), '"\\' * 1000]
        for text in texts:
            peer.run(peer.client.publish, "t", text)
        self.assertEqual(self.taken(peer, subscription, len(texts)), texts)
        for wrong, code in (("x" * ((1 << 20) + 1), "tooBig"), ("x" * (9 << 20), "tooBig")):
            with self.assertRaises(Refused) as refused:
                peer.run(peer.client.publish, "t", wrong)
            self.assertEqual(refused.exception.code, code)
        with self.assertRaises(Refused) as refused:
            peer.run(peer.client.publish_batch, "t", ["a", Outgoing("b", headers={str(n): "" for n in range(65)})])
        self.assertEqual((refused.exception.code, refused.exception.index), ("badMessage", 1))
        with self.assertRaises(Refused) as refused:
            peer.subscribe("a..*")
        self.assertEqual(refused.exception.code, "badName")
        self.assertEqual(peer.run(peer.client.publish, "t", "still here").durable, "fsync")

    @in_thread
    def test_nonsense_costs_who_asks_for_it(self):
        states = []
        peer = self.connect(self.broker(), on_state=lambda state: states.append(state.kind))
        subscription = peer.subscribe("t", group="g")
        begun = [peer.begin("publish", "t", f"{number}") for number in range(20)]
        for topic, options, error in (
            ("a\ud800", {}, Refused),
            (b"t", {}, TypeError),
            (object(), {}, TypeError),
            ("t", {"key": "a\ud800"}, ValueError),
            ("t", {"headers": {"a": 1}}, TypeError),
            ("t", {"delay": float("nan")}, ValueError),
        ):
            with self.assertRaises(error):
                peer.run(peer.client.publish, topic, "bad", **options)
        for topic, options, error in (("a\ud800", {}, Refused), ("t", {"credit": -1}, ValueError)):
            with self.assertRaises(error):
                peer.subscribe(topic, **options)
        with self.assertRaises(TypeError):
            peer.run(peer.client.publish_batch, "t", "xyz")
        self.assertEqual(len({each.result().code for each in begun}), 20)
        message = peer.get(subscription)
        for delay, reason, error in ((None, ValueError("x"), TypeError), (-1, "", ValueError)):
            with self.assertRaises(error):
                peer.run(message.nack, delay, reason)
        peer.run(message.nack, 0, "a\ud800")
        texts = self.taken(peer, subscription, 20)
        peer.run(peer.client.flush)
        self.assertEqual(sorted(texts), sorted(f"{number}" for number in range(20)))
        self.assertEqual(states, ["connected"])

    @in_thread
    def test_a_session_that_lasts_loses_nothing_that_is_published_again(self):
        broker = self.broker()
        for _ in range(2):
            peer = self.connect(broker, session="mine")
            self.assertFalse(peer.run(peer.client.publish, "t", "the same").resent)
            self.assertFalse(peer.run(peer.client.publish, "t", "and another").resent)
            peer.close()
        self.assertEqual(broker.api.counts()["all"], 4)

    @in_thread
    def test_what_was_acknowledged_is_told_although_the_subscription_was_left(self):
        states = []
        broker = self.broker()
        peer = self.connect(broker, heartbeat=0.3, patience=2.0, on_state=lambda state: states.append(state.kind))
        subscription = peer.subscribe("t", group="g")
        peer.run(peer.client.publish, "t", "a")
        message = peer.get(subscription)
        broker.process.send_signal(signal.SIGSTOP)
        self.addCleanup(broker.process.send_signal, signal.SIGCONT)
        until(lambda: "lost" in states, "loss")
        peer.run(message.ack)
        peer.run(subscription.close)
        broker.process.send_signal(signal.SIGCONT)
        peer.run(peer.client.flush)
        self.assertEqual(broker.api.counts()["consumed"], 1)

    @in_thread
    def test_a_broker_that_stalls_stops_publishers(self):
        broker = self.broker()
        peer = self.connect(broker, bounds=Bounds(publishes=10, messages=200, size=1 << 20))
        peer.run(peer.client.publish, "t", "first")
        broker.process.send_signal(signal.SIGSTOP)
        self.addCleanup(broker.process.send_signal, signal.SIGCONT)
        begun = [peer.begin("publish_batch", "t", [f"{n}/{m}" for m in range(50)]) for n in range(12)]
        until(lambda: peer.client.pending == 200, "bound")
        time.sleep(0.2)
        self.assertEqual(peer.client.pending, 200)
        broker.process.send_signal(signal.SIGCONT)
        codes = {code for each in begun for code in each.result().codes}
        self.assertEqual(len(codes), 600)
        self.assertEqual(broker.api.counts()["all"], 601)

    @in_thread
    def test_a_broker_that_stalls_for_long_is_given_up_and_tried_again(self):
        states = []
        broker = self.broker()
        peer = self.connect(broker, heartbeat=0.3, patience=2.0, on_state=lambda state: states.append(state.kind))
        subscription = peer.subscribe("t", group="g")
        broker.process.send_signal(signal.SIGSTOP)
        self.addCleanup(broker.process.send_signal, signal.SIGCONT)
        begun = peer.begin("publish", "t", "once")
        until(lambda: "lost" in states, "loss")
        broker.process.send_signal(signal.SIGCONT)
        code = begun.result().code
        self.assertEqual(peer.get(subscription).code, code)
        until(lambda: states.count("connected") >= 2, "reconnection")
        self.assertEqual(broker.api.counts()["all"], 1)

    @in_thread
    def test_kill_9_under_load(self):
        states, seen, stop, published = [], {}, threading.Event(), threading.Event()
        broker = self.broker(MQ_DEDUPWINDOW=600)
        peer = self.connect(broker, on_state=lambda state: states.append(state.kind))
        other = self.connect(broker)
        subscription = other.subscribe("t", group="g", credit=500)
        lock, codes = threading.Lock(), {}

        def publish(first):
            number = first
            while not stop.is_set():
                texts = [f"{number}/{index}" for index in range(20)]
                receipt = peer.begin("publish_batch", "t", texts).result()
                with lock:
                    codes.update(zip(receipt.codes, texts, strict=True))
                number += 4

        def consume():
            while not (published.is_set() and len(seen) >= len(codes)):
                message = other.get(subscription, 0.5)
                if message is not None:
                    seen[message.code] = message.data
                    other.run(message.ack)

        threads = [threading.Thread(target=publish, args=(number,), daemon=True) for number in range(4)]
        consumer = threading.Thread(target=consume, daemon=True)
        for thread in (*threads, consumer):
            thread.start()
        for _ in range(3):
            before = len(codes)
            until(lambda before=before: len(codes) > before + 100, "progress")
            broker = self.again(broker)
        before = len(codes)
        until(lambda: len(codes) > before + 100, "progress at the end")
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive())
        published.set()
        consumer.join(PATIENCE)
        other.run(other.client.flush)
        self.assertEqual(len(codes), len(set(codes.values())))
        self.assertEqual(seen, codes, "lost, or stored twice")
        self.assertEqual(broker.api.counts()["all"], len(codes))
        until(lambda: broker.api.counts()["consumed"] == len(codes), "consumption")
        self.assertGreaterEqual(states.count("connected"), 4)
        self.assertGreaterEqual(states.count("lost"), 3)
        peer.close()
        other.close()

    @in_thread
    def test_drain(self):
        states = []
        broker = self.broker(MQ_DRAINTIME=60)
        peer = self.connect(broker, on_state=lambda state: states.append(state.kind))
        subscription = peer.subscribe("t", group="g")
        peer.run(peer.client.publish_batch, "t", ["one", "two"])
        message = peer.get(subscription)
        broker.process.send_signal(signal.SIGUSR2)
        until(lambda: "draining" in states, "drain")
        begun = peer.begin("publish", "t", "three")
        peer.run(message.ack)
        self.assertEqual(broker.ended(), 0)
        self.broker(broker.folder, SERVER_PORT=broker.port)
        self.assertEqual(begun.result().durable, "fsync")
        self.assertEqual(self.taken(peer, subscription, 2), ["two", "three"])
        peer.close()

    @in_thread
    def test_another_node_takes_over(self):
        first, second = self.broker(), self.broker()
        urls = [f"ws://127.0.0.1:{each.port}" for each in (first, second)]
        peer = self.face(self, urls, key="test", **QUICK)
        peer.run(peer.client.publish, "t", "a")
        first.process.send_signal(signal.SIGUSR2)
        self.assertEqual(first.ended(), 0)
        peer.run(peer.client.publish, "t", "b")
        self.assertEqual(second.api.counts()["all"], 1)

    @in_thread
    def test_a_wrong_key_is_told_at_once(self):
        broker = self.broker()
        began = time.monotonic()
        with self.assertRaises(WrongKey):
            self.connect(broker, key="wrong")
        self.assertLess(time.monotonic() - began, 8)
        for url, options in (
            ("http://127.0.0.1", {}),
            ([], {}),
            ("ws://127.0.0.1", {"bounds": Bounds(publishes=1001)}),
        ):
            with self.assertRaises(ValueError):
                self.face(self, url, **options)
        with self.assertRaises(FileNotFoundError):
            self.face(self, "wss://127.0.0.1", ca="/nowhere.pem")

    @in_thread
    def test_nobody_is_there(self):
        broker = self.broker()
        broker.kill()
        with self.assertRaises(Unreachable):
            self.connect(broker, patience=0.5)
        broker = self.broker()
        with self.assertRaises(Unreachable):
            self.face(self, f"ws://127.0.0.1:{broker.port}/nowhere", key="test", patience=20)

    @in_thread
    def test_tls(self):
        ours, theirs = authority(self, "127.0.0.1"), authority(self, "127.0.0.1")
        broker = BrokerProcess(self, SERVER_TLSCERTIFICATE=ours.chain, SERVER_TLSKEY=ours.key)
        broker.port = int(until(lambda: re.search(r"serves https://[^/]*:(\d+)/", broker.out.read_text()), "start")[1])
        peer = self.connect(broker, "wss", ca=str(ours.ca))
        self.assertEqual(peer.run(peer.client.publish, "t", "a").durable, "fsync")
        began = time.monotonic()
        for options in ({"ca": str(theirs.ca)}, {}):
            with self.assertRaises(Untrusted):
                self.connect(broker, "wss", **options)
        self.assertLess(time.monotonic() - began, 8)

    @in_thread
    def test_cancelled(self):
        broker = self.broker()
        peer = self.connect(broker, bounds=Bounds(publishes=1))
        subscription = peer.subscribe("t", group="g")
        broker.process.send_signal(signal.SIGSTOP)
        self.addCleanup(broker.process.send_signal, signal.SIGCONT)
        sent = peer.begin("publish", "t", "sent")
        until(lambda: peer.client.pending == 1, "pending")
        late = peer.begin("publish", "t", "late", limit=0.2)
        self.none(peer, subscription, 0.1)
        with self.assertRaises(Exception) as caught:
            late.result()
        self.assertIn("imeout", type(caught.exception).__name__)
        broker.process.send_signal(signal.SIGCONT)
        sent.result()
        peer.run(peer.client.publish, "t", "last")
        self.assertEqual(self.taken(peer, subscription, 2), ["sent", "last"])
        self.assertEqual(broker.api.counts()["all"], 2)

    @in_thread
    def test_closed(self):
        broker = self.broker()
        peer = self.connect(broker, linger=0.3)
        subscription = peer.subscribe("t", group="g")
        peer.run(peer.client.publish, "t", "a")
        peer.run(peer.get(subscription).ack)
        broker.process.send_signal(signal.SIGSTOP)
        self.addCleanup(broker.process.send_signal, signal.SIGCONT)
        begun = peer.begin("publish", "t", "b")
        until(lambda: peer.client.pending == 1, "pending")
        peer.close()
        with self.assertRaises(Closed):
            begun.result()
        with self.assertRaises(Closed):
            peer.get(subscription)
        with self.assertRaises(Closed):
            peer.run(peer.client.publish, "t", "c")
        peer.close()
