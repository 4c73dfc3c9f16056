"""A cluster's connections in asyncio: one with each node that is wanted, and one with a registry."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any, cast

from kapokmq.client.aio_link import Link
from kapokmq.client.cluster.base import BaseCluster, NodeEnd
from kapokmq.client.cluster.options import ClusterOptions, secure, url_of
from kapokmq.client.options import tls_context
from kapokmq.core.client.cluster.asking import PROMPT, SILENCE, Registries

_CHUNK = 1 << 16


class ClusterLink:
    """`run` lasts until `hang_up` for good."""

    def __init__(self, options: ClusterOptions, client: BaseCluster) -> None:
        self._tls = None
        if secure(options) or (client.registries is not None and client.registries.secure):
            self._tls = tls_context(options)  # one for all, since it takes a while
        self._options = replace(options, ssl=self._tls)
        self._client = client
        self._cluster = client.cluster
        self._links: dict[str, Link] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._over = asyncio.Event()
        self._running = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def reason(self) -> str:
        """Why nobody is there."""
        return self._client.why(list(self._links.values()))

    async def run(self) -> None:
        """Keep connections up."""
        self._running = True
        registries = self._client.registries
        following = None if registries is None else asyncio.create_task(self._follow(registries))
        self._sync()
        try:
            if following is None:
                await self._over.wait()
            else:
                over = asyncio.create_task(self._over.wait())
                await asyncio.wait([over, following], return_when=asyncio.FIRST_COMPLETED)
                over.cancel()
                if following.done():
                    following.result()
        finally:
            self._over.set()
            self._rearm(None)
            if following is not None:
                following.cancel()
                await asyncio.wait([following])
            for link in list(self._links.values()):
                link.hang_up(for_good=True)
            if self._tasks:
                await asyncio.wait(list(self._tasks.values()))

    def wake(self) -> None:
        """There may be something to be written, or to be dialled."""
        if not self._running or self._over.is_set():
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
        if for_good:
            self._over.set()
            for link in list(self._links.values()):
                link.hang_up(for_good=True)

    def _rearm(self, deadline: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if deadline is None else asyncio.get_running_loop().call_at(deadline, self._client.due)

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
        link = Link([url_of(address, self._options.scheme)], self._options, cast("Any", end))
        end.link = self._links[address] = link
        task = asyncio.create_task(link.run())
        self._tasks[address] = task
        task.add_done_callback(lambda task: self._ended(address, task))

    def _ended(self, address: str, task: asyncio.Task[None]) -> None:
        del self._links[address], self._tasks[address]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._client.broken(error)
        self._client.node_gone(address)

    # ---------------------------------------------------------------------------------------------- registry

    async def _follow(self, registries: Registries) -> None:
        """Ask registries for as long as we are here."""
        while True:
            reason = None
            try:
                await self._ask(registries)
            except TimeoutError:
                reason = "no answer"
            except (OSError, EOFError) as error:
                reason = f"{type(error).__name__}: {error}"
            await asyncio.sleep(self._client.untold(reason))

    async def _ask(self, registries: Registries) -> None:
        place, request = registries.ask()
        async with asyncio.timeout(PROMPT):
            reader, writer = await asyncio.open_connection(
                place.host, place.port, ssl=self._tls if place.secure else None
            )
        try:
            writer.write(request)
            limit = PROMPT
            while True:
                async with asyncio.timeout(limit):
                    data = await reader.read(_CHUNK)
                if not data or not self._client.told(data):
                    return
                limit = SILENCE
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
