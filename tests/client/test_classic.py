"""The original client's API against real brokers of ours."""

import re
import subprocess
import sys
import threading
import time

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.client import Untrusted, WrongKey, classic
from kapokmq.client.classic import Connections, Consumer, Producer
from tests.client.authority import authority
from tests.integration.broker import PATIENCE, ROOT, BrokerProcess, environment, folder, start, until
from tests.integration.http import CONSUMED

BLOCKS = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs" / "client-classic.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
)
NAMES = (
    "NewProducerConn",
    "NewClusterProducerConn",
    "NewConsumerConn",
    "ProducerSend",
    "ProducerAck",
    "ConsumerReceive",
    "ConsumeAck",
    "GetNodes",
)


class ClassicTests(SynchronousTestCase):
    def setUp(self):
        self.mq = Connections()
        self.addCleanup(self.mq.close_all, linger=0)

    def place(self, broker, **more):
        given = {"MqAddr": "127.0.0.1", "MqPort": str(broker.port), "MqProtocol": "ws", "Topic": "t"}
        return given | {"SecretKey": "test", "CheckTime": 0.1} | more

    def producer(self, broker, id_="P1", ca=None, **more):
        self.mq.new_producer_conn(Producer(ProducerId=id_, **self.place(broker, **more)), ca=ca)

    def consumer(self, broker, id_="C1", ca=None, **more):
        self.mq.new_consumer_conn(Consumer(ConsumerId=id_, **self.place(broker, **more)), ca=ca)

    def test_send_receive_ack(self):
        broker = start(self)
        self.producer(broker, Topic="täst 1")
        self.consumer(broker, Topic="täst 1")
        self.assertTrue(self.mq.producer_send("P1", "later", 1))
        self.assertTrue(self.mq.producer_send("P1", 'now <b> \u2028 "\U0001f980"', 0))
        self.assertTrue(self.mq.producer_ack("P1"))
        sent = time.time()
        for text, delay in (('now <b> \u2028 "\U0001f980"', 0), ("later", 1)):
            message = self.mq.consumer_receive("C1", timeout=PATIENCE)
            self.assertEqual((message.MessageData, message.DelayTime, message.Topic), (text, delay, "täst 1"))
            self.assertTrue(self.mq.consume_ack("C1", message.MessageCode))
        self.assertGreater(time.time() - sent, 0.5)
        shown = until(lambda: broker.api.counts()["consumed"] == 2 and broker.api.message(message.MessageCode), "ack")
        self.assertEqual(shown["Status"], CONSUMED)

    def test_a_broker_is_killed_under_load(self):
        broker = start(self)
        self.producer(broker)
        self.consumer(broker)
        handed, came, stop = [], set(), threading.Event()

        def load():
            number = 0
            while not stop.is_set():
                text = str(number)
                if self.mq.producer_send("P1", text, 0, timeout=PATIENCE):
                    handed.append(text)
                number += 1

        thread = threading.Thread(target=load)
        thread.start()
        self.addCleanup(stop.set)
        try:
            for _ in range(2):
                before = len(handed)
                until(lambda before=before: len(handed) > before + 200, "load")
                broker.kill()
                broker = start(self, broker.folder, SERVER_PORT=broker.port)
            before = len(handed)
            until(lambda: len(handed) > before + 200, "load")
        finally:
            stop.set()
            thread.join(PATIENCE)
        self.assertTrue(self.mq.producer_ack("P1", timeout=PATIENCE))
        while not came.issuperset(handed):
            message = self.mq.consumer_receive("C1", timeout=PATIENCE)
            came.add(message.MessageData)
            self.mq.consume_ack("C1", message.MessageCode)
        self.assertEqual(came, set(handed))

    def test_a_message_that_is_refused_is_told_and_does_not_come_in_the_way(self):
        broker = start(self, MQ_MAXMESSAGEBYTES=1024)
        self.producer(broker)
        self.assertTrue(self.mq.producer_send("before"))
        self.assertTrue(self.mq.producer_send("x" * 1025))
        self.assertTrue(self.mq.producer_send("behind", timeout=PATIENCE))
        self.assertFalse(self.mq.producer_ack())
        self.assertTrue(self.mq.producer_ack())
        self.assertEqual(broker.api.counts()["all"], 2)

    def test_a_consumer_that_goes_gives_back_what_it_did_not_acknowledge(self):
        broker = start(self)
        self.producer(broker)
        self.consumer(broker)
        self.mq.producer_send("a")
        code = self.mq.consumer_receive(timeout=PATIENCE).MessageCode
        self.mq.consumer_close()
        self.consumer(broker, "C2")
        self.assertEqual(self.mq.consumer_receive("C2", timeout=PATIENCE).MessageCode, code)

    def test_a_wrong_key(self):
        broker = start(self)
        self.assertRaises(WrongKey, self.producer, broker, SecretKey="other")
        self.assertRaises(WrongKey, self.consumer, broker, SecretKey="other")
        self.producer(broker)

    def test_tls(self):
        ours, others = authority(self, "127.0.0.1"), authority(self, "127.0.0.1")
        broker = BrokerProcess(self, SERVER_TLSCERTIFICATE=ours.chain, SERVER_TLSKEY=ours.key)
        broker.port = int(until(lambda: re.search(r"serves https://[^/]*:(\d+)/", broker.out.read_text()), "start")[1])
        self.producer(broker, MqProtocol="wss", ca=str(ours.ca))
        self.consumer(broker, MqProtocol="wss", ca=str(ours.ca))
        self.assertTrue(self.mq.producer_send("secret"))
        self.assertEqual(self.mq.consumer_receive(timeout=PATIENCE).MessageData, "secret")
        self.assertRaises(Untrusted, self.producer, broker, "P2", MqProtocol="wss", ca=str(others.ca))


class NameTests(SynchronousTestCase):
    def test_the_originals_names_are_the_same_functions(self):
        for name in NAMES:
            ours = re.sub("(?<!^)([A-Z])", r"_\1", name).lower()
            self.assertIs(getattr(classic, name), getattr(classic, ours))
            self.assertIn(name, classic.__all__)

    def test_what_makes_no_sense_is_refused_by_name(self):
        given = {"MqAddr": "h", "MqPort": 1, "Topic": "t", "ProducerId": "p", "SecretKey": "hush"}
        for field, value in (
            ("MqAddr", ""),
            ("MqAddr", "ws://h"),
            ("MqPort", "x"),
            ("MqPort", 0),
            ("MqPort", "65536"),
            ("MqProtocol", "http"),
            ("Topic", ""),
            ("Topic", "a/b"),
            ("ProducerId", ""),
            ("CheckTime", 0),
        ):
            error = self.assertRaises(ValueError, Producer, **given | {field: value})
            self.assertTrue(str(error).startswith(f"{field}: "), error)
        self.assertNotIn("hush", repr(Producer(**given)))
        self.assertEqual(Producer(**given | {"MqAddr": "::1"}).url, "ws://[::1]:1/Producers/Conn/t/p")


class DocsTests(SynchronousTestCase):
    def test_the_example_runs(self):
        broker = start(self)
        script = folder(self) / "example.py"
        (block,) = BLOCKS
        self.assertIn('MqPort="8011"', block)
        script.write_text(block.replace("8011", str(broker.port)))
        ended = subprocess.run(
            [sys.executable, script], env=environment({}), capture_output=True, timeout=PATIENCE, check=False
        )
        self.assertEqual((ended.returncode, ended.stderr.decode(), ended.stdout.decode()), (0, "", "order 17\n"))
        until(lambda: broker.api.counts()["consumed"] == 1, "ack")
