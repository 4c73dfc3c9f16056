"""The publishers of a node: who is told what, and when they must pause."""

from collections.abc import Sequence
from functools import partial

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kapokmq.core.effects import Confirm, Refuse
from kapokmq.core.peers import Publisher, Receipt
from serena.services.guarding import guarded


class Publishers:
    """Those attached. Who left is told nothing; one that fails does not cost the others.

    With `eager`, or while `gathering`, confirmations come from within `publish`: they are told at the end of the turn,
    all at once.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, *, eager: bool) -> None:
        self._clock = clock
        self._eager = eager
        self._attached: dict[Publisher, None] = {}
        self._confirms: dict[Publisher, list[Receipt]] = {}
        self._telling: IDelayedCall | None = None
        self._pressed = False
        self.gathering = False

    def attach(self, publisher: Publisher) -> None:
        """Make a publisher known; it pauses if all do."""
        self._attached[publisher] = None
        if self._pressed:
            publisher.pause()

    def detach(self, publisher: Publisher) -> None:
        """Forget a publisher, known or not."""
        self._attached.pop(publisher, None)

    def press(self, *, pressed: bool) -> None:
        """Pause all, or let them go on."""
        if pressed == self._pressed:
            return
        self._pressed = pressed
        for publisher in list(self._attached):
            guarded(self.log, publisher.pause if pressed else publisher.resume)

    def give_up(self, reason: Exception) -> None:
        """Refuse those who have been paused for too long, and who can't be told otherwise."""
        for publisher in [publisher for publisher in self._attached if publisher.positional]:
            self._refuse(publisher, (), reason)

    def confirm(self, effect: Confirm) -> None:
        """Tell a publisher what is stored."""
        if not (self._eager or self.gathering):
            self._tell(effect.publisher, effect.receipts)
            return
        self._confirms.setdefault(effect.publisher, []).extend(effect.receipts)
        if self._telling is None:
            self._telling = self._clock.callLater(0, self._tell_all)

    def refuse(self, effect: Refuse) -> None:
        """Tell a publisher what is not stored."""
        if effect.publisher in self._attached:
            self._refuse(*effect)

    def stop(self) -> None:
        """Tell at once what is left to tell."""
        if self._telling is not None:
            self._telling.cancel()
            self._tell_all()

    def _tell_all(self) -> None:
        self._telling = None
        confirms, self._confirms = self._confirms, {}
        for publisher, receipts in confirms.items():
            self._tell(publisher, receipts)

    def _refuse(self, publisher: Publisher, receipts: Sequence[Receipt], reason: Exception) -> None:
        if publisher.positional:
            self.detach(publisher)  # it is closed by that, and told nothing more
        guarded(self.log, partial(publisher.refused, receipts, reason))

    def _tell(self, publisher: Publisher, receipts: Sequence[Receipt]) -> None:
        if publisher in self._attached:
            guarded(self.log, partial(publisher.confirmed, receipts))
