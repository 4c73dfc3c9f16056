"""Handlers of both loops that cancel, are cancelled, or are of another kind than is usual."""

import asyncio

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from kapokmq.client import aio, tx
from kapokmq.client.cluster import tx as cluster_tx
from kapokmq.testing import MemoryNode

PATIENCE = 10.0


class Case:
    def setUp(self):
        self.node = MemoryNode()
        self.addCleanup(self.node.close)
        self.url = self.node.serve(live=True)
        self.node.create_group("t", "g", backoff=0.1)

    def check(self, seen, client):
        """All were handled, the first of them twice, and nothing is left in hand."""
        self.assertEqual(sorted(seen), ["a", "a", "b", "c"])
        self.assertEqual(len(self.node.acknowledged("t")), 3)
        self.assertEqual([each.inbox.in_hand for each in client._subscriptions.values()], [set()])


class Whim:
    """Fails at its first message as it is told."""

    def __init__(self, fail):
        self.fail, self.seen = fail, []

    def __call__(self, message):
        self.seen.append(message.data)
        if len(self.seen) == 1:
            self.fail()


class Mute(Exception):
    def __str__(self):
        raise ZeroDivisionError


async def until(wanted):
    """Wait for it, in asyncio."""
    for _ in range(int(PATIENCE / 0.01)):
        if wanted():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def failures():
    """What a handler may fail with."""

    def fails(error):
        def fail():
            raise error

        return fail

    return [fails(asyncio.CancelledError()), fails(CancelledError()), fails(Mute()), fails(ValueError("\ud800"))]


class AioTests(Case, SynchronousTestCase):
    def run_with(self, work, **options):
        async def main():
            async with asyncio.timeout(PATIENCE), aio.connect(self.url, key="test", **options) as mq:
                return await work(mq)

        return asyncio.run(main())

    async def handled(self, mq, handler, seen):
        mq.handler("t", group="g")(handler)
        await mq.publish_batch("t", ["a", "b", "c"])
        await until(lambda: len(seen) == 4 and mq.session.settled)
        self.check(seen, mq)

    def test_whatever_it_fails_with_the_next_message_comes(self):
        for fail in failures():
            self.setUp()
            whim = Whim(fail)

            async def handler(message, whim=whim):
                whim(message)

            with self.assertLogs("kapokmq.client", "ERROR"):
                self.run_with(lambda mq, handler=handler, whim=whim: self.handled(mq, handler, whim.seen))

    def test_a_plain_function(self):
        whim = Whim(lambda: 1 / 0)
        with self.assertLogs("kapokmq.client", "ERROR") as logged:
            self.run_with(lambda mq: self.handled(mq, whim, whim.seen))
        self.assertEqual(len(logged.records), 1)

    def test_one_that_is_cancelled_gives_its_message_back(self):
        self.node.create_group("t", "slow", backoff=3600)

        async def work(mq):
            begun = asyncio.Event()

            @mq.handler("t", group="slow")
            async def handler(_):
                begun.set()
                await asyncio.sleep(PATIENCE)

            await mq.publish("t", "a")
            await begun.wait()
            mq._handlers[0].cancel()
            await until(lambda: [each.groups["slow"].failures for each in self.node.waiting("t", "slow")] == [1])

        with self.assertNoLogs("kapokmq.client", "ERROR"):
            self.run_with(work, linger=0)

    def test_who_waits_for_run_no_more_stops_nothing(self):
        async def work(mq):
            begun, done = asyncio.Event(), asyncio.Event()

            @mq.handler("t", group="g")
            async def handler(_):
                begun.set()
                await done.wait()

            await mq.publish("t", "a")
            await begun.wait()
            with self.assertRaises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await mq.run()
            done.set()

        self.run_with(work)
        self.assertEqual(len(self.node.acknowledged("t")), 1)

    def test_one_that_swallows_its_cancel_does_not_stop_close(self):
        async def work(mq):
            begun, done = asyncio.Event(), asyncio.Event()

            @mq.handler("t", group="g")
            async def handler(_):
                begun.set()
                while not done.is_set():
                    try:
                        await done.wait()
                    except asyncio.CancelledError:
                        continue

            await mq.publish("t", "a")
            await begun.wait()
            with self.assertLogs("kapokmq.client", "WARNING") as logged:
                await mq.close()
            done.set()
            return "".join(logged.output)

        text = self.run_with(work, linger=0.05)
        self.assertIn("closed with 1 messages in the hands of handlers", text)
        self.assertIn("1 handlers go on", text)


class TxTests(Case, TestCase):
    timeout = 60

    async def connected(self, **options):
        mq = tx.connect(self.url, reactor, key="test", **options)
        mq.startService()
        await mq.when_connected()
        self.addCleanup(lambda: mq.stopService() if mq.running else None)
        return mq

    async def until(self, wanted):
        for _ in range(int(PATIENCE / 0.01)):
            if wanted():
                return
            await deferLater(reactor, 0.01)
        self.fail("it lasts")

    async def test_whatever_it_fails_with_the_next_message_comes(self):
        for fail in failures():
            self.setUp()
            mq = await self.connected()
            whim = Whim(fail)
            mq.handler("t", group="g")(whim)
            await mq.publish_batch("t", ["a", "b", "c"])
            await self.until(lambda whim=whim, mq=mq: len(whim.seen) == 4 and mq.session.settled)
            self.check(whim.seen, mq)
            self.assertTrue(self.flushLoggedErrors())
            await mq.stopService()

    async def test_all_that_last_are_cancelled_and_stopping_ends(self):
        mq = await self.connected(linger=0.1)
        begun, cancelled = [], []

        @mq.handler("t", group="g", concurrency=3)
        def handler(message):
            begun.append(message)
            return Deferred(cancelled.append)

        await mq.publish_batch("t", ["a", "b", "c"])
        await self.until(lambda: len(begun) == 3)
        stopped = mq.stopService()
        await stopped.addTimeout(PATIENCE, reactor)
        self.assertEqual(len(cancelled), 3)

    async def test_one_that_stops_the_client(self):
        mq = await self.connected(linger=0.1)
        told = []

        @mq.handler("t", group="g")
        async def handler(_):
            await mq.stopService()
            told.append("stopped")

        await mq.publish("t", "a")
        await self.until(lambda: told)

    async def test_of_a_cluster(self):
        mq = cluster_tx.Cluster(nodes=[self.url], reactor=reactor, key="test")
        mq.startService()
        await mq.when_connected()
        whim = Whim(lambda: 1 / 0)
        mq.handler("t", group="g")(whim)
        await mq.publish_batch("t", ["a", "b", "c"])
        await self.until(lambda: len(whim.seen) == 4 and mq.session.settled)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        await mq.stopService()
