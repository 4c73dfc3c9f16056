"""The original's Go client by name, for code that is ported from it: docs/client-classic.md.

    new_producer_conn(Producer(MqAddr="127.0.0.1", MqPort="8011", Topic="t", ProducerId="P1", SecretKey="test"))
    producer_send("P1", "a text", 60)

It speaks the classic wire, to our brokers and the original's. Code that is new is better off with `kapokmq.client`.
"""

from kapokmq.client.classic.config import ClusterProducer, Consumer, Producer
from kapokmq.client.classic.connections import Connections
from kapokmq.core.client.classic.nodes import Node
from kapokmq.core.client.classic.session import Message
from kapokmq.core.client.errors import ClientError, Closed, Refused, Unreachable, Untrusted, WrongKey

__all__ = [
    "Producer",
    "Consumer",
    "ClusterProducer",
    "Message",
    "Node",
    "Connections",
    "new_producer_conn",
    "new_cluster_producer_conn",
    "new_consumer_conn",
    "producer_send",
    "producer_ack",
    "consumer_receive",
    "consume_ack",
    "get_nodes",
    "producer_close",
    "consumer_close",
    "close_all",
    "NewProducerConn",
    "NewClusterProducerConn",
    "NewConsumerConn",
    "ProducerSend",
    "ProducerAck",
    "ConsumerReceive",
    "ConsumeAck",
    "GetNodes",
    "ClientError",
    "Closed",
    "Refused",
    "Unreachable",
    "Untrusted",
    "WrongKey",
]

_program = Connections()  # functions by name need one place for what they are about, as there

new_producer_conn = NewProducerConn = _program.new_producer_conn
new_cluster_producer_conn = NewClusterProducerConn = _program.new_cluster_producer_conn
new_consumer_conn = NewConsumerConn = _program.new_consumer_conn
producer_send = ProducerSend = _program.producer_send
producer_ack = ProducerAck = _program.producer_ack
consumer_receive = ConsumerReceive = _program.consumer_receive
consume_ack = ConsumeAck = _program.consume_ack
get_nodes = GetNodes = _program.get_nodes
producer_close = _program.producer_close
consumer_close = _program.consumer_close
close_all = _program.close_all
