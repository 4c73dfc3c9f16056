"""The client of a whole cluster that blocks, and that threads may share.

with ClusterProducer("http://127.0.0.1:8031", key="test") as mq:
    mq.publish("orders", {"id": 17})

with ClusterConsumer("http://127.0.0.1:8031", key="test") as mq:
    for message in mq.subscribe("orders", group="billing"):
        message.ack()
"""

from collections.abc import Sequence
from typing import Any

from kapokmq.client import aio, blocking
from kapokmq.client.cluster import aio as cluster_aio
from kapokmq.client.cluster.options import ClusterOptions
from kapokmq.client.options import Options

__all__ = ["Cluster", "ClusterConsumer", "ClusterOptions", "ClusterProducer"]


class Cluster(blocking.Client):
    """A client of all nodes that registries at `http://host:port` tell of, or of `nodes=[…]`.

    It does all that `kapokmq.client.Client` does. The options are those of `ClusterOptions`. Raises what `connect`
    does; WrongKey if all registries, or all nodes, have another key.
    """

    def __init__(self, registries: str | Sequence[str] = (), **options: Any) -> None:
        self._given = options
        super().__init__(registries, ClusterOptions(**options))

    def _made(self, urls: str | Sequence[str], options: Options) -> aio.Client:
        return cluster_aio.Cluster(urls, **self._given)


class ClusterProducer(Cluster):
    """Publishes: each publish to one of the nodes."""


class ClusterConsumer(Cluster):
    """Subscribes on all nodes."""
