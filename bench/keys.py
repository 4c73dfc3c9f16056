"""`python -m bench.keys [--keys N] [--commits N] [--folder DIR]`: commits with and without keys over a table of keys.

The store alone, in this process and with fsync: first while the main thread idles, then beside one that is busy as a
reactor under load is. Half of the keys are of the window before this one. `--cold` empties the page cache of the
machine now and then, which takes root.
"""

import argparse
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from queue import Empty, SimpleQueue

from kapokmq.core.commit import Commit, HourRow, KeyRow, NextRow, RemovedRow, TopicRow
from kapokmq.core.message import Message, make_id
from kapokmq.storage.sqlite import SQLiteStore
from kapokmq.tap import SWITCH_INTERVAL

MESSAGES = 10_000  # a commit
BUCKET = 1_000
SLICE = 2_000  # rows, as services/tidying.py takes them
KINDS = {"unkeyed": None, "all new": 0.0, "1 % repeated": 0.01, "all repeated": 1.0}  # share of repeated keys
CACHES = Path("/proc/sys/vm/drop_caches")


class Driver:
    """Hands commits to a store and runs what it calls back. Key n is the n-th that was ever new."""

    def __init__(self, path):
        self._path, self._calls = path, SimpleQueue()
        self._offset = self._keys = 0
        self._random = random.Random(1)  # noqa: S311 -- no secret
        self.is_busy = False

    def open(self):
        """Open the store, and begin to learn its keys."""
        self.store = SQLiteStore(str(self._path), entropy=os.urandom, callback=self._calls.put)
        self.store.open(0)

    def wait(self, waited):
        """What a Deferred fires with."""
        outcome = []
        waited.addBoth(outcome.append)
        while not outcome:
            self.turn()
        if hasattr(outcome[0], "raiseException"):
            outcome[0].raiseException()
        return outcome[0]

    def turn(self):
        """One turn of what stands for the reactor."""
        if self.is_busy:
            sum(number * number for number in range(50_000))
        with suppress(Empty):
            self._calls.get(not self.is_busy, 0.1)()
            while True:
                self._calls.get_nowait()()

    def estimate(self):
        """Keys of the store: whether all are known, and the estimate's bytes."""
        keys = self.store._opened.keys  # noqa: SLF001 -- nobody else wants to know
        words = keys._filter and keys._filter._words  # noqa: SLF001
        return keys.is_read, len(words) * words.itemsize if words else 0

    def learn(self):
        """Until the store has learned its keys. Gives seconds."""
        start = time.perf_counter()
        while not self.estimate()[0]:
            self.turn()
        return time.perf_counter() - start

    def commit(self, share=0.0, bucket=BUCKET, *, are_kept=True):
        """Publish with so many repeated keys, None: without keys. Gives the seconds until it was durable."""
        first = make_id(1, self._offset)
        self._offset += MESSAGES
        ids = range(first, first + MESSAGES)
        repeated = int(MESSAGES * share) if share else 0
        known = self._random.sample(range(self._keys), repeated)
        names = [None] * MESSAGES
        if share is not None:
            new = MESSAGES - repeated
            names = [_key(number) for number in (*known, *range(self._keys, self._keys + new))]
            self._keys += new
            self._random.shuffle(names)
        handed = Commit(
            topics=[TopicRow(1, "bench")],
            keys=[KeyRow(1, bucket, name, one, 1) for one, name in zip(ids, names, strict=True) if name],
            nexts=[NextRow(1, self._offset)],
            publishes=[Message(one, 1, 0, 0, None, None, name, None, "x" * 100) for one, name in zip(ids, names)],  # noqa: B905
            removed=[] if are_kept else [RemovedRow(first, first + MESSAGES - 1)],
            hours=[HourRow(1, 0, MESSAGES, 0, 0, 0, 0, 0, 0)],
        )
        start = time.perf_counter()
        outcome = self.wait(self.store.commit(handed))
        seconds = time.perf_counter() - start
        assert len(outcome.duplicates) == repeated, (len(outcome.duplicates), repeated)
        return seconds


