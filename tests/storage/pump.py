"""A store's results, brought back by hand: no reactor, and hypothesis can drive it."""

from collections.abc import Callable
from queue import SimpleQueue

from twisted.internet.defer import Deferred

PATIENCE = 60  # seconds until a test that hangs fails


class Pump:
    """What stands in for `reactor.callFromThread`."""

    def __init__(self):
        self.calls = 0
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def __call__(self, call):
        self.calls += 1
        self._calls.put(call)

    def wait(self, waited: Deferred):
        """Run calls until a Deferred has fired; gives its result, or raises what it failed with."""
        outcome = []
        waited.addBoth(outcome.append)
        while not outcome:
            self._calls.get(timeout=PATIENCE)()
        if hasattr(outcome[0], "raiseException"):
            outcome[0].raiseException()
        return outcome[0]
