"""What only the blocking face has to get right: threads that come, wait and end whenever they like."""

import asyncio
import gc
import sys
import threading
import time
from types import SimpleNamespace

from kapokmq.client import Closed, classic
from kapokmq.client.blocking_subscription import Subscription
from kapokmq.client.loop_thread import LoopThread
from tests.client.threads import CALLERS, ThreadsCase, together
from tests.integration.broker import PATIENCE


class LoopThreadTests(ThreadsCase):
    def test_whoever_calls_while_it_ends_is_told(self):
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(1e-6)
        for _ in range(20):
            loop, begun = LoopThread(), threading.Event()

            def call(loop=loop, begun=begun):
                while True:
                    loop.call(asyncio.sleep(0))
                    loop.soon(begun.set)

            threads, raised = together(call)
            self.assertTrue(begun.wait(PATIENCE))
            loop.stop()
            self.ended(threads)
            self.assertEqual({type(error) for error in raised}, {Closed})
            self.assertTrue(loop.stopped)
            loop.soon(begun.set)

    def test_what_is_being_handed_over_is_so_before_it_ends(self):
        loop, ready, handing, go = LoopThread(), *(threading.Event() for _ in range(3))
        really = loop._loop.call_soon_threadsafe

        def slowly(*args, **more):
            if threading.current_thread() in callers:
                handing.set()
                go.wait(PATIENCE)
            return really(*args, **more)

        callers = []
        loop._loop.call_soon_threadsafe = slowly
        begun, raised = together(lambda: ready.wait(PATIENCE) and loop.call(asyncio.sleep(0)), 1)
        callers += begun
        ready.set()
        self.assertTrue(handing.wait(PATIENCE))
        closers, failed = together(loop.stop, 1)
        closers[0].join(0.2)
        go.set()
        self.ended([*callers, *closers])
        self.assertLessEqual({type(error) for error in raised}, {Closed})
        self.assertEqual(failed, [])

    def test_whoever_waits_when_it_ends_is_told(self):
        loop, waits = LoopThread(), threading.Semaphore(0)

        async def for_ever():
            waits.release()
            await asyncio.Event().wait()

        threads, raised = together(lambda: loop.call(for_ever()))
        for _ in threads:
            waits.acquire(timeout=PATIENCE)
        closers, failed = together(loop.stop, 2)
        self.ended([*threads, *closers])
        self.assertEqual([type(error) for error in raised], [Closed] * CALLERS)
        self.assertEqual(failed, [])

    def test_what_fails_stops_nothing_else(self):
        loop, done = LoopThread(), threading.Event()
        self.addCleanup(loop.stop)
        with self.assertLogs("kapokmq.client", "ERROR"):
            loop.soon(time.sleep, 0.05)  # so that both of these are of one turn
            loop.soon(int, "x")
            loop.soon(done.set)
            self.assertTrue(done.wait(PATIENCE))


class ClosingTests(ThreadsCase):
    def test_beside_those_who_flush(self):
        for _ in range(5):
            mq, begun = self.connect(), threading.Event()

            def flush(mq=mq, begun=begun):
                while True:
                    mq.flush()
                    begun.set()

            threads, raised = together(flush)
            self.assertTrue(begun.wait(PATIENCE))
            mq.close()
            self.ended(threads)
            self.assertEqual({type(error) for error in raised}, {Closed})

    def test_beside_those_who_publish_on_and_on(self):
        for _ in range(5):
            mq, over, begun = self.connect(linger=0.2), threading.Event(), threading.Event()

            def publish(mq=mq, over=over, begun=begun):
                while not over.is_set():
                    try:
                        mq.publish("t", "a")
                        begun.set()
                    except Closed:
                        time.sleep(0)

            threads, raised = together(publish)
            self.assertTrue(begun.wait(PATIENCE))
            mq.close()
            over.set()
            self.ended(threads)
            self.assertEqual(raised, [])

    def test_all_handlers_have_the_same_time(self):
        mq, let_go, stuck = self.connect(linger=0.4), threading.Event(), []
        self.addCleanup(let_go.set)
        for topic in "abcd":

            @mq.handler(topic, group="g")
            def handler(message):
                stuck.append(message)
                let_go.wait(PATIENCE)

            mq.publish(topic, "x")
        self.node.until(lambda: len(stuck) == 4)
        began = time.monotonic()
        with self.assertLogs("kapokmq.client", "WARNING") as said:
            mq.close()
        self.assertLess(time.monotonic() - began, 3 * 0.4)
        self.assertIn("4 messages in the hands of handlers", said.output[-1])

    def test_by_a_handler_while_it_is_closed(self):
        mq, closing, seen = self.connect(linger=PATIENCE), threading.Event(), threading.Event()

        @mq.handler("t", group="g")
        def handler(message):
            seen.set()
            closing.wait(PATIENCE)
            time.sleep(0.1)
            mq.close()

        mq.publish("t", "a")
        self.assertTrue(seen.wait(PATIENCE))
        began = time.monotonic()
        threading.Timer(0.1, closing.set).start()
        mq.close()
        self.assertLess(time.monotonic() - began, PATIENCE / 2)
        self.assertEqual(len(self.node.acknowledged("t")), 1)

    def test_a_subscription_after_its_client(self):
        mq = self.connect()
        with mq.subscribe("t") as subscription:
            mq.close()
        subscription.close()
        subscription.stop()
        self.assertRaises(Closed, subscription.get)
        self.assertRaises(Closed, mq.flush)


