"""Leases for those who ask over HTTP: one member of a group stands for all polls of it.

poll        is granted as much credit as it wants; whatever comes in a turn is its answer
credit      does not renew, so it is the sum of what all waiting polls want, set anew whenever that changes
a delivery  stalls the member until the polls have been answered, in the reactor's next turn: an answer is one delivery
idle        the member leaves when no poll waits and nothing that polls were given can be held any more (holding.py)
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kapokmq.core.engine import Engine, Subscription, Wish
from kapokmq.core.errors import PeerError, WorldError
from kapokmq.core.message import Message
from kapokmq.core.peers import Delivery
from kapokmq.protocols.api.holding import Holding

AT_ONCE = 0.2  # seconds that a poll waits at least: what the store has to be asked for comes in that time
LINGER = 2.0  # seconds that a member stays that holds nothing: the next poll is likely on its way
SPARE = 60.0  # seconds
HELD_FOR_EVER = 86_400.0  # seconds after which leases that never end are given back, once nobody polls
_NOBODY = "nobody waited for it any more"


class Leased(NamedTuple):
    """A message as a poll gets it."""

    code: str
    topic: str
    attempt: int
    message: Message


class Poll:
    """Somebody who waits for messages."""

    __slots__ = ("answer", "most", "taken", "timer")

    def __init__(self, most: int, answer: "Deferred[list[Leased]]", timer: IDelayedCall) -> None:
        self.most = most
        self.taken: list[Leased] = []
        self.answer = answer
        self.timer = timer


class Pull:
    """The member that stands for the polls of one group. `gone` is told when it has left, or was dismissed.

    `hold` says how many seconds a message of the group may be held, None for ever.
    """

    _log = Logger()
    address, number = "", None

    def __init__(
        self,
        engine: Engine,
        clock: IReactorTime,
        key: tuple[str, str],
        hold: Callable[[str, str], float | None],
        gone: Callable[["Pull"], None],
    ) -> None:
        self.key = key
        self._hold = hold
        self._engine = engine
        self._clock = clock
        self._gone = gone
        self._polls: dict[Poll, None] = {}
        self._wanted = 0
        self._unclaimed: list[str] = []
        self._held = Holding()
        self._subscription: Subscription | None = None
        self._asked = False
        self._over = False
        self._turn: IDelayedCall | None = None
        self._idle: IDelayedCall | None = None

    @property
    def label(self) -> str:
        """Who that is, for people."""
        return "api: leases by poll"

    @property
    def subscription(self) -> Subscription | None:
        """The membership, None before there is one, and after."""
        return self._subscription

    @property
    def ends(self) -> list[float]:
        """When the polls that wait now end at the latest, in seconds of the clock."""
        return [poll.timer.getTime() for poll in self._polls]

    @property
    def free(self) -> float:
        """When the member leaves, if nothing comes and nobody asks meanwhile, in seconds of the clock."""
        if self._idle is not None:
            return self._idle.getTime()
        end = max(self.ends, default=0.0)
        return end + LINGER if self._held.last is None else max(end, self._held.last)

    # ---- what polls ask

    def join(self, start: str | int) -> None:
        """Become a member of the group, which is made where there is none. Once is enough."""
        if self._asked:
            return
        self._asked = True
        Deferred.fromCoroutine(self._join(start)).addErrback(self._fail)

    async def _join(self, start: str | int) -> None:
        topic, group = self.key
        subscription = await self._engine.join(self, topic, Wish(group, 0, owes=True, renews=False, start=start))
        if self._over:
            self._engine.unsubscribe(subscription)
            return
        self._subscription = subscription
        self._open(subscription)

    def _fail(self, failure: Failure) -> None:
        """Tell all who wait why there is no membership."""
        if not self._polls and not failure.check(PeerError, WorldError):
            self._log.failure("no membership in {key}", failure=failure, key=self.key)
        self.dismissed(cast("BaseException", failure.value))

    def poll(self, most: int, wait: float) -> "Deferred[list[Leased]]":
        """Wait for at most that many messages, so many seconds. Cancel it where they can't be handed on any more."""
        answer: Deferred[list[Leased]] = Deferred(lambda _: self._left(poll))
        poll = Poll(most, answer, self._clock.callLater(max(wait, AT_ONCE), lambda: self._end(poll)))
        self._polls[poll] = None
        self._want(most)
        self._rest()
        return answer

    def settled(self, codes: Sequence[str]) -> None:
        """Hold these no more, whoever took them."""
        self._held.discard(codes)
        self._idle_soon()

    def touched(self, codes: Sequence[str], unknown: Sequence[str]) -> None:
        """Hold these from now on, but for the unknown ones."""
        self._held.discard(unknown)
        lost = set(unknown)
        self._hold_on([code for code in codes if code not in lost])
        self._idle_soon()

    def _hold_on(self, codes: Sequence[str]) -> None:
        """Count the time from now on in which these may still be held."""
        held = self._hold(*self.key)
        now = self._clock.seconds()
        self._held.discard_before(now)
        self._held.add(codes, now + (HELD_FOR_EVER if held is None else held) + SPARE)

    def _idle_soon(self) -> None:
        """Leave when nothing can be held any more, unless somebody polls."""
        if self._polls or self._over:
            return
        self._rest()
        wait = LINGER if self._held.last is None else max(0.0, self._held.last - self._clock.seconds())
        self._idle = self._clock.callLater(wait, self.leave)

    def _rest(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    # ---- what the engine says

    def deliver(self, delivery: Delivery) -> None:
        """Put messages aside for those who wait longest."""
        if self._subscription is not None:
            self._engine.stall(self._subscription)
        attempts: Sequence[int] = delivery.attempts or [1] * len(delivery.codes)
        rows = zip(delivery.codes, attempts, delivery.messages, strict=True)
        coming = [Leased(code, delivery.topic, attempt, message) for code, attempt, message in rows]
        for poll in self._polls:
            room = poll.most - len(poll.taken)
            poll.taken += coming[:room]
            del coming[:room]
            if not coming:
                break
        self._unclaimed += [one.code for one in coming]
        self._soon()

    def dismissed(self, reason: BaseException) -> None:
        """There is no membership any more, or there never was one."""
        self._subscription = None
        self._finish()
        polls, self._polls = self._polls, {}
        for poll in polls:
            if poll.timer.active():
                poll.timer.cancel()
            poll.answer.errback(reason)

    # ---- how polls end

    def _soon(self) -> None:
        if self._turn is None:
            self._turn = self._clock.callLater(0, self._settle)

    def _settle(self) -> None:
        """Answer those who have something, and take more for the others."""
        self._turn = None
        for poll in [poll for poll in self._polls if poll.taken]:
            self._end(poll)
        if self._subscription is not None:
            self._open(self._subscription)

    def _open(self, subscription: Subscription) -> None:
        """Give back what nobody waits for, and take what is wanted."""
        if self._unclaimed:
            codes, self._unclaimed = self._unclaimed, []
            self._engine.nack(subscription, codes, 0, _NOBODY)
        self._engine.credit(subscription, self._wanted)
        self._engine.drained(subscription)

    def _end(self, poll: Poll) -> None:
        """Answer a poll with what it has: nothing, if its time is over."""
        if poll.taken:
            self._hold_on([one.code for one in poll.taken])
        self._remove(poll)
        poll.answer.callback(poll.taken)

    def _left(self, poll: Poll) -> None:
        """Nobody waits for this any more."""
        if poll in self._polls:
            self._unclaimed += [one.code for one in poll.taken]
            self._remove(poll)
            if self._unclaimed:
                self._soon()

    def _remove(self, poll: Poll) -> None:
        if poll.timer.active():
            poll.timer.cancel()
        del self._polls[poll]
        self._want(-poll.most)
        self._idle_soon()

    def _want(self, more: int) -> None:
        """Set what may come. While polls wait for their turn that has its time."""
        self._wanted += more
        if self._subscription is not None and self._turn is None:
            self._engine.credit(self._subscription, self._wanted)

    def release(self) -> None:
        """Let nobody wait. What was leased stays so."""
        for poll in list(self._polls):
            self._end(poll)

    def leave(self) -> None:
        """Be a member no more, and let nobody wait."""
        subscription, self._subscription = self._subscription, None
        self._finish()
        for poll in list(self._polls):
            poll.taken = []  # it is given back with the membership
            self._end(poll)
        if subscription is not None:
            self._engine.unsubscribe(subscription)

    def _finish(self) -> None:
        """Have no more turns."""
        if self._idle is not None and self._idle.active():
            self._idle.cancel()
        if self._turn is not None and self._turn.active():
            self._turn.cancel()
        self._idle = self._turn = None
        if not self._over:
            self._over = True
            self._gone(self)
