"""The client of a whole cluster, for Twisted: a service.

mq = ClusterProducer("http://127.0.0.1:8031", key="test")
mq.startService()
mq.publish("orders", {"id": 17}).addCallback(print)
"""

from collections.abc import Sequence
from typing import Any

from kapokmq.client import tx
from kapokmq.client.cluster.base import BaseCluster
from kapokmq.client.cluster.options import ClusterOptions
from kapokmq.client.cluster.tx_link import ClusterLink

__all__ = ["Cluster", "ClusterConsumer", "ClusterProducer"]


class Cluster(BaseCluster, tx.Client):
    """A client of all nodes that registries at `http://host:port` tell of, or of `nodes=[…]`.

    It does all that `tx.Client` does, and is started and stopped like it. The options are those of `ClusterOptions`,
    except for `ssl`. Raises ValueError for an address that is none.
    """

    def __init__(self, registries: str | Sequence[str] = (), reactor: Any = None, **options: Any) -> None:
        if reactor is None:
            from twisted.internet import reactor  # noqa: PLC0415 -- not before somebody wants that one
        chosen = ClusterOptions(**options)
        super().__init__(reactor, [], chosen)
        self.form(registries, chosen)
        self._link = ClusterLink(reactor, chosen, self)  # type: ignore[assignment]  # it is asked for nothing else


class ClusterProducer(Cluster):
    """Publishes: each publish to one of the nodes."""


class ClusterConsumer(Cluster):
    """Subscribes on all nodes."""
