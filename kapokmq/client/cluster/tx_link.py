"""A cluster's connections in Twisted: one with each node that is wanted, and one with a registry."""

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as Late
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from kapokmq.client.cluster.base import BaseCluster, NodeEnd
from kapokmq.client.cluster.options import ClusterOptions, secure, url_of
from kapokmq.client.tx_link import Link, Promise, endpoint_of
from kapokmq.core.client.cluster.asking import PROMPT, SILENCE, Registries


class Asking(Protocol):
    """One request of a registry, and its answer. `ended` is kept with why it ended, None where that was in order."""

    def __init__(self, reactor: Any, request: bytes, told: Callable[[bytes], bool]) -> None:
        self._reactor = reactor
        self._request = request
        self._told = told
        self._timer: IDelayedCall | None = None
        self._why: str | None = None
        self.ended = Promise()

    def connectionMade(self) -> None:
        """Ask."""
        transport: Any = self.transport
        transport.write(self._request)
        self._timer = self._reactor.callLater(PROMPT, self._late)

    def dataReceived(self, data: bytes) -> None:
        """Something came."""
        if self._timer is not None and self._timer.active():
            self._timer.reset(SILENCE)
        if not self._told(data):
            self.leave()

    def _late(self) -> None:
        self._why = "no answer"
        self.leave()

    def leave(self) -> None:
        """End it."""
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """That was all."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self.ended.settle(self._why)


class ClusterLink:
    """`run` lasts until `hang_up` for good."""

    def __init__(self, reactor: Any, options: ClusterOptions, client: BaseCluster) -> None:
        self._reactor = reactor
        self._options = options
        self._client = client
        self._cluster = client.cluster
        self._links: dict[str, Link] = {}
        self._all_ended: list[Promise] = []
        self._over = Promise()
        self._running = False
        self._woken: IDelayedCall | None = None
        self._timer: IDelayedCall | None = None
        self._pause = Promise()
        self._dialling: Deferred[Any] | None = None
        self._asking: Asking | None = None
        if secure(options) or (client.registries is not None and client.registries.secure):
            endpoint_of(reactor, "wss://localhost", options)  # raises OSError now, not later

    @property
    def reason(self) -> str:
        """Why nobody is there."""
        return self._client.why(list(self._links.values()))

    async def run(self) -> None:
        """Keep connections up."""
        self._running = True
        following = None
        if self._client.registries is not None:
            following = Deferred.fromCoroutine(self._follow(self._client.registries))
            following.addErrback(self._broken)
        self._sync()
        await self._over
        if following is not None:
            await following
        if self._links:
            ended = Promise()
            self._all_ended.append(ended)
            await ended

    def _broken(self, failure: Any) -> None:
        self._client.broken(failure.value)

    def wake(self) -> None:
        """There may be something to be written, or to be dialled."""
        if not self._running:
            return
        if self._cluster.changed:
            self._sync()
        while self._cluster.stirred:
            link = self._links.get(self._cluster.stirred.pop())
            if link is not None:
                link.wake()
        self._rearm(self._cluster.deadline())

    def hang_up(self, *, for_good: bool) -> None:
        """End all."""
        if not for_good:
            return
        self._running = False
        self._rearm(None)
        self._pause.settle(None)
        if self._dialling is not None and not self._dialling.called:
            self._dialling.cancel()
        if self._asking is not None:
            self._asking.leave()
        for link in list(self._links.values()):
            link.hang_up(for_good=True)
        self._over.settle(None)

    def _rearm(self, deadline: float | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if deadline is not None:
            self._timer = self._reactor.callLater(max(0.0, deadline - self._reactor.seconds()), self._client.due)

    # ----------------------------------------------------------------------------------------------- nodes

    def _sync(self) -> None:
        """Dial whom we should, and leave whom we should not."""
        self._cluster.changed = False
        wanted = self._cluster.wanted
        for address in self._links.keys() - set(wanted):
            self._links[address].hang_up(for_good=True)
        for address in wanted:
            if address not in self._links:
                self._dial(address)

    def _dial(self, address: str) -> None:
        end = NodeEnd(self._client, address)
        link = Link(self._reactor, [url_of(address, self._options.scheme)], self._options, cast("Any", end))
        end.link = self._links[address] = link
        running = Deferred.fromCoroutine(link.run())
        running.addErrback(self._broken)
        running.addCallback(lambda _: self._ended(address))

    def _ended(self, address: str) -> None:
        del self._links[address]
        if not self._links:
            for promise in self._all_ended:
                promise.settle(None)
        self._client.node_gone(address)

    # ---------------------------------------------------------------------------------------------- registry

    async def _follow(self, registries: Registries) -> None:
        """Ask registries for as long as we are here."""
        while self._running:
            reason = await self._ask(registries)
            if self._running:
                self._pause = Promise()
                timer = self._reactor.callLater(self._client.untold(reason), self._pause.settle, None)
                await self._pause
                if timer.active():
                    timer.cancel()

    async def _ask(self, registries: Registries) -> str | None:
        """One answer. Gives why there was none, or not the whole."""
        place, request = registries.ask()
        asking = Asking(self._reactor, request, self._client.told)
        scheme = "wss" if place.secure else "ws"
        host = f"[{place.host}]" if ":" in place.host else place.host
        endpoint = endpoint_of(self._reactor, f"{scheme}://{host}:{place.port}", self._options)
        self._dialling = endpoint.connect(Factory.forProtocol(lambda: asking)).addTimeout(PROMPT, self._reactor)
        try:
            await self._dialling
        except (ConnectError, DNSLookupError, CancelledError, Late, OSError) as error:
            return f"{type(error).__name__}: {error}"
        self._asking = asking
        if not self._running:
            asking.leave()
        reason: str | None = await asking.ended
        self._asking = None
        return reason
