"""The original client's API against servers that behave as the original does."""

import subprocess
import sys
import threading
import time
from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.client import Closed, Unreachable, WrongKey
from kapokmq.client.classic import Connections, Consumer, Producer, link
from kapokmq.core.client.classic.ledger import Ledger
from tests.client.original import Original
from tests.integration.broker import PATIENCE, environment, until

CODE = "{:032x}".format
SCRIPT = """
from kapokmq.client.classic import *
NewProducerConn(Producer(MqAddr="127.0.0.1", MqPort="{port}", Topic="t", ProducerId="P1", SecretKey="{key}"))
assert ProducerSend("P1", "last words", 0)
"""


def in_thread(function, *args):
    """Have it run. Gives something to be called for its result, or its error."""
    found = []

    def work():
        try:
            found.append(function(*args))
        except Exception as error:  # noqa: BLE001
            found.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def result():
        thread.join(PATIENCE)
        return found[0]

    return result


CONSUMER = """
import threading
from kapokmq.client.classic import *
NewConsumerConn(Consumer(MqAddr="127.0.0.1", MqPort="{port}", Topic="t", ConsumerId="C1", SecretKey="{key}"))
threading.Thread(target=ConsumerReceive, args=("C1",), daemon=True).start()
"""


class Case(SynchronousTestCase):
    def setUp(self):
        self.mq = Connections()
        self.addCleanup(self.mq.close_all, linger=0)

    def producer(self, server, id_="P1", **more):
        given = {"MqAddr": "127.0.0.1", "MqPort": str(server.port), "Topic": "t", "SecretKey": "test", "CheckTime": 0.1}
        self.mq.new_producer_conn(Producer(ProducerId=id_, **given | more))

    def consumer(self, server, id_="C1", **more):
        given = {"MqAddr": "127.0.0.1", "MqPort": str(server.port), "Topic": "t", "SecretKey": "test", "CheckTime": 0.1}
        self.mq.new_consumer_conn(Consumer(ConsumerId=id_, **given | more))