def _key(number):
    return blake2b(number.to_bytes(8), digest_size=16).hexdigest()


def _rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def _report(title, found):
    print(f"{title}\n  {'commits of 10,000':<20}{'number':>7}{'median ms':>11}{'p90':>8}{'max':>8}{'ratio':>8}")
    medians = {}
    for kind, values in found.items():
        values.sort()
        medians[kind] = values[len(values) // 2] * 1000
        p90, most = values[int(len(values) * 0.9)] * 1000, values[-1] * 1000
        ratio = medians[kind] / medians["unkeyed"]
        print(f"  {kind:<20}{len(values):>7}{medians[kind]:>11.1f}{p90:>8.1f}{most:>8.1f}{ratio:>8.2f}", flush=True)


def _alternate(driver, rounds, before=lambda: None):
    """So many commits of each kind by turns."""
    found = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind, share in KINDS.items():
            before()
            found[kind].append(driver.commit(share))
    return found


def _restart(driver, title, before=lambda: None):
    driver.wait(driver.store.close())
    before()
    memory, start = _rss(), time.perf_counter()
    driver.open()
    print(f"{title}: opened in {(time.perf_counter() - start) * 1000:.0f} ms")
    seconds = driver.learn()
    took = f"its keys known {seconds:.1f} s later, {driver.estimate()[1] >> 20} MiB of estimate"
    print(f"  {took}; RSS of the process {memory} -> {_rss()} MiB")
    driver.wait(driver.store.close())
    before()
    driver.open()
    _report(f"{title}, just opened", _alternate(driver, 5))
    driver.learn()


def _tidy(driver):
    """The window passes: half of the keys go. Commits with keys come between the slices."""
    slices, commits, taken = [], [], SLICE
    begun = time.perf_counter()
    while taken >= SLICE:
        start = time.perf_counter()
        taken = driver.wait(driver.store.tidy(0, [(1, BUCKET + 1)], SLICE))
        slices.append(time.perf_counter() - start)
        if len(slices) % 100 == 0:
            commits.append(driver.commit(0.0, BUCKET + 1))
    seconds = time.perf_counter() - begun
    worst = f"slowest {max(slices) * 1000:.0f} ms, slowest commit between them {max(commits, default=0) * 1000:.0f} ms"
    print(f"forgetting the older keys: {len(slices):,} slices of {SLICE:,} in {seconds:.0f} s, {worst}")


def _drop():
    os.sync()
    CACHES.write_text("3")


def main():
    parser = argparse.ArgumentParser(prog="bench.keys", description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000_000, help="keys in the table (default: 10,000,000)")
    parser.add_argument("--commits", type=int, default=20, help="commits of each kind (default: 20)")
    parser.add_argument("--folder", type=Path, help="where to make the store's folder (default: the system's)")
    parser.add_argument("--cold", action="store_true", help="measure with an empty page cache too")
    given = parser.parse_args()
    sys.setswitchinterval(SWITCH_INTERVAL)
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()}")
    folder = Path(tempfile.mkdtemp(prefix="kapokmq-bench-", dir=given.folder))
    try:
        _run(Driver(folder / "store.db"), given)
    finally:
        shutil.rmtree(folder)


def _run(driver, given):
    driver.open()
    start, fills = time.perf_counter(), given.keys // MESSAGES
    filling = [driver.commit(0.0, BUCKET - (number < fills // 2), are_kept=False) for number in range(fills)]
    print(f"filled in {time.perf_counter() - start:.0f} s, slowest commit {max(filling) * 1000:.0f} ms", flush=True)
    _restart(driver, "warm")
    _report("main thread idle", _alternate(driver, given.commits))
    driver.is_busy = True
    _report("main thread busy", _alternate(driver, given.commits))
    driver.is_busy = False
    if given.cold:
        _restart(driver, "cold", _drop)
        _report("page cache emptied before each", _alternate(driver, 5, _drop))
    _tidy(driver)
    driver.wait(driver.store.close())


if __name__ == "__main__":
    main()
