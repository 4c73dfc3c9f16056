"""How a client ends, and what the log has: nobody waits for what won't be, and a warning is one."""

import asyncio
import re

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from kapokmq.client import Closed, Unreachable, WrongKey, aio, tx
from kapokmq.client.classic import Producer
from kapokmq.client.classic.connections import Connections
from kapokmq.client.cluster import aio as cluster_aio
from kapokmq.client.cluster import tx as cluster_tx
from kapokmq.client.telling import State, Telling, undone
from kapokmq.testing import MemoryNode
from tests.cli.servers import nobody

PATIENCE = 10.0
BUG = "a bug: ZeroDivisionError"


def bug(*_):
    """What no session does."""
    return 1 / 0


def sessions(mq):
    """Of all connections."""
    return [mq.session] if not hasattr(mq, "cluster") else [node.session for node in mq.cluster.nodes.values()]


class TellingTests(SynchronousTestCase):
    def setUp(self):
        self.lines = []
        self.telling = Telling(lambda text, *, loud=False: self.lines.append((text, loud)), None)

    def test_who_is_away_is_loud_once(self):
        for wait in (0.1, 0.2):
            self.telling.away("a", State("lost", "a: cut", wait))
        self.telling.away("b", State("lost", "b: cut", 0.1))
        self.telling.there("a", "c")
        self.telling.away("a", State("lost", "a: cut", 0.1))
        self.assertEqual([loud for _, loud in self.lines], [True, False, True, True])
        self.assertEqual(self.lines[0][0], "lost: a: cut; again in 0.10 s")

    def test_on_state_fails_loudly(self):
        telling = Telling(self.telling._say, bug)
        telling.tell(State("connected", "node"))
        self.assertEqual([loud for _, loud in self.lines], [False, True])

    def test_what_was_left_undone(self):
        self.assertEqual(undone(3, 0), "3 messages unconfirmed")
        self.assertEqual(undone(0, 2), "2 messages in the hands of handlers")
        self.assertEqual(undone(3, 2), "3 messages unconfirmed, and 2 in the hands of handlers")
        self.assertEqual(undone(0, 0), "acks or nacks unanswered")


class AioTests(SynchronousTestCase):
    def setUp(self):
        self.node = MemoryNode()
        self.addCleanup(self.node.close)
        self.url = self.node.serve()

    def run_with(self, work, **options):
        async def main():
            async with asyncio.timeout(PATIENCE):
                await work(aio.connect(self.url, **{"key": "test"} | options))

        asyncio.run(main())

    def test_flush_after_the_end(self):
        async def work(mq):
            await mq
            pending = asyncio.create_task(mq.publish("t", "a"))
            mq.session.take = list  # nothing is written
            await asyncio.sleep(0)
            with self.assertLogs("kapokmq.client", "WARNING") as logged:
                await mq.close()
            self.assertIn("closed with 1 messages unconfirmed", logged.output[0])
            with self.assertRaises(Closed):
                await pending
            with self.assertRaises(Closed):
                await mq.flush()

        self.run_with(work, linger=0)

    def test_several_wait_for_one_client(self):
        async def work(mq):
            self.assertEqual(await asyncio.gather(mq._opened(), mq._opened(), mq._opened()), [mq] * 3)
            await mq.close()
            with self.assertRaises(Closed):
                await mq

        async def one_gives_up(mq):
            others = [asyncio.create_task(mq._opened()) for _ in range(2)]
            await asyncio.sleep(0)
            others[1].cancel()
            self.assertIs(await others[0], mq)
            await mq.close()

        async def wrong(mq):
            outcomes = await asyncio.gather(mq._opened(), mq._opened(), return_exceptions=True)
            self.assertEqual([type(each) for each in outcomes], [WrongKey] * 2)

        async def late(_):
            mq = aio.connect(f"ws://127.0.0.1:{nobody()}", patience=0.1)
            outcomes = await asyncio.gather(mq._opened(), mq._opened(), return_exceptions=True)
            self.assertEqual([type(each) for each in outcomes], [Unreachable] * 2)

        self.run_with(work)
        self.run_with(one_gives_up)
        self.run_with(wrong, key="wrong")
        self.run_with(late)

    def test_who_can_not_write_or_read_ends_with_the_cause(self):
        async def breaks(mq, name):
            await mq
            for session in sessions(mq):
                setattr(session, name, bug)
            with self.assertLogs("kapokmq.client", "ERROR") as logged, self.assertRaisesRegex(Closed, BUG) as caught:
                await mq.publish("t", "a")
            self.assertIsInstance(caught.exception.__cause__, ZeroDivisionError)
            self.assertIn("ZeroDivisionError", "".join(logged.output))
            await mq.close()

        for name in ("take", "received"):
            self.run_with(lambda mq, name=name: breaks(mq, name))
            self.run_with(lambda _, name=name: breaks(cluster_aio.Cluster(nodes=[self.url], key="test"), name))

    def test_an_outage_is_one_warning(self):
        async def work(mq):
            await mq
            port = self.node.port
            with self.assertLogs("kapokmq.client", "INFO") as logged:
                self.node.close()
                for _ in range(int(PATIENCE / 0.01)):
                    await asyncio.sleep(0.01 if len(logged.records) < 4 else 0)
            lost = [each.levelname for each in logged.records if each.getMessage().startswith("lost")]
            self.assertEqual(lost, ["WARNING", *["INFO"] * (len(lost) - 1)])
            self.assertGreater(len(lost), 2)
            again = MemoryNode()
            self.addCleanup(again.close)
            again.serve(port)
            await mq.publish("t", "a")
            with self.assertLogs("kapokmq.client", "WARNING"):
                again.drop_connections()
                await mq.publish("t", "b")
            await mq.close()

        self.run_with(work, first_wait=0.01, longest_wait=0.02)


