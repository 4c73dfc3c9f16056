"""`python -m tests.integration.mutant`: a node whose store syncs only at checkpoints, for test_fsync.py to find out."""

import os
import random
import time

from twisted.internet import reactor

from kapokmq.services.config import load
from kapokmq.services.node import Node
from kapokmq.storage.sqlite import SQLiteStore


class Mutant(Node):
    """A node with `synchronous=NORMAL`."""

    def _make_store(self):
        return SQLiteStore(
            self.settings.store.path, entropy=os.urandom, callback=reactor.callFromThread, synchronous="normal"
        )


def main():
    """Serve until SIGTERM."""
    draw = random.Random(1)  # noqa: S311 -- fairness, not secrecy
    node = Mutant(
        load(), reactor=reactor, wall=time.time, entropy=os.urandom, choose=lambda all_, n: draw.choices(all_, k=n)
    )
    node.startService()
    reactor.addSystemEventTrigger("before", "shutdown", node.stopService)
    reactor.run()


if __name__ == "__main__":
    main()
