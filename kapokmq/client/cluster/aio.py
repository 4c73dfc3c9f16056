"""The client of a whole cluster, for asyncio.

async with ClusterProducer("http://127.0.0.1:8031", key="test") as mq:
    await mq.publish("orders", {"id": 17})

async with ClusterConsumer("http://127.0.0.1:8031", key="test") as mq:
    async for message in mq.subscribe("orders", group="billing"):
        message.ack()
"""

from collections.abc import Sequence
from typing import Any

from kapokmq.client import aio
from kapokmq.client.cluster.aio_link import ClusterLink
from kapokmq.client.cluster.base import BaseCluster
from kapokmq.client.cluster.options import ClusterOptions

__all__ = ["Cluster", "ClusterConsumer", "ClusterProducer"]


class Cluster(BaseCluster, aio.Client):
    """A client of all nodes that registries at `http://host:port` tell of, or of `nodes=[…]`.

    It does all that `aio.Client` does, and is opened and closed like it. The options are those of `ClusterOptions`.
    Raises what `connect` does; WrongKey if all registries, or all nodes, have another key.
    """

    def __init__(self, registries: str | Sequence[str] = (), **options: Any) -> None:
        chosen = ClusterOptions(**options)
        super().__init__([], chosen)
        self.form(registries, chosen)
        self._link = ClusterLink(chosen, self)  # type: ignore[assignment]  # it is asked for nothing else


class ClusterProducer(Cluster):
    """Publishes: each publish to one of the nodes."""


class ClusterConsumer(Cluster):
    """Subscribes on all nodes."""