class ProducerTests(Case):
    def setUp(self):
        super().setUp()
        self.server = Original(self)

    def test_what_is_sent_arrives_and_is_confirmed(self):
        self.producer(self.server, Topic="a täst", id_="P 1")
        self.assertTrue(self.mq.producer_send("P 1", "ü", 60))
        self.assertTrue(self.mq.producer_send("plain"))
        self.assertTrue(self.mq.producer_ack())
        self.assertEqual(self.server.messages, [("ü", 60), ("plain", 0)])
        self.assertEqual([one.path for one in self.server.there()], ["/Producers/Conn/a%20t%C3%A4st/P%201"])

    def test_what_was_not_confirmed_is_sent_again_in_order(self):
        self.producer(self.server)
        self.mq.producer_send("confirmed")
        self.assertTrue(self.mq.producer_ack())
        self.server.silent = True
        for text in ("a", "b", "c"):
            self.assertTrue(self.mq.producer_send(text))
        until(lambda: len(self.server.messages) == 4, "arrival")
        self.assertFalse(self.mq.producer_ack(timeout=0.05))
        self.server.silent = False
        self.server.stop()
        until(lambda: not self.mq._producers["P1"].conn.links[0].live, "end")
        waits = in_thread(lambda: self.mq.producer_send("d", timeout=PATIENCE))
        self.server.start()
        self.assertIs(waits(), True)
        self.assertTrue(self.mq.producer_ack(timeout=PATIENCE))
        self.assertEqual([text for text, _ in self.server.messages], ["confirmed", *"abc", *"abc", "d"])

    def test_what_did_not_go_out_when_a_connection_ended_is_not_sent_later(self):
        self.producer(self.server)
        (one,) = self.mq._producers["P1"].conn.links

        async def send(text):
            raise link.Down

        one.send = send
        self.assertFalse(self.mq.producer_send("never", timeout=0.05))
        del one.send
        self.server.cut()
        self.assertTrue(self.mq.producer_send("next", timeout=PATIENCE) and self.mq.producer_ack(timeout=PATIENCE))
        self.assertEqual(self.server.messages, [("next", 0)])

    def test_false_is_what_was_not_handed_over_and_is_not_sent_later(self):
        self.producer(self.server)
        self.server.stop()
        until(lambda: not self.mq.producer_send("early", timeout=0.05), "end")
        self.assertFalse(self.mq.producer_send("never"))
        self.server.messages.clear()
        waits = in_thread(lambda: self.mq.producer_send("waits", timeout=PATIENCE))
        self.server.start()
        self.assertIs(waits(), True)
        self.assertTrue(self.mq.producer_ack(timeout=PATIENCE))
        self.assertNotIn("never", [text for text, _ in self.server.messages])

    def test_a_server_that_keeps_its_oks_gets_so_much_and_no_more(self):
        self.producer(self.server)
        self.server.silent = True
        self.mq._producers["P1"].conn.ledger = Ledger(most=5)
        sent = [self.mq.producer_send(str(n), timeout=0.05) for n in range(7)]
        self.assertEqual(sent, [True] * 5 + [False] * 2)
        self.server.silent = False
        self.server.cut()
        self.assertTrue(self.mq.producer_send("more", timeout=PATIENCE))

    def test_oks_are_read_although_nobody_asks(self):
        self.producer(self.server)
        ledger = self.mq._producers["P1"].conn.ledger = Ledger(most=5)
        for n in range(200):
            self.assertTrue(self.mq.producer_send(str(n), timeout=PATIENCE))
        until(lambda: not ledger.pending, "confirmation")

    def test_threads_share_a_producer(self):
        self.producer(self.server)

        def work(name):
            return all(self.mq.producer_send(f"{name}-{n}") for n in range(50)) and self.mq.producer_ack()

        for result in [in_thread(work, name) for name in range(8)]:
            self.assertIs(result(), True)
        self.assertEqual(len(set(self.server.messages)), 400)
        self.assertEqual(len(self.server.messages), 400)

    def test_a_connection_comes_back_once(self):
        self.producer(self.server, CheckTime=0.02)
        self.consumer(self.server, CheckTime=0.02)
        for dialled in (4, 6, 8):
            self.server.cut()
            until(lambda dialled=dialled: self.server.dialled == dialled and len(self.server.there()) == 2, "return")
        time.sleep(0.2)  # ten times CheckTime
        self.assertEqual((self.server.dialled, len(self.server.there())), (8, 2))

    def test_a_server_that_is_silent_is_waited_for_while_its_port_opens(self):
        self.patch(link, "HEARTBEAT", 0.02)
        self.producer(self.server)
        self.server.silent = True
        self.mq.producer_send("x")
        until(lambda: self.server.dialled > 5, "knocks")
        self.assertEqual(len(self.server.there()), 1)
        self.server.stop_listening()
        until(lambda: not self.server.open, "end")
        self.server.silent = False
        self.server.start()
        self.assertTrue(self.mq.producer_ack(timeout=PATIENCE))
        self.assertEqual(self.server.messages, [("x", 0)] * 2)

    def test_an_answer_that_is_no_ok_ends_the_connection(self):
        self.producer(self.server)
        until(self.server.there, "log-in")[0].say("OK")
        until(lambda: self.server.dialled == 2 and self.server.there(), "return")

    def test_a_program_that_ends_has_sent_its_messages(self):
        self.server.silent = False
        ended = self.run_script("test")
        self.assertEqual((ended.returncode, ended.stderr), (0, b""))
        self.assertEqual(self.server.messages, [("last words", 0)])

    def test_a_program_that_ends_waits_for_its_confirmations(self):
        self.server.silent = True
        ended = in_thread(self.run_script, "test")
        until(lambda: self.server.messages, "message")
        time.sleep(0.2)
        self.server.silent = False
        self.server.cut()
        self.assertEqual(ended().returncode, 0)
        self.assertIn(b": lost: ", ended().stderr)
        self.assertEqual(self.server.messages, [("last words", 0)] * 2)

    def test_a_program_with_a_wrong_key_ends_by_its_exception(self):
        ended = self.run_script("other")
        self.assertEqual(ended.returncode, 1)
        self.assertIn(b"WrongKey: unauthorized: Secret key matching error", ended.stderr)

    def test_a_program_ends_although_a_thread_of_it_consumes(self):
        ended = self.run_script("test", CONSUMER)
        self.assertEqual((ended.returncode, ended.stderr), (0, b""))

    def run_script(self, key, script=SCRIPT):
        script = script.format(port=self.server.port, key=key)
        return subprocess.run(
            [sys.executable, "-c", script], env=environment({}), capture_output=True, timeout=PATIENCE, check=False
        )


