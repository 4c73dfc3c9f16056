"""The composition root: one broker node, put together from its settings.

Nothing opens before `startService`: twistd makes services before it forks. Then, in this order: log file, port (nobody
is answered before the reactor's next turn), store.
At `stopService`: port closed, all committed and confirmed, sockets closed with 1001, store closed.
"""

import random
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, globalLogPublisher

from kapokmq import __version__
from kapokmq.core.errors import WorldError
from kapokmq.core.group import Choose
from kapokmq.core.settings import NodeSettings
from kapokmq.protocols.api.assembly import Backstage
from kapokmq.protocols.connections import Connections
from kapokmq.protocols.door import Door
from kapokmq.protocols.site import NodeFacts, NodeSite, make_site
from kapokmq.protocols.upgrade import Upgrade
from kapokmq.services.cluster import Cluster
from kapokmq.services.drain import Drain
from kapokmq.services.embedded import EmbeddedEngine
from kapokmq.services.metrics import NodeMetrics
from kapokmq.services.rules import DURABLE, rules_of
from kapokmq.services.vitals import NodeVitals, disk_reader, no_disk
from kapokmq.storage.aside import set_aside
from kapokmq.storage.memory import MemoryStore
from kapokmq.storage.sqlite import SQLiteStore
from kapokmq.storage.store import Store
from serena.services.gossip_metrics import GossipCollector
from serena.services.guarding import guarded
from serena.services.logs import DailyLog
from serena.services.loop_delay import LoopDelay
from serena.services.tls import tls_context
from serena.web.address import ClientAddress
from serena.web.wrong_keys import WrongKeys