class ClassicTests(SynchronousTestCase):
    def test_a_loss_and_a_wrong_key_are_warnings(self):
        connections = Connections()
        place = {"MqAddr": "127.0.0.1", "Topic": "t", "CheckTime": 0.05}
        with MemoryNode() as node:
            node.serve()
            place["MqPort"] = node.port
            connections.new_producer_conn(Producer(ProducerId="p", SecretKey="test", **place))
            with self.assertLogs("kapokmq.client", "WARNING") as logged:
                node.drop_connections()
                node.until(lambda: logged.records)
            self.assertIn("lost", logged.output[0])
            with self.assertLogs("kapokmq.client", "WARNING") as logged, self.assertRaises(WrongKey):
                connections.new_producer_conn(Producer(ProducerId="other", SecretKey="wrong", **place))
            self.assertIn("key", logged.output[0])
            connections.producer_send("p", "a", timeout=PATIENCE)
            with self.assertNoLogs("kapokmq.client", "WARNING"):
                connections.close_all()


class TxTests(TestCase):
    timeout = 60

    def setUp(self):
        self.node = MemoryNode()
        self.addCleanup(self.node.close)
        self.url = self.node.serve()
        self.lines = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)

    def observe(self, event):
        if event.get("log_namespace", "").startswith("kapokmq.client"):
            self.lines.append((event["log_level"], event.get("text") or event.get("what") or ""))

    async def test_flush_after_the_end(self):
        mq = tx.connect(self.url, reactor, key="test", linger=0)
        mq.startService()
        await mq.when_connected()
        mq.session.take = list
        pending, flushed = mq.publish("t", "a"), mq.flush()
        await mq.stopService()
        for each in (pending, flushed, mq.flush()):
            await self.assertFailure(each.addTimeout(PATIENCE, reactor), Closed)
        self.assertIn((LogLevel.warn, "1 messages unconfirmed"), self.lines)

    async def test_who_can_not_write_or_read_ends_with_the_cause(self):
        for name in ("take", "received"):
            for make in (
                lambda: tx.connect(self.url, reactor, key="test"),
                lambda: cluster_tx.Cluster(nodes=[self.url], reactor=reactor, key="test"),
            ):
                mq = make()
                mq.startService()
                await mq.when_connected()
                for session in sessions(mq):
                    setattr(session, name, bug)
                asked = mq.publish("t", "a").addTimeout(PATIENCE, reactor)
                error = await self.assertFailure(asked, Closed)
                self.assertTrue(re.match(BUG, str(error)), error)
                self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
                await mq.stopService()

    async def test_an_outage_is_one_warning(self):
        mq = tx.connect(self.url, reactor, key="test", first_wait=0.01, longest_wait=0.02)
        mq.startService()
        await mq.when_connected()
        self.node.close()
        while len(lost := [level for level, text in self.lines if text.startswith("lost")]) < 3:
            await deferLater(reactor, 0.01)
        self.assertEqual(lost[:3], [LogLevel.warn, LogLevel.info, LogLevel.info])
        await mq.stopService()

    async def test_several_wait_for_a_connection(self):
        mq = tx.connect(self.url, reactor, key="wrong")
        mq.startService()
        waiting: list[Deferred[None]] = [mq.when_connected(), mq.when_connected()]
        await gatherResults([self.assertFailure(each.addTimeout(PATIENCE / 2, reactor), WrongKey) for each in waiting])
        await mq.stopService()
