"""The composition root of a registry, put together from its settings.

Nothing opens before `startService`: twistd makes services before it forks. Then, in this order: log file, HTTP port
(nobody is answered before the reactor's next turn), gossip.
At `stopService`: HTTP closed, then the pool is left in good order.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger, globalLogPublisher

from serena.core.errors import WorldError
from serena.core.health import Health
from serena.core.node_meta import write_meta
from serena.core.node_name import REGISTRY, bracketed, node_name
from serena.core.node_settings import RegistrySettings
from serena.core.swim.chance import Chance
from serena.core.version import VERSION
from serena.services.delay_metrics import DelayMetrics
from serena.services.gossip import Gossip
from serena.services.gossip_metrics import GossipCollector
from serena.services.logs import DailyLog
from serena.services.loop_delay import LoopDelay
from serena.services.pool import Pool
from serena.services.tls import tls_context
from serena.web.address import ClientAddress
from serena.web.site import SPARE, RegistrySite, furnish
from serena.web.wrong_keys import WrongKeys

PROTOCOLS = ("registry",)


class RegistryNode(Service):
    """One registry.

    `reactor` needs a clock that only goes forward; `wall` reads unix seconds; `chance` draws lots; the start is
    announced to `say`.
    """

    log = Logger()

    def __init__(
        self,
        settings: RegistrySettings,
        *,
        reactor: Any,
        wall: Callable[[], float],
        chance: Chance,
        entropy: Callable[[int], bytes],
        say: TextIO = sys.stdout,
    ) -> None:
        self.setName("serena")
        self.settings = settings
        self._reactor = reactor
        self._wall = wall
        self._chance = chance
        self._entropy = entropy
        self._say = say
        self._port: IListeningPort | None = None
        self._site: RegistrySite | None = None
        self._logs = DailyLog(Path(settings.log.directory), name="serena")
        self.gossip: Gossip | None = None

    def startService(self) -> None:
        """Open everything. Raises WorldError, with all closed again, naming what is wrong and the remedy."""
        super().startService()
        try:
            self._logs.open()
        except OSError as error:
            raise WorldError(f"log.directory: {error}: name a directory that this user may write to") from error
        globalLogPublisher.addObserver(self._logs)
        for warning in self.settings.warnings:
            self.log.warn("{warning}", warning=warning)
        try:
            self._listen()
        except WorldError as error:
            self.log.error("the registry does not start: {error}", error=error)
            if self._port is not None:
                self._port.stopListening()
            self._close_logs()
            raise
        self._loop_delay.start()
        # Once the reactor runs, signals end the node in good order; before, they just end the process.
        self._reactor.callWhenRunning(self._announce)

    def stopService(self) -> "Deferred[None]":
        """Leave the pool, and close everything."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def reload(self, settings: RegistrySettings) -> None:
        """Take over what can be changed while the node runs: the keys of gossip. Raises SettingsError."""
        if self.gossip is not None and settings.gossip.keys != self.settings.gossip.keys:
            self.gossip.reload_keys(settings.gossip.keys)
            self.settings = settings
        else:
            self.log.info("nothing that can be changed while the registry runs has changed")

    @property
    def port(self) -> int:
        """The port of HTTP that is listened on."""
        return int(self._port.getHost().port) if self._port is not None else self.settings.server.port  # type: ignore[attr-defined]

    async def _stop(self) -> None:
        self._loop_delay.stop()
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        if self.gossip is not None:
            await self.gossip.stopService()
        if self._site is not None:
            self._site.close()
        self.log.info("the registry has stopped")
        self._close_logs()

    # ---- opening

    def _listen(self) -> None:
        settings, reactor = self.settings, self._reactor
        site = self._site = RegistrySite(clock=reactor, most=settings.access.max_connections + SPARE)
        self._port = self._bind(site)
        name = node_name(REGISTRY, settings.server.addr, self.port)
        gossip = self.gossip = Gossip(
            settings.gossip,
            name=name,
            meta=write_meta(VERSION, PROTOCOLS),
            reactor=reactor,
            chance=self._chance,
            entropy=self._entropy,
        )
        figures = Figures(gossip, reactor.seconds)
        self._loop_delay = LoopDelay(reactor, time.thread_time, figures.observe_delay)
        furnish(
            site,
            Pool(gossip),
            access=settings.access,
            name=name,
            health=lambda: Health(not gossip.trouble, gossip.trouble),
            exposition=figures.exposition,
            clock=reactor,
            unix=lambda steady: self._wall() - (reactor.seconds() - steady),
            own_hosts={settings.server.addr, settings.server.bind},
            slowdown=WrongKeys(reactor.seconds),
            client_address=ClientAddress(settings.server.trusted_proxies),
        )
        try:
            gossip.startService()
        except WorldError as error:
            raise WorldError(f"registry.gossipPort: {error}") from error

    def _bind(self, site: RegistrySite) -> IListeningPort:
        server = self.settings.server
        try:
            if server.certificate is not None and server.private_key is not None:
                context = tls_context(server.certificate, server.private_key)
                port: IListeningPort = self._reactor.listenSSL(server.port, site, context, interface=server.bind)
            else:
                port = self._reactor.listenTCP(server.port, site, interface=server.bind)
        except CannotListenError as error:
            raise WorldError(
                f"server.port: cannot listen on {server.bind}:{server.port} ({error.socketError}): "
                "stop what listens there, or choose another port"
            ) from error
        return port

    def _announce(self) -> None:
        server, access, gossip = self.settings.server, self.settings.access, self.gossip
        scheme = "https" if server.certificate else "http"
        where = f"{scheme}://{bracketed(server.bind)}:{self.port}/"
        gossips = f"gossips on port {gossip.port}" if gossip is not None else ""
        self.log.info("Serena {version} serves {where}, {gossips}", version=VERSION, where=where, gossips=gossips)
        line = f"Serena {VERSION} serves {where}, {gossips} (settings: {self.settings.source})"
        if access.default_key:
            key = access.secret.reveal()
            line += f"\nThe key is still `{key}`: set registry.secretKey before others can reach this node."
        print(line, file=self._say, flush=True)

    def _close_logs(self) -> None:
        globalLogPublisher.removeObserver(self._logs)
        self._logs.close()


class _Build(Collector):
    """Says what runs here."""

    def collect(self) -> Iterator[Metric]:
        """Give the version."""
        yield InfoMetricFamily("serena_build", "What runs here.", value={"version": VERSION})


class Figures:
    """A registry's figures for Prometheus. Each has its own, so two in one process do not mix.

    `seconds` reads a steady clock.
    """

    def __init__(self, gossip: Gossip, seconds: Callable[[], float]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(GossipCollector(gossip))
        self._registry.register(_Build())
        self.observe_delay = DelayMetrics("serena", self._registry, seconds).observe

    def exposition(self) -> bytes:
        """Give everything in Prometheus' text format."""
        return generate_latest(self._registry)