class ConsumerTests(Case):
    def setUp(self):
        super().setUp()
        self.server = Original(self)

    def test_messages_of_all_sizes(self):
        self.consumer(self.server)
        for number, size in enumerate((0, 3000, 3925, 3926, 4000, 5000, 8000, 8200, 300_000)):
            text = "é" + "x" * size
            self.server.push(CODE(number), text, DelayTime=7)
            message = self.mq.consumer_receive("C1", timeout=PATIENCE)
            self.assertEqual((message.MessageCode, message.MessageData), (CODE(number), text))
            self.assertEqual((message.Topic, message.CreateTime, message.DelayTime), ("t", 1795219602, 7))
            self.assertEqual(message.Status, 1)
            self.assertLess(abs(message.ConsumedTime - time.time()), PATIENCE)
            self.assertTrue(self.mq.consume_ack("C1", message.MessageCode))
        until(lambda: self.server.acks == [CODE(number) for number in range(9)], "acks")

    def test_a_message_that_came_waits_here_when_the_connection_ends(self):
        self.consumer(self.server)
        self.server.push(CODE(1), "a")
        until(lambda: len(self.mq._consumers["C1"]._inbox._waiting) == 1, "message")
        self.server.cut()
        self.server.push(CODE(1), "a copy")
        self.server.push(CODE(2), "b")
        until(lambda: len(self.mq._consumers["C1"]._inbox._waiting) == 2, "messages")
        texts = [self.mq.consumer_receive(timeout=PATIENCE).MessageData for _ in range(2)]
        self.assertEqual(texts, ["a", "b"])

    def test_an_ack_without_a_connection_is_told_over_the_next(self):
        self.consumer(self.server)
        self.server.push(CODE(1), "a")
        code = self.mq.consumer_receive(timeout=PATIENCE).MessageCode
        self.server.stop()
        until(lambda: not self.mq.consume_ack(code), "end")
        self.server.acks.clear()
        self.server.start()
        until(lambda: code in self.server.acks, "ack")

    def test_what_was_acknowledged_and_is_pushed_again_is_not_handed_out_again(self):
        self.consumer(self.server)
        self.server.push(CODE(1), "a")
        self.mq.consume_ack(self.mq.consumer_receive(timeout=PATIENCE).MessageCode)
        self.server.push(CODE(1), "a")
        self.server.push(CODE(2), "b")
        self.assertEqual(self.mq.consumer_receive(timeout=PATIENCE).MessageData, "b")
        until(lambda: self.server.acks == [CODE(1)] * 2, "second ack")

    def test_a_push_that_makes_no_sense_is_passed_over(self):
        self.consumer(self.server)
        until(self.server.there, "log-in")[0].push(b"[]\n")
        self.server.push(CODE(1), "a")
        self.assertEqual(self.mq.consumer_receive(timeout=PATIENCE).MessageData, "a")
        self.assertEqual(self.server.dialled, 1)

    def test_who_does_not_take_messages_is_not_read(self):
        self.consumer(self.server)
        inbox = self.mq._consumers["C1"]._inbox
        inbox._most = 10
        for number in range(500):
            self.server.push(CODE(number), "x")
        until(lambda: inbox.full, "messages")
        for number in range(500):
            self.assertLessEqual(len(inbox._waiting), 10)
            self.assertEqual(self.mq.consumer_receive(timeout=PATIENCE).MessageCode, CODE(number))

    def test_who_is_late_has_not_taken_a_message(self):
        self.consumer(self.server)
        came, count = [], 300
        pushing = in_thread(lambda: [(self.server.push(CODE(n), "x"), time.sleep(0.001)) for n in range(count)])
        deadline = time.monotonic() + PATIENCE
        while len(came) < count and time.monotonic() < deadline:
            try:
                came.append(self.mq.consumer_receive(timeout=0.0011).MessageCode)
            except TimeoutError:
                continue
        pushing()
        self.assertEqual(came, [CODE(n) for n in range(count)])

    def test_there_is_none_in_time(self):
        self.consumer(self.server)
        self.assertRaises(TimeoutError, self.mq.consumer_receive, timeout=0.01)
        self.server.push(CODE(1), "a")
        self.assertEqual(self.mq.consumer_receive(timeout=PATIENCE).MessageData, "a")


