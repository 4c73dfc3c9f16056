"""What the original's HTTP answers list: names, types and order of the fields are the wire's (spec, 2.4)."""

import msgspec

from kapokmq.core.message import Found


class MessageRow(msgspec.Struct):
    """A message. Times and delay in seconds."""

    MessageCode: str
    MessageData: str
    Topic: str
    CreateTime: int
    ConsumedTime: int
    DelayTime: int
    Status: int


class ProducerRow(msgspec.Struct):
    """A connected producer. The time in unix seconds."""

    ProducerId: str
    Topic: str
    ProducerIp: str
    JoinTime: int


class ConsumerRow(msgspec.Struct):
    """A connected consumer. The time in unix seconds."""

    ConsumerId: str
    Topic: str
    ConsumerIp: str
    JoinTime: int


def message_row(found: Found, *, with_data: bool = True) -> MessageRow:
    """Turn what was found into a row."""
    data = found.data if with_data else ""
    created, consumed = found.created // 1000, found.consumed // 1000
    return MessageRow(found.code, data, found.topic, created, consumed, found.delay, int(found.status))
