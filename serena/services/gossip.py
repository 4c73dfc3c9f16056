"""A node's part in a pool, of whatever kind the node is: sockets, machine, joining, leaving.

At `startService` the port is bound, or it is said why not. Then, as soon as the own address is known, the node takes
part, and joins its seeds for as long as it runs. At `stopService` it says that it goes, waits until enough others know,
a second at most, and closes everything.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from serena.core.errors import SettingsError, WorldError
from serena.core.gossip_kinds import Place
from serena.core.node_settings import GossipSettings
from serena.core.swim.chance import Chance
from serena.core.swim.events import Contacted, Event, Failed, Left
from serena.core.swim.members import Identity, Member
from serena.core.swim.messages import Address
from serena.core.swim.swim import Swim
from serena.core.swim.versions import PROTOCOL
from serena.services.notices import Notices
from serena.services.ports import Ports, bind
from serena.services.resolving import Resolve, announced, resolver
from serena.services.seeds import Seeds
from serena.services.wiring import codecs_of, profile_of, rekey, threads
from serena.transports.addresses import unpacked, within
from serena.transports.admission import Admission, Bounds
from serena.transports.asking import Asking
from serena.transports.datagram import Datagrams
from serena.transports.driver import Driver
from serena.transports.stream import Door, Elsewhere

LEAVE_WITHIN = 1.0  # seconds
_RESOLVE_AGAIN = 5.0  # seconds

Listener = Callable[[Event], None]


class Gossip(Service):
    """One member of one pool.

    `name` is what it is called and `meta` what it says of itself. `reactor` needs a clock that only goes forward;
    `chance` draws lots, `entropy` gives random bytes.
    """

    log = Logger()

    def __init__(  # noqa: PLR0913 -- all by name but one
        self,
        settings: GossipSettings,
        *,
        name: str,
        meta: bytes = b"",
        reactor: Any,
        chance: Chance,
        entropy: Callable[[int], bytes],
        bounds: Bounds | None = None,
        resolve: Resolve | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.setName("gossip")
        self.settings = settings
        self.profile = profile_of(settings)
        self.admission = Admission(within(settings.allowed), reactor.seconds, bounds or Bounds())
        self._name = name.encode()
        self._meta = meta
        self._reactor = reactor
        self._chance = chance
        self._resolve = resolve or resolver(reactor, settings.bind)
        self._elsewhere = elsewhere or threads(reactor)
        self._notices = Notices(reactor)
        self._listeners: list[Listener] = [self._notices.heard]
        self._codecs = codecs_of(settings, entropy)
        self.datagrams = Datagrams(self.admission, self._take, ipv6=":" in settings.bind)
        self._door: Door | None = None
        self._asking: Asking | None = None
        self._ports: Ports | None = None
        self._swim: Swim | None = None
        self._driver: Driver | None = None
        self._seeds: Seeds | None = None
        self._trouble = "gossip has not begun"
        self._begun: Deferred[None] | None = None
        self._gone: Deferred[None] | None = None  # waits until the machine has left

    # ---- life

    def startService(self) -> None:
        """Bind the port, and begin. Raises WorldError."""
        super().startService()
        self._door = Door(
            self._codecs.streams,
            self.admission,
            lambda exchange, source: self._driver.serve(exchange, source) if self._driver else None,
            clock=self._reactor,
            timeout=self.profile.stream_timeout,
            elsewhere=self._elsewhere,
        )
        self._ports = bind(self._reactor, self._door, self.datagrams, self.settings.port, self.settings.bind)
        self._begun = Deferred.fromCoroutine(self._begin(self._ports.number)).addErrback(self._not_begun)

    def stopService(self) -> "Deferred[None]":
        """Say that this node goes, and close everything."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _not_begun(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("gossip can't begin", failure)

    async def _begin(self, port: int) -> None:
        host = await self._own_host()
        own = Address(host, port)
        settings = self.settings
        delegate = settings.delegate_versions or (0, 0, 0)
        swim = self._swim = Swim(
            Identity(self._name, own, self._meta, PROTOCOL + bytes(delegate)),
            self.profile,
            random=self._chance,
            overhead=self._codecs.datagrams.overhead,
            adopt_delegates=settings.delegate_versions is None,
            allowed=within(settings.allowed),
            most_members=settings.max_members,
        )
        asking = self._asking = Asking(
            self._codecs.streams,
            self.admission,
            reactor=self._reactor,
            elsewhere=self._elsewhere,
            answered=lambda stream, answer: driver.answered(stream, answer),  # noqa: PLW0108 -- made below
            failed=lambda stream, reason: driver.failed(stream, reason),  # noqa: PLW0108 -- likewise
            source="" if ip_address(settings.bind).is_unspecified else settings.bind,
        )
        driver = self._driver = Driver(
            swim,
            self._codecs.datagrams,
            self.admission,
            clock=self._reactor,
            send=self.datagrams.send,
            connect=asking.connect,
            heard=self._heard,
            settled=self._settled,
        )
        self._seeds = Seeds(
            settings.seeds,
            settings.seed_port,
            clock=self._reactor,
            chance=self._chance,
            resolve=self._resolve,
            join=lambda address: driver.do(lambda now: swim.join(address, now)),
            live=self._live,
            own=own,
        )
        driver.do(swim.start)
        self._trouble = ""
        where = f"{unpacked(host)} port {port}"
        self.log.info("{name} gossips at {where}", name=self._name.decode(), where=where)
        self._seeds.start()

    async def _own_host(self) -> bytes:
        """The address to announce. A name is resolved until it is one, and a network waited for."""
        while True:
            try:
                addr = announced(self.settings.addr, self.settings.bind)
                return next(iter(await self._resolve(addr)))
            except WorldError as error:
                self._trouble = f"gossip: {error}"
                self.log.warn("gossip can't begin yet: {error}", error=error)
            await deferLater(self._reactor, _RESOLVE_AGAIN)

    async def _stop(self) -> None:
        self._trouble = "gossip has ended"
        if self._begun is not None:
            self._begun.cancel()
        if self._seeds is not None:
            self._seeds.stop()
        if self._driver is not None and self._swim is not None:
            self._gone = Deferred()
            self._gone.addTimeout(LEAVE_WITHIN, self._reactor, onTimeoutCancel=lambda _value, _seconds: None)
            gone = self._gone
            self._driver.do(self._swim.leave)
            await gone
            self._gone = None
            self._driver.stop()
        self._notices.stop()
        if self._ports is not None:
            await self._ports.close()
        if self._asking is not None:
            self._asking.close()
        if self._door is not None:
            self._door.close()

    def _settled(self) -> None:
        gone = self._gone
        if gone is not None and self._swim is not None and self._swim.has_left:
            self._gone = None
            gone.callback(None)

    # ---- what others may do

    @property
    def port(self) -> int:
        """The port that is bound."""
        return self._ports.number if self._ports is not None else self.settings.port

    @property
    def trouble(self) -> str:
        """What keeps this node from taking part; nothing where it does."""
        return self._trouble

    def members(self) -> Sequence[Member]:
        """All that are known, this node included. They change in place."""
        return list(self._swim.members.values()) if self._swim is not None else []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have each event told, in this turn. Gives what ends that."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def join(self, place: Place) -> None:
        """Join that place too, again and again until it is a member, and when it is one no more."""
        if self._seeds is not None:
            self._seeds.add(place)

    def update_meta(self, meta: bytes) -> None:
        """Say something else of this node."""
        self._meta = meta
        self._do(lambda swim, now: swim.update_meta(meta, now))

    def broadcast(self, data: bytes) -> None:
        """Tell all members something of the program above."""
        self._do(lambda swim, now: swim.broadcast(data, now))

    def reload_keys(self, keys: Sequence[bytes]) -> None:
        """Encrypt with the first of these from now on, and decrypt with all.

        Raises SettingsError where that would begin or end encryption, which takes a restart.
        """
        ring = self._codecs.ring
        if bool(keys) != bool(ring.keys):
            raise SettingsError("gossipKey: to begin or to end encryption takes a restart; see gossip.verifyIncoming")
        rekey(ring, keys)
        self.log.info("gossip has {count} keys now", count=len(keys))

    @property
    def counters(self) -> Mapping[str, int]:
        """What was done, by the machine's names."""
        return self._swim.counters if self._swim is not None else {}

    @property
    def dropped(self) -> Mapping[str, int]:
        """What was refused, by reason."""
        dropped = Counter(self.admission.dropped)
        if self._swim is not None:
            dropped.update(self._swim.dropped)
        return dropped

    @property
    def health(self) -> int:
        """0: all is well; above, this node seems to be slow itself."""
        return self._swim.health if self._swim is not None else 0

    # ---- inside

    def _do(self, call: Callable[[Swim, float], None]) -> None:
        swim, driver = self._swim, self._driver
        if swim is not None and driver is not None:
            driver.do(lambda now: call(swim, now))

    def _take(self, datagram: bytes, source: Address) -> None:
        if self._driver is None:
            self.admission.dropped["notReady"] += 1
        else:
            self._driver.take(datagram, source)

    def _live(self) -> Iterable[Address]:
        """Where the others are."""
        return [member.address for member in self.members() if member.is_live and member.name != self._name]

    def _heard(self, event: Event) -> None:
        if isinstance(event, Contacted) and self._seeds is not None:
            self._seeds.contacted(event)
        elif isinstance(event, Failed | Left) and self._seeds is not None and self.running:
            self._seeds.member_gone()
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:  # noqa: BLE001 -- one listener's bug is not the others'
                self.log.failure("a listener failed")
