"""What a handler of the blocking face says of a message itself holds: it is not acknowledged on top when it returns."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.client import connect
from kapokmq.testing import MemoryNode

COUNT = 50


class SettlingTests(SynchronousTestCase):
    def setUp(self):
        self.node = MemoryNode()
        self.addCleanup(self.node.close)
        self.mq = connect(self.node.serve(), key="test")
        self.addCleanup(self.mq.close)

    def handle(self, settle):
        """Have many messages handled."""
        seen = []

        @self.mq.handler("t", group="g", concurrency=4)
        def handler(message):
            settle(message)
            seen.append(message.code)

        self.mq.publish_many("t", range(COUNT))
        self.node.until(lambda: len(seen) == COUNT)
        self.mq.flush()

    def test_a_nack(self):
        self.handle(lambda message: message.nack(3600, "later"))
        self.node.until(lambda: not self.node.leased("t"))
        self.assertEqual(self.node.acknowledged("t"), [])
        self.assertEqual({one.groups["g"][:3] for one in self.node.waiting("t")}, {("retrying", 1, "later")})
        self.assertEqual(len(self.node.waiting("t")), COUNT)

    def test_an_ack_and_then_an_error(self):
        def settle(message):
            message.ack()
            raise ZeroDivisionError

        seen = []

        @self.mq.handler("t", group="g")
        def handler(message):
            seen.append(message.code)
            settle(message)

        with self.assertLogs("kapokmq.client", "ERROR"):
            self.mq.publish_many("t", range(COUNT))
            self.node.until(lambda: len(self.node.acknowledged("t")) == COUNT)
        self.assertEqual(len(seen), COUNT)
