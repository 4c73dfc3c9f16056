"""The threads that handle messages: what they are given, what becomes of errors, and who is told."""

import functools
import sys

from kapokmq.client import Gone, Unreachable
from tests.client.threads import ThreadsCase, together


class HandlerTests(ThreadsCase):
    def test_what_would_not_run_is_refused(self):
        mq = self.connect()

        async def coroutine(message):
            pass

        def generator(message):
            yield

        class Later:
            async def __call__(self, message):
                pass

        for wrong in (coroutine, generator, Later(), functools.partial(coroutine), None):
            self.assertRaises(TypeError, mq.handler("t", group="g"), wrong)
        self.assertRaises(ValueError, mq.handler, "t", concurrency=0)
        self.assertEqual(self.node.topics(), [])

    def test_a_coroutine_is_not_taken_for_done(self):
        mq = self.connect()

        async def coroutine(message):
            pass

        with self.assertLogs("kapokmq.client", "ERROR"):
            mq.handler("t", group="g")(lambda message: coroutine(message) if message else None)
            mq.publish("t", "a")
            self.node.until(lambda: any("coroutine" in one.groups["g"].reason for one in self.node.messages("t")))
        self.assertEqual(self.node.acknowledged("t"), [])

    def test_sys_exit_is_a_failure_like_others(self):
        mq = self.connect()

        @mq.handler("t", group="g")
        def handler(message):
            if message.data == "exit":
                sys.exit("enough")
            if message.data == "odd":
                raise ValueError("\ud800")

        with self.assertLogs("kapokmq.client", "ERROR"):
            mq.publish_batch("t", ["exit", "odd", "a", "b"])
            self.node.until(lambda: len(self.node.acknowledged("t")) == 2)
            self.node.until(lambda: not self.node.leased("t"))
        reasons = {one.data: one.groups["g"].reason for one in self.node.messages("t")}
        self.assertEqual(reasons["exit"], "SystemExit: enough")
        self.assertIn("ValueError", reasons["odd"])

    def test_run_raises_what_ended_a_handler(self):
        mq = self.connect()
        mq.handler("other", group="g")(print)
        mq.handler("t", group="g", concurrency=2)(print)
        threads, raised = together(mq.run, 1)
        with self.assertLogs("kapokmq.client", "ERROR") as said:
            self.node.delete_topic("t")
            self.ended(threads)
        self.assertEqual([type(error) for error in raised], [Gone])
        self.assertIn("gone", said.output[0])
        self.assertRaises(Gone, mq.run)

    def test_run_raises_that_the_broker_is_away(self):
        mq = self.connect(absence=0.2)
        mq.handler("t", group="g")(print)
        with self.assertLogs("kapokmq.client", "ERROR"):
            self.node.close()
            threads, raised = together(mq.run, 1)
            self.ended(threads)
        self.assertEqual([type(error) for error in raised], [Unreachable])

    def test_run_ends_with_the_client(self):
        mq = self.connect()
        mq.handler("t", group="g", concurrency=3)(print)
        threads, raised = together(mq.run, 1)
        mq.close()
        self.ended(threads)
        self.assertEqual(raised, [])
