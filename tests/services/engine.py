"""An engine over a scripted store, with a clock that tests move, and those who publish and consume."""

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.engine import Wish
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.message import Draft
from kapokmq.core.rules import Rules
from kapokmq.services.embedded import EmbeddedEngine
from tests.services.stores import ScriptedStore

BEGIN = 1_800_000_000_000  # wall milliseconds at which every test begins


class Publisher:
    """Notes what it is told."""

    def __init__(self, log=None, *, positional=True):
        self.positional = positional
        self.log = log if log is not None else []
        self.receipts = []
        self.paused = False

    def confirmed(self, receipts):
        self.receipts += receipts
        self.log.append(("confirmed", sum(receipt.count for receipt in receipts)))

    def refused(self, receipts, reason):
        self.log.append(("refused", sum(receipt.count for receipt in receipts)))

    def pause(self):
        self.paused = True

    def resume(self):
        self.paused = False


class Receiver:
    """Keeps what it gets."""

    address, number = "192.0.2.7", 7

    def __init__(self, log=None, label="c"):
        self.label = label
        self.got = []
        self.codes = []
        self.attempts = []
        self.reason = None
        self.log = log if log is not None else []

    def deliver(self, delivery):
        self.got += [message.data for message in delivery.messages]
        self.codes += delivery.codes
        self.attempts += delivery.attempts or [1] * len(delivery.codes)
        self.log.append(("delivered", len(delivery.messages)))

    def dismissed(self, reason):
        self.reason = reason


def drafts(*bodies, delay=0):
    return [Draft(body, delay, delay * 1000) for body in bodies]


class EngineCase(SynchronousTestCase):
    rules = Rules()

    def make(self, rules=None, *, again=False, rate=1000.0, **store):
        """A new engine: over a new store, or `again` over the one before."""
        if not again:
            self.clock = Clock()
            self.store = self.new_store(**store)
        self.commits = []
        self.engine = EmbeddedEngine(
            rules or self.rules,
            self.store,
            clock=self.clock,
            wall=self.wall,
            choose=lambda members, n: [members[0]] * n,
            observe=lambda seconds, messages: self.commits.append(messages),
            dead_letter_rate=rate,
        )
        self.engine.open()
        self.admin = self.engine.admin
        self.clock.advance(0)
        return self.engine

    def new_store(self, **how):
        return ScriptedStore(**how)

    def wall(self):
        return BEGIN + int(self.clock.seconds() * 1000)

    def turn(self, times=10):
        for _ in range(times):
            self.clock.advance(0)

    def wait(self, seconds):
        """Let time pass, and what it brings be done."""
        self.clock.advance(seconds)
        self.turn()

    def coroutine(self, awaitable):
        done = ensureDeferred(awaitable) if not isinstance(awaitable, Deferred) else awaitable
        self.turn()
        return done

    def answer(self, awaitable):
        """What it comes to, at once."""
        return self.successResultOf(self.coroutine(awaitable))

    def fails(self, awaitable, error=StoreUnavailable):
        """What it raises, at once."""
        return self.failureResultOf(self.coroutine(awaitable), error).value

    def groups(self, *topics):
        """Those of these topics, or of all."""
        return self.answer(self.admin.groups(topics or None))

    def publisher(self, **how):
        publisher = Publisher(**how)
        self.engine.attach(publisher)
        return publisher

    def send(self, topic, *bodies, **how):
        """Publish these; gives their codes."""
        return self.answer(self.engine.send(topic, drafts(*bodies, **how))).codes

    def join(self, pattern, group="g", credit=100, *, flowing=True, label="c", **how):
        """Somebody who consumes; gives it and its subscription."""
        receiver = Receiver(label=label)
        subscription = self.answer(self.engine.join(receiver, pattern, Wish(group, credit, **how)))
        if flowing:
            self.engine.drained(subscription)
            self.turn()
        return receiver, subscription