class KeyTests(Case):
    def test_a_wrong_key_raises(self):
        server = Original(self, key="other")
        self.assertRaises(WrongKey, self.producer, server)
        self.assertRaises(WrongKey, self.consumer, server)
        until(lambda: not server.open, "end")
        server.key = "test"
        self.producer(server)
        self.consumer(server)

    def test_a_key_that_becomes_wrong_raises_where_somebody_waits(self):
        server = Original(self)
        self.producer(server)
        self.consumer(server)
        receives = in_thread(self.mq.consumer_receive)
        server.key = "other"
        server.cut()
        self.assertIsInstance(receives(), WrongKey)
        until(lambda: self.mq._producers["P1"].conn.links[0].wrong_key, "refusal")
        self.assertRaises(WrongKey, self.mq.producer_send, "x")
        self.assertRaises(WrongKey, self.mq.consume_ack, "code")
        dialled = server.dialled
        time.sleep(0.3)  # three times CheckTime
        self.assertEqual(server.dialled, dialled)

    def test_nobody_there(self):
        server = Original(self)
        server.stop()
        self.assertRaises(Unreachable, self.producer, server)
        self.assertRaises(Unreachable, self.consumer, server)


class IdTests(Case):
    def test_the_id_picks_the_connection_and_may_be_left_out_while_there_is_one(self):
        one, two = Original(self), Original(self)
        self.assertRaises(ValueError, self.mq.producer_send, "x")
        self.producer(one, "P1")
        self.assertTrue(self.mq.producer_send("a", 1))
        self.producer(two, "P2")
        self.assertRaises(ValueError, self.mq.producer_send, "x")
        self.assertRaises(ValueError, self.mq.producer_send, "P3", "x")
        self.assertTrue(self.mq.producer_send("P2", "b"))
        self.assertTrue(self.mq.producer_send("c", 2, producer_id="P2"))
        self.assertTrue(self.mq.producer_ack("P1") and self.mq.producer_ack("P2"))
        self.assertEqual((one.messages, two.messages), ([("a", 1)], [("b", 0), ("c", 2)]))

    def test_an_id_is_there_once(self):
        server = Original(self)
        self.producer(server)
        self.consumer(server, "P1")
        self.assertRaises(ValueError, self.producer, server)
        self.assertRaises(ValueError, self.consumer, server, "P1")
        self.assertTrue(self.mq.producer_close())
        self.producer(server)
        self.assertTrue(self.mq.producer_send("P1", "x", 0))

    def test_what_makes_no_sense_is_refused(self):
        server = Original(self)
        self.producer(server)
        self.consumer(server)
        for words in ((), ("P1", "x", 0, 0), (b"x",), ("x", 1.5), ("P1", "x", "y")):
            self.assertRaises(TypeError, self.mq.producer_send, *words)
        self.assertRaises(ValueError, self.mq.producer_send, "\ud800")
        for words in ((), ("",), (b"x",), ("C1", "x", "y")):
            self.assertRaises(TypeError, self.mq.consume_ack, *words)
        self.assertTrue(self.mq.producer_send("x") and self.mq.producer_ack())
        self.assertEqual(server.messages, [("x", 0)])

    def test_closing_wakes_who_waits(self):
        server = Original(self)
        self.consumer(server)
        receives = in_thread(self.mq.consumer_receive)
        time.sleep(0.05)
        self.mq.close_all()
        self.assertIsInstance(receives(), Closed)
        until(lambda: not server.open, "end")
        self.assertEqual(Counter(thread.name for thread in threading.enumerate())["kapokmq client"], 0)

    def test_closing_waits_for_what_is_unconfirmed_so_long(self):
        server = Original(self)
        server.silent = True
        self.producer(server)
        self.mq.producer_send("x")
        self.assertFalse(self.mq.producer_close(linger=0.05))
