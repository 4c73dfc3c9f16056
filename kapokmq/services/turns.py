"""Carrying out what a broker wants: its effects, one after the other, and its next deadline, with one timer."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kapokmq.core.effects import Deliver, Dismiss, Effect
from serena.services.guarding import guarded

Calls = dict[type, Callable[[Any], None]]


class Turns:
    """Runs effects. `calls` has what to do for each type; `over` is called when they are carried out.

    `next_wait` gives the seconds until `tick` is to be called, None for never. `turned` is called when the reactor's
    turn is over that delivered something.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        *,
        over: Callable[[], None],
        next_wait: Callable[[], float | None],
        tick: Callable[[], None],
        turned: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._over = over
        self._next_wait = next_wait
        self._tick = tick
        self._turned = turned
        self._turn: IDelayedCall | None = None
        self._timer: IDelayedCall | None = None
        self._calls: Calls = {Deliver: self._deliver, Dismiss: _dismiss}

    def use(self, calls: Calls) -> None:
        """Say what else is to be done for which effects."""
        self._calls.update(calls)

    def run(self, effects: Sequence[Effect]) -> None:
        """Carry these out, in order."""
        calls = self._calls
        for effect in effects:
            try:
                calls[type(effect)](effect)
            except Exception:  # noqa: BLE001 -- ours; one effect that fails must not cost the others
                self.log.failure("a peer's {kind} failed: this is a bug", kind=type(effect).__name__)
        self._over()
        self._arm()

    def stop(self) -> None:
        """No more ticks."""
        for timer in (self._timer, self._turn):
            if timer is not None and timer.active():
                timer.cancel()
        self._timer = self._turn = None

    def _deliver(self, effect: Deliver) -> None:
        if self._turn is None:
            self._turn = self._clock.callLater(0, self._turn_over)
        for member in effect.members:
            guarded(self.log, partial(member.consumer.receiver.deliver, effect.delivery))

    def _turn_over(self) -> None:
        self._turn = None
        self._turned()

    def _arm(self) -> None:
        wait = self._next_wait()
        timer = self._timer
        if wait is None:
            return
        when = self._clock.seconds() + wait
        if timer is not None and timer.active():
            if timer.getTime() <= when:
                return
            timer.cancel()
        self._timer = self._clock.callLater(wait, guarded, self.log, self._tick)


def _dismiss(effect: Dismiss) -> None:
    effect.receiver.dismissed(effect.reason)