class Node(Service):
    """One broker.

    `reactor` needs a clock that only goes forward; `wall` reads unix seconds; `choose` draws members; the start is
    announced to `say`; `drained` is called when a drain is over, to end the process.
    """

    log = Logger()

    def __init__(
        self,
        settings: NodeSettings,
        *,
        reactor: Any,
        wall: Callable[[], float],
        entropy: Callable[[int], bytes],
        choose: Choose,
        say: TextIO = sys.stdout,
        drained: Callable[[], None] = lambda: None,
    ) -> None:
        self.setName("kapokmq")
        self.settings = settings
        self._reactor = reactor
        self._wall = wall
        self._entropy = entropy
        self._choose = choose
        self._say = say
        self._drained = drained
        self._end_api: Callable[[], None] = lambda: None
        self._port: IListeningPort | None = None
        self._loops: list[LoopingCall] = []
        self._logs = DailyLog(Path(settings.log.directory))

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
            self._put_together()
            self._listen()
            if self.settings.cluster.enabled:
                self.metrics.registry.register(
                    GossipCollector(self.cluster.start(self.settings.server.addr, self.port))
                )
            self.engine.open()
            self.vitals.start()
        except WorldError as error:
            self.log.error("the node does not start: {error}", error=error)
            if self._port is not None:
                self._port.stopListening()
                self.cluster.leave()
            self._close_logs()
            raise
        self._start_loops()
        # Once the reactor runs, signals end the node in good order; before, they just end the process.
        self._reactor.callWhenRunning(self._announce)

    def drain(self, seconds: float | None = None) -> None:
        """Take no more, wait at most so many seconds (None: mq.drainTime) until nothing is in flight, then end."""
        self.cluster.leave()  # so that clients look for another node
        self._drain.begin(self.settings.delivery.drain_seconds if seconds is None else seconds)

    def reload(self, settings: NodeSettings) -> None:
        """Take over what can change while the node runs: the keys of gossip. Raises SettingsError."""
        keys = settings.cluster.gossip.keys
        if keys == self.settings.cluster.gossip.keys:
            self.log.info("nothing that can change while the node runs has changed")
            return
        self.cluster.reload_keys(keys)
        self.settings = settings

    async def _stop(self) -> None:
        self._drain.stop()
        left = self.cluster.leave()
        self._loop_delay.stop()
        self.vitals.stop()
        for loop in self._loops:
            loop.stop()
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        await self.engine.freeze()
        self._end_api()
        await self.connections.close_all(self._reactor)
        await self.engine.close()
        await left
        self.log.info("the node has stopped")
        self._close_logs()

    def stopService(self) -> "Deferred[None]":
        """Close everything, nothing acknowledged lost."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._port.getHost().port) if self._port is not None else self.settings.server.port  # type: ignore[attr-defined]

    # ---- opening

    def _put_together(self) -> None:
        settings, reactor = self.settings, self._reactor
        self.metrics = NodeMetrics(
            lambda: self.engine.figures(),  # noqa: PLW0108 -- made below
            lambda: self.connections.connected(),  # noqa: PLW0108 -- likewise
            __version__,
            reactor.seconds,
        )
        self._loop_delay = LoopDelay(reactor, time.thread_time, self.metrics.observe_delay)
        self.cluster = Cluster(
            settings.cluster.gossip,
            reactor=reactor,
            chance=random.Random(self._entropy(16)),  # noqa: S311 -- fairness, not secrecy
            entropy=self._entropy,
            cpu=time.thread_time,
        )
        self.engine = EmbeddedEngine(
            rules_of(settings),
            self._make_store(),
            clock=reactor,
            wall=lambda: int(self._wall() * 1000),
            choose=self._choose,
            observe=self.metrics.observe_commit,
            dead_letter_rate=settings.delivery.dead_letter_rate,
        )
        self.connections = Connections(
            most=settings.access.max_connections, same_id=settings.access.same_id_limit, wall=self._wall
        )
        store = settings.store
        self.vitals = NodeVitals(
            self.engine,
            self.metrics.commits,
            clock=reactor,
            wall=self._wall,
            disk=disk_reader(store.path, reactor) if store.durability else no_disk,
        )
        self._drain = Drain(self.engine, self.connections, reactor, self._drained)

    def _make_store(self) -> Store:
        settings = self.settings.store
        if settings.durability == 0:
            return MemoryStore(self.settings.delivery.memory_budget, entropy=self._entropy)
        if not settings.recover:
            stamp = datetime.fromtimestamp(self._wall()).astimezone().strftime("%Y%m%d-%H%M%S")
            aside = set_aside(settings.path, stamp)
            if aside is not None:
                self.log.warn("recoveryStrategy 0: what was stored is kept aside as {aside}", aside=aside)
        return SQLiteStore(settings.path, entropy=self._entropy, callback=self._reactor.callFromThread)

    def _listen(self) -> None:
        door = Door()
        self._port = self._bind(door)
        door.site = self._site()

    def _bind(self, door: Door) -> IListeningPort:
        """Take the port. Raises WorldError."""
        server = self.settings.server
        port: IListeningPort
        try:
            if server.certificate is not None and server.private_key is not None:
                context = tls_context(server.certificate, server.private_key)
                port = self._reactor.listenSSL(server.port, door, context, interface=server.bind)
            else:
                port = self._reactor.listenTCP(server.port, door, interface=server.bind)
        except CannotListenError as error:
            raise WorldError(
                f"server.port: cannot listen on {server.bind}:{server.port} ({error.socketError}): "
                "stop what listens there, or choose another port"
            ) from error
        return port

    def _site(self) -> NodeSite:
        """What answers there."""
        server, access = self.settings.server, self.settings.access
        client_address = ClientAddress(server.trusted_proxies)
        wrong_keys = WrongKeys(self._reactor.seconds)
        own_hosts = {server.addr, server.bind}
        name = f"mq:{server.addr}:{self.port}"
        websocket = Upgrade(
            self.engine,
            access=access,
            delivery=self.settings.delivery,
            clock=self._reactor,
            connections=self.connections,
            wrong_keys=wrong_keys,
            client_address=client_address,
            own_hosts=own_hosts,
            node=name,
            version=__version__,
            durable=DURABLE[self.settings.store.durability],
        )
        return make_site(
            engine=self.engine,
            access=access,
            node=NodeFacts(name, server.addr, self.port, __version__, own_hosts),
            settings=self.settings.shown,
            connections=self.connections,
            backstage=Backstage(
                self.engine.admin,
                self.drain,
                self._wall,
                self.settings.effective,
                self.cluster if self.settings.cluster.enabled else None,
                vitals=self.vitals,
            ),
            exposition=self.metrics.exposition,
            websocket=websocket,
            clock=self._reactor,
            nodes=self.cluster.nodes if self.settings.cluster.enabled else None,
            slowdown=wrong_keys,
            client_address=client_address,
        )

    def _start_loops(self) -> None:
        delivery, store = self.settings.delivery, self.settings.store
        self._loop(self.engine.check, delivery.check_seconds)
        self._loop_delay.start()
        if delivery.throttled:
            self._loop(lambda: self.engine.refill(delivery.push_count), delivery.push_interval)
        if store.durability == 1:
            self._loop(self.engine.persist, store.interval)

    def _loop(self, call: Callable[[], None], seconds: float) -> None:
        loop = LoopingCall(guarded, self.log, call)
        loop.clock = self._reactor
        loop.start(seconds, now=True)
        self._loops.append(loop)

    def _announce(self) -> None:
        server, access = self.settings.server, self.settings.access
        scheme = "https" if server.certificate else "http"
        host = f"[{server.bind}]" if ":" in server.bind else server.bind
        self.log.info("KapokMQ {version} serves {where}", version=__version__, where=f"{scheme}://{host}:{self.port}/")
        line = f"KapokMQ {__version__} serves {scheme}://{host}:{self.port}/ (settings: {self.settings.source})"
        if access.default_key:
            line += (
                f"\nThe key is still `{access.secret.reveal()}`: set mq.secretKey before others can reach this node."
            )
        print(line, file=self._say, flush=True)

    def _close_logs(self) -> None:
        globalLogPublisher.removeObserver(self._logs)
        self._logs.close()