class SubscriptionTests(ThreadsCase):
    def test_get_waits_no_longer_than_it_was_told(self):
        loop = LoopThread()
        self.addCleanup(loop.stop)
        inbox = SimpleNamespace(next=lambda: None, acks=True)  # others are always quicker
        inner = SimpleNamespace(stopped=False, inbox=inbox, arrival=lambda: asyncio.sleep(0.05))
        subscription = Subscription(loop, SimpleNamespace(unsubscribe=lambda _: None), inner)
        raised = []

        def get():
            try:
                subscription.get(0.3)
            except TimeoutError as error:
                raised.append(error)

        thread = threading.Thread(target=get, daemon=True)
        began = time.monotonic()
        thread.start()
        self.ended([thread])
        self.assertEqual(len(raised), 1)
        self.assertGreater(time.monotonic() - began, 0.29)

    def test_what_nobody_iterates_any_more_ends(self):
        mq = self.connect()
        kept = mq.subscribe("other", group="g")
        mq.publish_batch("t", [str(number) for number in range(50)])
        for message in mq.subscribe("t", group="g", start="all"):
            message.ack()
            break
        self.node.until(lambda: len(self.node.leased("t")) + len(self.node.acknowledged("t")) == 50)
        gc.collect()
        self.node.until(lambda: len(self.node.acknowledged("t")) == 1)
        self.assertNotEqual(self.node.leased("t"), [], "it has the message, which can still be settled")
        del message
        gc.collect()
        self.node.until(lambda: not self.node.leased("t"))
        other = mq.subscribe("t", group="g")
        self.assertEqual([other.get(PATIENCE).data for _ in range(49)], [str(number) for number in range(1, 50)])
        mq.publish("other", "x")
        self.assertEqual(kept.get(PATIENCE).data, "x")

    def test_a_wrong_argument_costs_its_caller_alone(self):
        mq = self.connect()
        subscription = mq.subscribe("t", group="g")
        mq.publish_batch("t", ["a", "b", "c"])
        first, second, third = (subscription.get(PATIENCE) for _ in range(3))
        first.ack()
        self.assertRaises(TypeError, second.nack, reason=ValueError("x"))
        self.assertRaises((TypeError, ValueError), second.nack, delay="soon")
        third.ack()
        self.assertRaises(ValueError, subscription.set_credit, -1)
        self.assertRaises(TypeError, subscription.set_credit, "1")
        mq.flush()
        self.assertEqual(len(self.node.acknowledged("t")), 2)
        second.nack(3600, "later \ud800")
        mq.flush()
        self.assertEqual([one.groups["g"][:2] for one in self.node.waiting("t")], [("retrying", 1)])

    def test_what_is_published_is_several(self):
        mq = self.connect()
        for wrong in ("xyz", b"xyz"):
            self.assertRaises(TypeError, mq.publish_batch, "t", wrong)
            self.assertRaises(TypeError, mq.publish_many, "t", wrong)
        for wrong in (0, -1):
            self.assertRaises(ValueError, mq.publish_many, "t", ["a"], batch=wrong)
        self.assertEqual(self.node.messages("t"), [])


class ClassicTests(ThreadsCase):
    """The original's functions share the thread."""

    def test_close_all_beside_those_who_send_and_receive(self):
        place = {"MqAddr": "127.0.0.1", "MqPort": str(self.node.port), "MqProtocol": "ws", "Topic": "t"}
        place |= {"SecretKey": "test", "CheckTime": 0.1}
        for _ in range(3):
            connections = classic.Connections()
            self.addCleanup(connections.close_all, linger=0)
            connections.new_producer_conn(classic.Producer(ProducerId="P", **place))
            connections.new_consumer_conn(classic.Consumer(ConsumerId="C", **place))

            def send(connections=connections):
                while True:
                    connections.producer_send("P", "a", 0)

            def receive(connections=connections):
                while True:
                    connections.consumer_receive("C")

            senders, sent = together(send, 8)
            receivers, received = together(receive, 8)
            self.node.until(lambda: self.node.messages("t"))
            connections.close_all(linger=1)
            self.ended([*senders, *receivers])
            # ValueError: its id is known no more.
            self.assertLessEqual({type(error) for error in (*sent, *received)}, {Closed, ValueError})
            names = [thread.name for thread in threading.enumerate()]
            self.assertNotIn("kapokmq client", names)
            self.assertRaises(Closed, connections._call, asyncio.sleep(0))  # by one who is too late
