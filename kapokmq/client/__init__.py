"""Clients of a broker, over its v2 wire: blocking here, for asyncio in `aio`, for Twisted in `tx`.

with connect("ws://127.0.0.1:8011", key="test") as mq:
    mq.publish("orders", {"id": 17})
"""

from kapokmq.client.blocking import Client, Subscription, connect
from kapokmq.client.cluster import ClusterConsumer, ClusterProducer
from kapokmq.client.options import Options
from kapokmq.client.telling import State
from kapokmq.core.client.errors import (
    ClientError,
    Closed,
    Gone,
    Refused,
    TryLater,
    Unreachable,
    Untrusted,
    WrongKey,
)
from kapokmq.core.client.message import Message, Outgoing, Receipt
from kapokmq.core.client.outbox import Bounds

__all__ = [
    "connect",
    "Client",
    "Subscription",
    "ClusterProducer",
    "ClusterConsumer",
    "Options",
    "Bounds",
    "State",
    "Message",
    "Outgoing",
    "Receipt",
    "ClientError",
    "Closed",
    "Gone",
    "Refused",
    "TryLater",
    "Unreachable",
    "Untrusted",
    "WrongKey",
]
