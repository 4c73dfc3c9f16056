"""Generators in processes of their own, started at one word, and what they and the broker spent meanwhile.

A load is a function `load(stage, **given)`: it makes its connections, calls `stage.start()`, which returns when all
loads are ready, works until it is done or `stage.is_over()`, and returns what it found. Times are `perf_counter`'s,
which all processes of a machine share.
"""

import contextlib
import multiprocessing
import resource
import signal
import time
import traceback
from multiprocessing.connection import wait

from bench.node import Span, die_with_parent

LIMIT = 120.0
_fork = multiprocessing.get_context("fork")


class Stage:
    """What a load knows of the others: when to begin, when it must end, and how many messages there will be."""

    def __init__(self, total, seconds):
        self._pipe = None
        self._seconds = seconds
        self._total = _fork.RawValue("q", total)

    @property
    def total(self):
        """How many messages there will be in all. Who sends lowers it when time is up."""
        return self._total.value

    @total.setter
    def total(self, number):
        self._total.value = number

    def start(self):
        """Say that this load is ready, wait for the others, and begin."""
        self._pipe.send(("ready", None))
        self._pipe.recv()
        self.begun = time.perf_counter()
        self._spent = time.process_time()

    def is_over(self):
        """Whether no more should be sent: the time for this measurement is up."""
        return time.perf_counter() - self.begun > self._seconds

    def check(self):
        """Raise TimeoutError when even what was sent should long have come."""
        if time.perf_counter() - self.begun > self._seconds + LIMIT:
            raise TimeoutError("what was sent does not come")

    def run(self, pipe, load, given):
        """The life of the process."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent()
        self._pipe = pipe
        try:
            found = load(self, **given)
            pipe.send(("done", (time.perf_counter(), time.process_time() - self._spent)))
            pipe.recv()
            pipe.send(("found", found))
        except Exception:  # noqa: BLE001 -- told to who waits for it
            pipe.send(("failed", traceback.format_exc()))


class Measured:
    """One measurement: `found` of each load, `seconds` from the word to the end of the last, and what that took."""

    def __init__(self, broker, loads, *, total=0, seconds=60.0, patience=LIMIT):
        self._stage = Stage(total, seconds)
        self._patience = seconds + patience
        self._crew = []
        try:
            for load, given in loads:
                ours, theirs = _fork.Pipe()
                process = _fork.Process(target=self._stage.run, args=(theirs, load, given), daemon=True)
                process.start()
                theirs.close()
                self._crew.append((process, ours))
            self._hear("ready")
            span = Span(broker)
            self._tell()
            ends = self._hear("done")
            span.end()
            self.seconds = max(end for end, _ in ends) - span.begun
            self.load = sum(spent for _, spent in ends) / self.seconds
            self.cpu, self.rss, self.syncs, self.pause = span.cpu, span.rss, span.syncs, span.pause
            self._tell()
            self.found = self._hear("found")
            self.total = self._stage.total
        finally:
            self._dismiss()

    def _tell(self):
        for _, pipe in self._crew:
            pipe.send("go on")

    def _hear(self, wanted):
        """What each says next, in order. Raises RuntimeError if one fails, TimeoutError if one is silent."""
        heard, deadline = {}, time.monotonic() + self._patience
        pipes = [pipe for _, pipe in self._crew]
        while len(heard) < len(pipes):
            ready = wait([pipe for pipe in pipes if pipe not in heard], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"a load was not {wanted} within {self._patience:.0f} s")
            for pipe in ready:
                try:
                    kind, what = pipe.recv()
                except EOFError:
                    kind, what = "failed", "a load's process has died"
                if kind != wanted:
                    raise RuntimeError(what)
                heard[pipe] = what
        return [heard[pipe] for pipe in pipes]

    def _dismiss(self):
        for process, pipe in self._crew:
            with contextlib.suppress(OSError):
                pipe.close()
            process.join(1)
            if process.is_alive():
                process.kill()
            process.join()

    def fields(self):
        """The fields of a row that this knows, but for the rate and latencies."""
        extra = {} if self.pause is None else {"longest loop delay ms": round(self.pause * 1000, 1)}
        return {
            "seconds": self.seconds,
            "cpu": self.cpu,
            "load": self.load,
            "rss": self.rss,
            "syncs": self.syncs,
            "extra": extra,
        }


def raise_file_limit():
    """As many open files as the machine lets us have. Gives the number."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
