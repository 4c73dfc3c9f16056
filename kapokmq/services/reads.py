"""Carries a broker's questions to the store, and the answers back."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kapokmq.core.broker import Broker
from kapokmq.core.effects import Effect, FetchMessages, LoadSchedule, ReadPage, Sweep, SweepDelayed, SweepExpired
from kapokmq.core.group import Group
from kapokmq.core.moment import Moment
from kapokmq.core.query import Remnant
from kapokmq.core.rules import PAGE, PAGE_BYTES
from kapokmq.storage.store import Due, Page, Remnants, Store
from serena.services.guarding import guarded


class Reads:
    """One method an effect that asks the store for something. `run` carries out what the broker wants upon the answer.

    No answer is used within the call that asked, and one that fails is handed on as None: the broker asks again.
    """

    log = Logger()

    def __init__(
        self,
        broker: Broker,
        store: Store,
        clock: IReactorTime,
        now: Callable[[], Moment],
        run: Callable[[Sequence[Effect]], None],
    ) -> None:
        self._broker = broker
        self._store = store
        self._clock = clock
        self._now = now
        self._run = run
        self._failing: dict[tuple[str, Group | None], str] = {}  # what could not be read, for whom, and why

    @property
    def failure(self) -> str | None:
        """Why something can't be read that is asked for again and again; None when all goes well."""
        for what in [what for what in self._failing if what[1] is not None and not what[1].members]:
            del self._failing[what]  # nobody is left in that group, so it is not asked for again
        return next(iter(self._failing.values()), None)

    def page(self, asked: ReadPage) -> None:
        """Read on in a topic."""

        def use(page: Page | None) -> None:
            messages, stop = page if page is not None else (None, 0)
            self._run(self._broker.arrivals.page_read(asked, messages, stop, self._now()))

        self._ask(("page", asked.group), self._store.read(asked.first, asked.end, PAGE, PAGE_BYTES), use)

    def fetch(self, asked: FetchMessages) -> None:
        """Read messages by id."""

        def use(page: Page | None) -> None:
            messages, stop = page if page is not None else (None, 0)
            self._run(self._broker.arrivals.fetched(asked, messages, stop, self._now()))

        self._ask(("fetch", asked.group), self._store.fetch(asked.ids, PAGE_BYTES), use)

    def schedule(self, asked: LoadSchedule) -> None:
        """Read which delayed messages fall due next."""

        def use(found: list[Due] | None) -> None:
            rows = None if found is None else [(due, message_id) for due, message_id in found]
            self._run(self._broker.arrivals.schedule_loaded(asked, rows, self._now()))

        self._ask(("schedule", None), self._store.scheduled(Due(*asked.after), asked.limit), use)

    def sweep(self, asked: Sweep) -> None:
        """Read what is old in a topic."""

        def use(page: Remnants | None) -> None:
            found, stop = page if page is not None else (None, 0)
            self._run(self._broker.swept(asked, found, stop, self._now()))

        slice_ = self._store.aged(asked.topic.number, asked.first, asked.before, asked.limit, every=asked.every)
        self._ask(("sweep", None), slice_, use)

    def sweep_delayed(self, asked: SweepDelayed) -> None:
        """Read what was delayed and is old."""
        self._sweep_apart(asked, self._store.aged_delayed(asked.before, asked.limit))

    def sweep_expired(self, asked: SweepExpired) -> None:
        """Read what has expired."""
        self._sweep_apart(asked, self._store.expired(asked.before, asked.limit))

    def _sweep_apart(self, asked: SweepDelayed | SweepExpired, answer: "Deferred[list[Remnant]]") -> None:
        def use(found: list[Remnant] | None) -> None:
            self._run(self._broker.swept_apart(asked, found, self._now()))

        self._ask(("sweep", None), answer, use)

    def _ask(self, what: tuple[str, Group | None], answer: "Deferred[Any]", use: Callable[[Any], None]) -> None:
        def failed(failure: Failure) -> None:
            if what not in self._failing:  # said once, not every second
                self.log.error("the store could not be read, which is tried again: {error}", error=failure.value)
            self._failing[what] = str(failure.value)
            self._clock.callLater(0, guarded, self.log, partial(use, None))

        def arrived(result: Any) -> None:
            self._failing.pop(what, None)
            if asking:
                self._clock.callLater(0, guarded, self.log, partial(use, result))
            else:
                guarded(self.log, partial(use, result))

        asking = True
        answer.addCallbacks(arrived, failed)
        asking = False
