"""What a cluster's faces have in common: a client like any other, over a session of the whole cluster.

    Link ─▶ NodeEnd ─┐
    Link ─▶ NodeEnd ─┼─▶ BaseCluster, which is a BaseClient ─▶ promises kept, messages handed out
    registries ──────┘

A connection with a node is that of the plain client. What it takes for its client is a NodeEnd.
"""

import time
from collections.abc import Sequence
from typing import Any, Protocol, cast

from kapokmq.client.base import BaseClient
from kapokmq.client.cluster.options import ClusterOptions, cluster_of, registries_of
from kapokmq.client.options import addresses
from kapokmq.client.telling import State
from kapokmq.core.client.cluster.asking import Registries
from kapokmq.core.client.cluster.cluster import ClusterSession
from kapokmq.core.client.cluster.roster import News
from kapokmq.core.client.errors import ClientError, Unreachable
from kapokmq.core.client.inbox import Inbox, Terms
from kapokmq.core.client.session import ClientSession

_REGISTRIES = "registries"  # no node goes by that
_ASKEW = 1.0  # seconds that nodes' clocks may be behind ours


class NodeLink(Protocol):
    """A connection with one node, and the next ones. `reason`: why the last one ended."""

    reason: str

    def wake(self) -> None:
        """There may be something to be written."""

    def hang_up(self, *, for_good: bool) -> None:
        """End the connection; and dial no more, if it is for good."""


class BaseCluster(BaseClient):
    """To be mixed in before a face's client."""

    cluster: ClusterSession
    registries: Registries | None

    def form(self, urls: str | Sequence[str], options: ClusterOptions) -> None:
        """Have a session of the whole cluster instead of one node's. Raises ValueError."""
        self.registries = registries_of(urls, options)
        self.cluster = cluster_of(options)
        self.session = cast("ClientSession", self.cluster)  # BaseClient asks nothing else of it
        if options.nodes:
            self.cluster.news(News(frozenset(addresses(options.nodes))), 0.0)

    def _inbox(self, topic: str, terms: Terms) -> Inbox:
        if self._over is not None:
            raise self._over
        late = terms
        if terms.group is not None and terms.start is None:
            late = terms._replace(start={"time": round(time.time() - _ASKEW, 3)})
        return cast("Inbox", self.cluster.subscribe(topic, terms, late))

    # -------------------------------------------------------------------------------------- of registries

    def told(self, data: bytes) -> bool:
        """A registry says this. False if no more should be read of it."""
        if self.registries is None:
            return False
        for news in self.registries.received(data):
            self.telling.there(_REGISTRIES)
            self._happened(self.cluster.news(news, self._now()))
        return self.registries.fault is None

    def untold(self, reason: str | None = None) -> float:
        """A registry's answer has ended, or there was none. Gives in how many seconds to ask again."""
        if self.registries is None:
            return 0.0
        news, wait = self.registries.over(reason)
        for each in news:
            self.telling.there(_REGISTRIES)
            self._happened(self.cluster.news(each, self._now()))
        refused = self.registries.refused
        if refused is not None and not self.cluster.nodes:
            self.end(refused)
        elif self.registries.fault is not None:
            self.telling.away(_REGISTRIES, State("complaint", self.registries.reason, wait))
        return wait

    def why(self, links: Sequence[NodeLink]) -> str:
        """Why nobody is there."""
        reasons = [link.reason for link in links]
        if not reasons and self.registries is not None:
            reasons = [self.registries.reason]
        return "; ".join(reasons)

    # -------------------------------------------------------------------------------------------- of nodes

    def node_heard(self, address: str, frame: bytes) -> None:
        """Read a frame. Raises BadEncoding."""
        self._happened(self.cluster.received(address, frame, self._now()))

    def node_down(self, address: str, reason: str) -> float:
        """Its connection ended, or there was none. Gives in how many seconds to try again."""
        node = self.cluster.nodes.get(address)
        self._happened(self.cluster.lost(address, self._now()))
        wait: float | None = 0.0 if node is None else node.session.backoff.failed()
        if wait and not any(each.session.live for each in self.cluster.nodes.values()):
            wait = self._endurance.away(wait, self._now())
        if wait is None:
            self.end(Unreachable(f"away for {self._options.absence:g} s: {reason}"))
            return 0.0
        self.telling.away(address, State("lost", f"{address}: {reason}", wait))
        return wait

    def node_gone(self, address: str) -> None:
        """Its connection ended, and we dial no more."""
        self.telling.there(address)
        self._happened(self.cluster.lost(address, self._now()))

    def node_failed(self, address: str, error: ClientError) -> None:
        """It makes no sense to dial it now."""
        self.telling.tell(State("complaint", f"{address}: {error}"), loud=True)
        self._happened(self.cluster.failed(address, error, self._now()))

    def due(self) -> None:
        """The cluster's deadline has come."""
        self._happened(self.cluster.tick(self._now()))


class NodeEnd:
    """What a connection of one node takes for its client."""

    def __init__(self, client: BaseCluster, address: str) -> None:
        self._client = client
        self._address = address
        self.session = client.cluster.nodes[address].session
        self.link: Any = None

    def heard(self, frame: bytes) -> None:
        """Read a frame. Raises BadEncoding."""
        self._client.node_heard(self._address, frame)
        if self.session.dispensable:
            self.link.hang_up(for_good=False)

    def went_down(self, reason: str) -> float:
        """The connection ended, or there was none. Gives in how many seconds to try again."""
        return self._client.node_down(self._address, reason)

    def not_dialled(self, error: Exception) -> None:
        """There never was a connection, and this dial failed as well."""
        self._client.not_dialled(error)

    def broken(self, error: Exception) -> None:
        """What should never happen: other nodes would fare no better."""
        self._client.broken(error)

    def end(self, error: ClientError) -> None:
        """It makes no sense to go on."""
        self.link.hang_up(for_good=True)
        self._client.node_failed(self._address, error)
