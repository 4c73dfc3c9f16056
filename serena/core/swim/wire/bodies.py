"""Messages that come in datagrams: a type byte, then a msgpack struct (a user message: bytes as they are).

Fields are named and ordered as Go writes them, so that what was read is written byte for byte the same. Where a struct
comes as an array, its fields stand in the order of their declaration, which is how the tuples below list them.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from serena.core.errors import MisuseError
from serena.core.swim.messages import (
    Ack,
    Address,
    Alive,
    Dead,
    IndirectPing,
    Message,
    Nack,
    Ping,
    Source,
    Suspect,
    UserMessage,
)
from serena.core.swim.wire import fields
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.msgpack import Allowance, Value, blob, boolean, extent, number, raw, struct, switch, written


class Type(IntEnum):
    """The byte that every message begins with."""

    PING = 0
    INDIRECT_PING = 1
    ACK = 2
    SUSPECT = 3
    ALIVE = 4
    DEAD = 5
    PUSH_PULL = 6
    COMPOUND = 7
    USER = 8
    COMPRESS = 9
    ENCRYPT = 10
    NACK = 11
    CRC = 12
    ERR = 13
    LABEL = 244


Found = Mapping[bytes, Value]
Fields = list[tuple[bytes, bytes]]
"""Names and what was written for them."""

PING_FIELDS = (b"SeqNo", b"Node", b"SourceAddr", b"SourcePort", b"SourceNode")
ACK_FIELDS = (b"SeqNo", b"Payload")
_INDIRECT_PING = (b"SeqNo", b"Target", b"Port", b"Node", b"Nack", b"SourceAddr", b"SourcePort", b"SourceNode")
_NACK = (b"SeqNo",)
_ACCUSATION = (b"Incarnation", b"Node", b"From")
_ALIVE = (b"Incarnation", b"Node", b"Addr", b"Port", b"Meta", b"Vsn")


def decode(data: bytes, allowance: Allowance | None = None) -> Message:
    """The message in `data`; what follows its struct is ignored. `allowance` bounds its values. Raises Dropped."""
    if not data:
        raise Dropped("empty")
    kind = data[0]
    if kind == Type.USER:
        return UserMessage(data[1:])
    if kind not in _READ:
        raise Dropped("unknownType")
    names, read = _READ[kind]
    extent(data, 1, allowance)
    return read(struct(data, 1, names))


def encode(message: Message) -> bytes:
    """Type byte and body. Raises MisuseError for what would harm who gets it."""
    if isinstance(message, UserMessage):
        return bytes((Type.USER,)) + message.data
    if type(message) not in _WRITE:
        raise MisuseError(f"{type(message).__name__} is no message for a datagram")
    kind, parts = _WRITE[type(message)]
    return bytes((kind,)) + written(parts(message))


# ----------------------------------------------------------------------------------------------------------- reading


def read_ping(found: Found) -> Ping:
    """A ping; whom it means may be left open. Raises Dropped."""
    return Ping(fields.number32(found, b"SeqNo"), fields.optional_name(found, b"Node"), _read_source(found))


def read_ack(found: Found) -> Ack:
    """An ack. Raises Dropped."""
    return Ack(fields.number32(found, b"SeqNo"), blob(found.get(b"Payload")))


def _read_source(found: Found) -> Source | None:
    """Who asked; None unless there are both address and port: then where the datagram came from has to do."""
    host = blob(found.get(b"SourceAddr"))
    port = fields.port(found, b"SourcePort")
    name = fields.optional_name(found, b"SourceNode")
    if not host or not port:
        return None
    return Source(Address(fields.host(host), port), name)


def _read_indirect_ping(found: Found) -> IndirectPing:
    return IndirectPing(
        fields.number32(found, b"SeqNo"),
        fields.optional_name(found, b"Node"),
        fields.address(found, b"Target"),
        switch(found.get(b"Nack")),
        _read_source(found),
    )


def _read_nack(found: Found) -> Nack:
    return Nack(fields.number32(found, b"SeqNo"))


def _read_suspect(found: Found) -> Suspect:
    return Suspect(*_read_accusation(found))


def _read_dead(found: Found) -> Dead:
    return Dead(*_read_accusation(found))


def _read_accusation(found: Found) -> tuple[bytes, int, bytes]:
    return fields.name(found, b"Node"), fields.number32(found, b"Incarnation"), fields.name(found, b"From")


def _read_alive(found: Found) -> Alive:
    return Alive(
        fields.name(found, b"Node"),
        fields.number32(found, b"Incarnation"),
        fields.address(found, b"Addr"),
        fields.meta(found),
        fields.versions(found),
    )


_READ: Mapping[int, tuple[tuple[bytes, ...], Callable[[Found], Message]]] = MappingProxyType(
    {
        Type.PING: (PING_FIELDS, read_ping),
        Type.INDIRECT_PING: (_INDIRECT_PING, _read_indirect_ping),
        Type.ACK: (ACK_FIELDS, read_ack),
        Type.SUSPECT: (_ACCUSATION, _read_suspect),
        Type.ALIVE: (_ALIVE, _read_alive),
        Type.DEAD: (_ACCUSATION, _read_dead),
        Type.NACK: (_NACK, _read_nack),
    }
)


# ----------------------------------------------------------------------------------------------------------- writing


def ping_fields(ping: Ping) -> Fields:
    """What a ping consists of. Raises MisuseError."""
    return [
        (b"Node", raw(fields.sent_optional_name(ping.node))),
        (b"SeqNo", number(fields.sent_number(ping.seq))),
        *_source_fields(ping.source),
    ]


def ack_fields(ack: Ack) -> Fields:
    """What an ack consists of. Raises MisuseError."""
    return [(b"Payload", raw(ack.payload)), (b"SeqNo", number(fields.sent_number(ack.seq)))]


def _source_fields(source: Source | None) -> Fields:
    """Who asks: left out where there is nothing to say."""
    if source is None:
        return []
    host, port = fields.sent_address(source.address)
    parts = [(b"SourceAddr", raw(host))]
    if source.name:
        parts.append((b"SourceNode", raw(fields.sent_name(source.name))))
    if port:
        parts.append((b"SourcePort", number(port)))
    return parts


def _nack_fields(nack: Nack) -> Fields:
    return [(b"SeqNo", number(fields.sent_number(nack.seq)))]


def _indirect_ping_fields(ping: IndirectPing) -> Fields:
    host, port = fields.sent_address(ping.target)
    return [
        (b"Nack", boolean(ping.nack)),
        (b"Node", raw(fields.sent_optional_name(ping.node))),
        (b"Port", number(port)),
        (b"SeqNo", number(fields.sent_number(ping.seq))),
        *_source_fields(ping.source),
        (b"Target", raw(host)),
    ]


def _accusation_fields(message: Suspect | Dead) -> Fields:
    return [
        (b"From", raw(fields.sent_name(message.sender))),
        (b"Incarnation", number(fields.sent_number(message.incarnation))),
        (b"Node", raw(fields.sent_name(message.node))),
    ]


def _alive_fields(alive: Alive) -> Fields:
    host, port = fields.sent_address(alive.address)
    return [
        (b"Addr", raw(host)),
        (b"Incarnation", number(fields.sent_number(alive.incarnation))),
        (b"Meta", raw(fields.sent_meta(alive.meta))),
        (b"Node", raw(fields.sent_name(alive.node))),
        (b"Port", number(port)),
        (b"Vsn", raw(fields.sent_versions(alive.versions))),
    ]


_WRITE: Mapping[type, tuple[Type, Callable[[Any], Fields]]] = MappingProxyType(
    {
        Ping: (Type.PING, ping_fields),
        IndirectPing: (Type.INDIRECT_PING, _indirect_ping_fields),
        Ack: (Type.ACK, ack_fields),
        Suspect: (Type.SUSPECT, _accusation_fields),
        Alive: (Type.ALIVE, _alive_fields),
        Dead: (Type.DEAD, _accusation_fields),
        Nack: (Type.NACK, _nack_fields),
    }
)
