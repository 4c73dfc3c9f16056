"""The commit pipeline: one commit at a time, the next one fills while it runs.

A commit that fails is tried again every second. Whoever can be told is refused at once; classic producers, whose `ok`s
are positional, wait for `PATIENCE` seconds and are then refused (and closed by that) too.
"""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kapokmq.core.broker import Broker
from kapokmq.core.commit import Outcome
from kapokmq.core.effects import Effect
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.ledger import Taken
from kapokmq.core.moment import Moment
from kapokmq.storage.store import Store
from serena.services.guarding import guarded

EAGER_MESSAGES = 5000  # with isPersistent 1: commit before the interval is over
EAGER_BYTES = 4 << 20
RETRY_SECONDS = 1.0
PATIENCE = 30.0


class CommitPipeline:
    """Takes commits from a broker to a store.

    `observe` is told of each (seconds, messages); `give_up` when they have failed for too long.
    """

    log = Logger()

    def __init__(
        self,
        broker: Broker,
        store: Store,
        *,
        clock: IReactorTime,
        now: Callable[[], Moment],
        run: Callable[[Sequence[Effect]], None],
        observe: Callable[[float, int], None],
        give_up: Callable[[StoreUnavailable], None],
    ) -> None:
        self._broker = broker
        self._store = store
        self._clock = clock
        self._now = now
        self._run = run
        self._observe = observe
        self._give_up = give_up
        self._ending = False
        self._busy = False  # a commit is under way, or is about to be tried again
        self._flush = False  # commit, however little there is
        self._commits = 0
        self._waiting: list[tuple[int, Deferred[None]]] = []  # (how many commits there must have been, who waits)
        self._failing_since: float | None = None
        self._retrying: IDelayedCall | None = None
        self._turn: IDelayedCall | None = None

    @property
    def failing(self) -> bool:
        """Whether the last commit failed."""
        return self._failing_since is not None

    def kick_soon(self) -> None:
        """Commit at the end of this turn of the reactor, with whatever else it brings."""
        if self._turn is None and not self._busy and self._broker.ledger:
            self._turn = self._clock.callLater(0, self._turn_over)

    def flush(self) -> None:
        """Commit now what has not been."""
        self._flush = True
        self._kick()

    def settled(self) -> Deferred[None]:
        """Fires when all that changed so far is committed, or can't be now."""
        ledger = self._broker.ledger
        if self.failing or not (self._busy or ledger or ledger.counting):
            return succeed(None)
        waiter: Deferred[None] = Deferred()
        self._waiting.append((self._commits + (2 if self._busy else 1), waiter))
        self.flush()
        return waiter

    async def finish(self) -> None:
        """Commit what is left, with one more try where commits have failed; then no more."""
        self._ending = True
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        if self._retrying is not None and self._retrying.active():
            self._retrying.cancel()
            last: Deferred[None] = Deferred()
            self._waiting.append((self._commits + 1, last))
            self._commit()
            await last
        while (self._busy or self._broker.ledger or self._broker.ledger.counting) and not self.failing:
            await self.settled()
        if self.failing and self._broker.ledger.messages:
            self.log.error(
                "{count} messages are not stored; what was confirmed of them at isPersistent 1 is lost",
                count=self._broker.ledger.messages,
            )

    def _turn_over(self) -> None:
        self._turn = None
        self._kick()

    def _kick(self) -> None:
        ledger = self._broker.ledger
        if self._busy or not (ledger or (self._flush and ledger.counting)):
            return
        held = self._broker.publishing.held > 0  # somebody waits for what an eager node would commit later
        enough = self._flush or held or ledger.messages >= EAGER_MESSAGES or ledger.bytes >= EAGER_BYTES
        if enough or not self._broker.rules.eager:
            self._commit()

    def _commit(self) -> None:
        taken = self._broker.take_commit()
        self._busy = True
        self._flush = False
        started = self._clock.seconds()

        def committed(outcome: Outcome) -> None:
            guarded(self.log, lambda: self._committed(taken, outcome, started))

        def failed(failure: Failure) -> None:
            guarded(self.log, lambda: self._failed(failure, taken))

        self._store.commit(taken.commit).addCallbacks(committed, failed)

    def _committed(self, taken: Taken, outcome: Outcome, started: float) -> None:
        now = self._now()
        self._observe(now.steady - started, len(taken.commit.publishes))
        self._busy = False
        self._commits += 1
        if self.failing:
            self.log.info("the store takes commits again")
            self._failing_since = None
        self._broker.held_by_store = self._store.held
        self._broker.dropped(self._store.dropped(), now)
        if self._store.paged:
            self._kick()  # the next commit runs while this one is confirmed and delivered
        self._run(self._broker.committed(taken, now, outcome))
        self._wake()

    def _failed(self, failure: Failure, taken: Taken) -> None:
        steady = self._clock.seconds()
        error = failure.value
        if not isinstance(error, StoreUnavailable):
            self.log.failure("a commit failed for no fault of the disk: this is a bug", failure)
            error = StoreUnavailable(f"the store failed ({type(error).__name__}): see the node's log")
        if self._failing_since is None:
            self._failing_since = steady
            self.log.error("the store takes no commits; they are held and tried again: {error}", error=error)
        give_up = steady - self._failing_since >= PATIENCE
        if not self._ending:  # still busy, so that nobody else tries before the retry
            self._retrying = self._clock.callLater(RETRY_SECONDS, self._commit)
        self._run(self._broker.commit_failed(taken, error, give_up=give_up))
        if give_up:
            self._give_up(error)
        self._wake()

    def _wake(self) -> None:
        """Let go on who waited for these commits (everybody, when commits fail)."""
        # Who asked while a commit ran counted on another one; where nothing was left for that, there will be none.
        ledger = self._broker.ledger
        over = self.failing or not (self._busy or ledger or ledger.counting)
        ready = [waiter for needed, waiter in self._waiting if over or needed <= self._commits]
        self._waiting = [] if over else [entry for entry in self._waiting if entry[0] > self._commits]
        for waiter in ready:
            waiter.callback(None)
        if self._waiting:
            self.flush()
