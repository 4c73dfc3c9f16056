"""A process that publishes on and on, by several callers of one client. It says how it fares for each line it reads.

`python -m tests.client.stalling FACE PORT`; the line "enough" ends the publishing, and "end" the process.
"""

import asyncio
import json
import os
import sys
import threading
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from kapokmq import client
from kapokmq.client import Bounds, aio, tx

BOUNDS = Bounds(publishes=100, messages=8_000, size=8 << 20)
TEXT = "x" * (1 << 10)
BATCH = 2_000  # so that what UNDER_WAY allows is far beyond the bounds
CALLERS = 4  # of publish_batch, beside publish_many
OPTIONS = {"key": "test", "bounds": BOUNDS, "linger": 60.0}


class Load:
    """Texts until it is enough; how many were taken, and how many confirmed."""

    def __init__(self, url):
        self.url = url
        self.enough = False
        self.taken = self.confirmed = 0
        self.client = None
        self.lock = threading.Lock()

    def texts(self):
        """Endless ones."""
        while not self.enough:
            self.taken += 1
            yield TEXT

    def batch(self):
        """A hundred of them."""
        with self.lock:
            self.taken += 100
        return [TEXT] * 100

    def blocking(self):
        """Publish with the blocking face."""
        with client.connect(self.url, **OPTIONS) as self.client:
            threads = [threading.Thread(target=self._blocking_caller) for _ in range(CALLERS)]
            for thread in threads:
                thread.start()
            count = self.client.publish_many("t", self.texts(), batch=BATCH)
            for thread in threads:
                thread.join()
            self.confirmed += count

    def _blocking_caller(self):
        while not self.enough:
            count = len(self.client.publish_batch("t", self.batch()).codes)
            with self.lock:
                self.confirmed += count

    def aio(self):
        """Publish with that for asyncio."""
        asyncio.run(self._aio())

    async def _aio(self):
        async with aio.connect(self.url, **OPTIONS) as self.client:
            callers = [asyncio.create_task(self._caller()) for _ in range(CALLERS)]
            count = await self.client.publish_many("t", self.texts(), batch=BATCH)
            await asyncio.gather(*callers)
            self.confirmed += count

    async def _caller(self):
        while not self.enough:
            receipt = await self.client.publish_batch("t", self.batch())
            self.confirmed += len(receipt.codes)

    def tx(self):
        """Publish with that for Twisted."""

        async def work():
            self.client = tx.connect(self.url, **OPTIONS)
            self.client.startService()
            await self.client.when_connected()
            callers = [Deferred.fromCoroutine(self._caller()) for _ in range(CALLERS)]
            count = await self.client.publish_many("t", self.texts(), batch=BATCH)
            await gatherResults(callers)
            self.confirmed += count
            await self.client.stopService()

        reactor.callWhenRunning(lambda: Deferred.fromCoroutine(work()).addBoth(self._tx_ended))
        reactor.run(installSignalHandlers=False)

    def _tx_ended(self, outcome):
        if outcome is not None:
            outcome.printTraceback()
        reactor.stop()

    def look(self):
        """How it fares. `rss` is in bytes."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return {
            "taken": self.taken,
            "confirmed": self.confirmed,
            "pending": self.client.pending if self.client else 0,
            "rss": pages * os.sysconf("SC_PAGE_SIZE"),
        }


def say(load):
    sys.stdout.write(json.dumps(load.look()) + "\n")
    sys.stdout.flush()


def main(face, port):
    load = Load(f"ws://127.0.0.1:{port}")
    thread = threading.Thread(target=getattr(load, face), daemon=True)
    say(load)
    thread.start()
    for line in sys.stdin:
        if line == "enough\n":
            load.enough = True
        elif line == "end\n":
            thread.join(60)
        say(load)


if __name__ == "__main__":
    main(*sys.argv[1:])
