"""Joins the pool, and joins it again: each place that the settings name is to be a live member.

A seed that can't be reached is tried again for ever, after 0.25 s, 0.5 s, and so on up to 15 s, each drawn from the
upper half so that many nodes do not come at once. One that was reached is looked at every 5 seconds, and when somebody
has failed or left: when it is a live member no more, it is tried again. So a registry that was away for ten minutes
finds its nodes again, and a pool that was cut in two is one again, whoever was alone and whoever was not.

A seed that announces an address other than its place (behind a NAT) is never seen there. It is asked once a minute, or
at once by who is alone. A name that is only our own is resolved again once a minute: others may get it later.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from serena.core.errors import WorldError
from serena.core.gossip_kinds import Place
from serena.core.swim.addresses import plain
from serena.core.swim.chance import Chance
from serena.core.swim.events import Contacted
from serena.core.swim.messages import Address
from serena.services.resolving import Resolve
from serena.transports.addresses import packed

FIRST = 0.25  # seconds
MOST = 15.0
LOOK = 5.0
SOON = 0.1
ELSEWHERE = 60.0
_DOUBLINGS = 10  # no more are counted


@dataclass(slots=True, eq=False)
class _Seed:
    """One place. `waiting` are addresses of an attempt; `seen` says whether it was a live member since the last one."""

    place: Place
    addresses: list[Address] = field(default_factory=list)
    waiting: set[Address] = field(default_factory=set)
    failures: int = 0
    settled: bool = False
    seen: bool = False
    contacted: float = 0.0
    timer: IDelayedCall | None = None


class Seeds:
    """All places. `join` begins an attempt, whose end is told to `contacted`; `live` gives the addresses of members.

    `live` does not hold our own address, which is `own`.
    """

    _log = Logger()

    def __init__(  # noqa: PLR0913 -- all by name but two
        self,
        places: Sequence[Place],
        usual_port: int,
        *,
        clock: IReactorTime,
        chance: Chance,
        resolve: Resolve,
        join: Callable[[Address], None],
        live: Callable[[], Iterable[Address]],
        own: Address,
    ) -> None:
        self._seeds = [_Seed(place) for place in places]
        self._usual_port = usual_port
        self._clock = clock
        self._chance = chance
        self._resolve = resolve
        self._join = join
        self._live = live
        self._own = _comparable(own)
        self._look_timer: IDelayedCall | None = None
        self._stopped = False

    def start(self) -> None:
        """Try all."""
        for seed in self._seeds:
            self._try(seed)
        self._look_again(LOOK)

    def stop(self) -> None:
        """Try none any more."""
        self._stopped = True
        for holder in self._seeds:
            _cancel(holder.timer)
            holder.timer = None
        _cancel(self._look_timer)
        self._look_timer = None

    def add(self, place: Place) -> None:
        """Join one more, for ever as well."""
        if all(seed.place != place for seed in self._seeds):
            seed = _Seed(place)
            self._seeds.append(seed)
            self._try(seed)

    def contacted(self, event: Contacted) -> None:
        """An attempt has ended."""
        for seed in self._seeds:
            if event.address not in seed.waiting:
                continue
            seed.waiting.discard(event.address)
            if event.ok:
                if seed.failures or not seed.contacted:
                    self._log.info("joined by {place}", place=str(seed.place))
                seed.waiting.clear()
                seed.contacted = self._clock.seconds()
                seed.seen = False
                self._settle(seed)
            elif not seed.waiting:
                self._failed(seed, event.reason)

    def member_gone(self) -> None:
        """Somebody has failed or left: look soon, once for many."""
        if self._look_timer is not None and self._look_timer.getTime() > self._clock.seconds() + SOON:
            self._look_again(SOON)

    # ---- attempts

    def _try(self, seed: _Seed) -> None:
        _cancel(seed.timer)
        seed.timer = None
        seed.settled = False
        attempt: Deferred[None] = Deferred.fromCoroutine(self._attempt(seed))
        attempt.addErrback(lambda failure: self._log.failure("{place} can't be joined", failure, place=str(seed.place)))

    async def _attempt(self, seed: _Seed) -> None:
        port = seed.place.port or self._usual_port
        try:
            hosts = await self._resolve(seed.place.host)
        except WorldError as error:
            self._failed(seed, str(error))
            return
        if self._stopped:
            return
        seed.addresses = [one for one in (Address(host, port) for host in hosts) if _comparable(one) != self._own]
        if not seed.addresses or self._is_live(seed):
            self._settle(seed)
            if not seed.addresses and _is_name(seed.place.host):
                seed.timer = self._clock.callLater(ELSEWHERE, self._try, seed)
            return
        # Should its end never be told, it is tried again all the same.
        seed.timer = self._clock.callLater(ELSEWHERE, self._try, seed)
        seed.waiting = set(seed.addresses)
        for address in seed.addresses:
            self._join(address)

    def _failed(self, seed: _Seed, reason: str) -> None:
        if self._stopped:
            return
        level = self._log.warn if seed.failures == 0 else self._log.debug
        level("{place} can't be joined yet: {reason}", place=str(seed.place), reason=reason)
        wait = min(MOST, FIRST * 2**seed.failures) * (0.5 + self._chance.random() / 2)
        seed.failures = min(_DOUBLINGS, seed.failures + 1)
        _cancel(seed.timer)
        seed.timer = self._clock.callLater(wait, self._try, seed)

    def _settle(self, seed: _Seed) -> None:
        _cancel(seed.timer)
        seed.timer = None
        seed.failures = 0
        seed.settled = True

    # ---- looking

    def _look_again(self, wait: float) -> None:
        _cancel(self._look_timer)
        self._look_timer = self._clock.callLater(wait, self._look)

    def _look(self) -> None:
        """See who is gone of those that were reached."""
        self._look_timer = None
        self._look_again(LOOK)
        live = set(map(_comparable, self._live()))
        now = self._clock.seconds()
        for seed in self._seeds:
            if not seed.settled or not seed.addresses:
                continue
            if any(_comparable(address) in live for address in seed.addresses):
                seed.seen = True
            elif seed.seen or not live or now - seed.contacted >= ELSEWHERE:
                self._try(seed)

    def _is_live(self, seed: _Seed) -> bool:
        live = set(map(_comparable, self._live()))
        return any(_comparable(address) in live for address in seed.addresses)


def _comparable(address: Address) -> Address:
    return Address(plain(address.host), address.port)


def _is_name(host: str) -> bool:
    try:
        packed(host)
    except ValueError:
        return True
    return False


def _cancel(timer: IDelayedCall | None) -> None:
    if timer is not None and timer.active():
        timer.cancel()
