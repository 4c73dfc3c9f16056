"""Threads that share clients of a broker in memory."""

import threading
import time

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.client import connect
from kapokmq.testing import MemoryNode
from tests.integration.broker import PATIENCE

CALLERS = 16


def together(function, count=CALLERS):
    """Have so many threads call it; gives what ends them, and the list of what they raised."""
    raised = []

    def work():
        try:
            function()
        except BaseException as error:  # noqa: BLE001
            raised.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, raised


class ThreadsCase(SynchronousTestCase):
    """A node, and clients of it."""

    def setUp(self):
        self.node = MemoryNode()
        self.addCleanup(self.node.close)
        self.url = self.node.serve()

    def connect(self, **options):
        mq = connect(self.url, **{"key": "test", "first_wait": 0.02, "longest_wait": 0.1} | options)
        self.addCleanup(mq.close)
        return mq

    def ended(self, threads):
        """None of them lasts."""
        until = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        self.assertEqual([thread.is_alive() for thread in threads], [False] * len(threads))
