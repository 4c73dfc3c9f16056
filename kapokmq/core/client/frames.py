"""The v2 wire as a client sees it (docs/protocol-v2.md): ops out, and what a broker says in.

Fields and ops that are not known here are borne: a newer broker may have them.
"""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from kapokmq.core.client.message import Message, Publish
from kapokmq.core.codec.v2 import BATCH, CREDIT, MOST_ACKED, MOST_NACKED
from kapokmq.core.errors import BadEncoding

__all__ = ["BATCH", "CREDIT", "MOST_ACKED", "MOST_NACKED"]

Start = str | dict[str, float]


class Limits(msgspec.Struct, rename="camel", frozen=True):
    """How much the node takes, as far as a client that behaves can meet it."""

    frame_bytes: int = 8 << 20
    batch: int = BATCH


class Welcome(msgspec.Struct, tag_field="op", tag="welcome", frozen=True):
    """We are in."""

    node: str = ""
    version: str = ""
    limits: Limits = Limits()


class Ok(msgspec.Struct, tag_field="op", tag="ok", gc=False):
    """A request is carried out."""

    id: int
    codes: list[str] = []
    durable: str = ""
    duplicates: list[int] = []
    resent: bool = False
    unknown: list[int] = []


class Error(msgspec.Struct, tag_field="op", tag="error", rename="camel"):
    """A request is not carried out, or a subscription is over."""

    code: str
    message: str = ""
    id: int | None = None
    sub: int | None = None
    index: int | None = None
    retry_after: float | None = None


class Deliver(msgspec.Struct, tag_field="op", tag="deliver", gc=False):
    """Messages of a subscription."""

    sub: int
    messages: list[Message]


class Drain(msgspec.Struct, tag_field="op", tag="drain"):
    """The node stops."""

    reason: str = ""


class _Head(msgspec.Struct):
    op: str


Said = Welcome | Ok | Error | Deliver | Drain

_KNOWN = {"welcome", "ok", "error", "deliver", "drain"}
_read = msgspec.json.Decoder(Said).decode
_read_head = msgspec.json.Decoder(_Head).decode
_write = msgspec.json.Encoder().encode


def decode(frame: bytes) -> Said | None:
    """Read what a broker says; None where it is something newer. Raises BadEncoding."""
    try:
        said: Said = _read(frame)
    except (ValueError, RecursionError) as fault:
        text = str(fault)
    else:
        return said
    try:
        known = _read_head(frame).op in _KNOWN
    except (ValueError, RecursionError):
        known = True
    if known:
        raise BadEncoding(f"the broker's frame can't be read: {text}")
    return None


class _Hello(msgspec.Struct, tag_field="op", tag="hello", omit_defaults=True):
    id: int
    session: str
    key: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


class _Subscribe(msgspec.Struct, tag_field="op", tag="subscribe", omit_defaults=True):
    id: int
    topic: str
    credit: int
    group: str | UnsetType = UNSET
    start: Start | UnsetType = UNSET
    ack: str | UnsetType = UNSET


class _Settle(msgspec.Struct, omit_defaults=True):
    op: str
    sub: int
    codes: Sequence[str]
    id: int
    delay: float | UnsetType = UNSET
    reason: str = ""


HELLO = 0  # the id of a hello; all others are above


def encode_hello(session: str, key: str | None, name: str | None) -> bytes:
    """Say who we are."""
    return _write(_Hello(HELLO, session, UNSET if key is None else key, UNSET if name is None else name))


def encode_publish(number: int, publish: Publish) -> bytes:
    """Ask for messages to be stored."""
    durable = b',"durable":true' if publish.durable else b""
    return b'{"op":"publish","id":%d,"topic":%b%b,"messages":%b}' % (number, publish.topic, durable, publish.messages)


def encode_subscribe(sub: int, topic: str, credit: int, *, group: str | None, start: Start | None, acks: bool) -> bytes:
    """Ask for messages."""
    asked = _Subscribe(
        sub,
        topic,
        credit,
        UNSET if group is None else group,
        UNSET if start is None else start,
        UNSET if acks else "none",
    )
    return _write(asked)


def encode_settle(
    op: str, number: int, sub: int, codes: Sequence[str], *, delay: float | None = None, reason: str = ""
) -> bytes:
    """Say what became of messages. `op` is "ack", "nack" or "touch"."""
    return _write(_Settle(op, sub, codes, number, UNSET if delay is None else delay, reason))


def encode_credit(number: int, sub: int, count: int) -> bytes:
    """Set how many messages a subscription may hold, or without acks: get from now on."""
    return b'{"op":"credit","sub":%d,"n":%d,"id":%d}' % (sub, count, number)


def encode_unsubscribe(number: int, sub: int) -> bytes:
    """Want no more messages."""
    return b'{"op":"unsubscribe","sub":%d,"id":%d}' % (sub, number)
