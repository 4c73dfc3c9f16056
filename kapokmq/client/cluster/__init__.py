"""Clients of a whole cluster: blocking here, for asyncio in `aio`, for Twisted in `tx`.

with ClusterProducer("http://127.0.0.1:8031", key="test") as mq:
    mq.publish("orders", {"id": 17})
"""

from kapokmq.client.cluster.blocking import Cluster, ClusterConsumer, ClusterProducer
from kapokmq.client.cluster.options import ClusterOptions

__all__ = ["Cluster", "ClusterConsumer", "ClusterOptions", "ClusterProducer"]
