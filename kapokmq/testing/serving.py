"""The real wire and HTTP of a node, on a loopback port, from a thread with an event loop of its own.

A reactor can run once in a process and in one thread, which belongs to the program under test. The protocols don't need
one: they get their bytes, their clock and their transport from the loop. While it serves, the engine lives there too.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from twisted.internet.address import IPv4Address

from kapokmq import __version__
from kapokmq.core.settings import NodeSettings
from kapokmq.protocols.api.assembly import Backstage
from kapokmq.protocols.connections import Connections
from kapokmq.protocols.site import NodeFacts, NodeSite, make_site
from kapokmq.protocols.upgrade import Upgrade
from kapokmq.services.metrics import NodeMetrics
from kapokmq.services.vitals import NodeVitals, no_disk
from kapokmq.testing.clock import LoopClock
from kapokmq.testing.machine import Machine
from kapokmq.testing.transport import LoopTransport
from serena.web.address import ClientAddress
from serena.web.wrong_keys import WrongKeys

HOST = "127.0.0.1"
REASON = "this node stops: go to another one"
_STOPS_WITHIN = 1.0  # seconds that clients have to close
_STEP = 0.01  # seconds between looks at what is due, where the clock goes by itself

T = TypeVar("T")


class Wire:
    """The sockets of a machine, from when it is made to `stop`. Raises OSError where the port is taken.

    `live`: the machine's clock goes by itself.
    """

    def __init__(self, machine: Machine, settings: NodeSettings, port: int, *, live: bool) -> None:
        self._machine = machine
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._clock = LoopClock(self._loop)
        self._connections = Connections(
            most=settings.access.max_connections,
            same_id=settings.access.same_id_limit,
            wall=lambda: machine.now,
        )
        self._transports: set[LoopTransport] = set()
        self._step: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._run, name="kapokmq-memory-node", daemon=True)
        self._thread.start()
        try:
            sock = socket.create_server((HOST, port))
            self.port = int(sock.getsockname()[1])
            self._server = asyncio.run_coroutine_threadsafe(self._listen(sock), self._loop).result()
        except BaseException:
            self._end()
            raise
        machine.move_to(self, self._wake)
        if live:
            self._loop.call_soon_threadsafe(self._flow, self._loop.time())

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def _listen(self, sock: socket.socket) -> asyncio.Server:
        site = self._site(self.port)

        def build(peer: IPv4Address) -> Any:
            return site.buildProtocol(peer)  # type: ignore[no-untyped-call]

        self._site_of = site
        return await self._loop.create_server(lambda: self._opened(LoopTransport(build)), sock=sock)

    def _opened(self, transport: LoopTransport) -> LoopTransport:
        self._transports = {one for one in self._transports if one.connected} | {transport}
        return transport

    # ---- calls

    def call(self, what: Callable[[], T]) -> T:
        """Do something in the thread, and wait."""
        if threading.current_thread() is self._thread:
            return what()
        done: Future[T] = Future()

        def do() -> None:
            try:
                done.set_result(what())
            except BaseException as error:  # noqa: BLE001 -- it is raised where it was asked for
                done.set_exception(error)

        self._loop.call_soon_threadsafe(do)
        return done.result()

    def _wake(self) -> None:
        """What came over a socket has something to be done as soon as it was read."""
        self._loop.call_soon(self._machine.clock.run_due)

    def _flow(self, since: float) -> None:
        """Let as much time pass as did."""
        now = self._loop.time()
        self._machine.flow(now - since, check=int(now) > int(since))
        self._step = self._loop.call_later(_STEP, self._flow, now)

    # ---- steering

    def drain(self) -> None:
        """Tell all clients that the node stops."""
        self.call(self._tell)

    def _tell(self) -> None:
        self._connections.drain(REASON)
        self._site_of.drain()

    def _begin_drain(self, seconds: float | None) -> None:
        """What POST /api/v1/drain does; when the node then ends is the test's to say."""
        self._machine.engine.drain()
        self._tell()

    def drop(self) -> int:
        """Cut all connections. Gives how many there were."""

        def cut() -> int:
            there = [one for one in self._transports if one.connected]
            for one in there:
                one.abortConnection()
            return len(there)

        return self.call(cut)

    def stop(self) -> None:
        """Say goodbye to all clients, close the port and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._machine.move_to(None)
        self._end()

    async def _close(self) -> None:
        if self._step is not None:
            self._step.cancel()
        self._server.close()
        self._site_of.stopFactory()
        await self._connections.close_all(self._clock, within=_STOPS_WITHIN).asFuture(self._loop)
        for one in self._transports:
            if one.connected:
                one.abortConnection()
        await asyncio.sleep(0)  # so that they hear of it
        self._vitals.stop()
        self._clock.stop()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    # ---- the node

    def _site(self, port: int) -> NodeSite:
        machine, settings, clock = self._machine, self._settings, self._clock
        engine, access = machine.engine, settings.access
        name = f"mq:{HOST}:{port}"
        client_address, wrong_keys = ClientAddress(()), WrongKeys(clock.seconds)
        own_hosts = {HOST, "localhost"}
        metrics = NodeMetrics(engine.figures, self._connections.connected, __version__, clock.seconds)
        self._vitals = vitals = NodeVitals(engine, metrics.commits, clock=clock, wall=lambda: machine.now, disk=no_disk)
        vitals.start()
        websocket = Upgrade(
            engine,
            access=access,
            delivery=settings.delivery,
            clock=clock,
            connections=self._connections,
            wrong_keys=wrong_keys,
            client_address=client_address,
            own_hosts=own_hosts,
            node=name,
            version=__version__,
        )
        return make_site(
            engine=engine,
            access=access,
            node=NodeFacts(name=name, addr=HOST, port=port, version=__version__, own_hosts=own_hosts),
            settings=settings.shown,
            connections=self._connections,
            backstage=Backstage(
                engine.admin, self._begin_drain, lambda: machine.now, settings.effective, vitals=vitals
            ),
            exposition=metrics.exposition,
            websocket=websocket,
            clock=clock,
            slowdown=wrong_keys,
            client_address=client_address,
        )
