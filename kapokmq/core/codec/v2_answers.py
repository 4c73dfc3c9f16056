"""What a v2 client is sent (docs/protocol-v2.md): frames of one JSON object each, complete WebSocket frames of text.

The messages of a delivery are encoded once, however many subscriptions get them: only what comes before them differs.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from kapokmq.core.codec.frames import text_frame
from kapokmq.core.codec.rejected import Rejected
from kapokmq.core.codes import run_of_codes
from kapokmq.core.peers import Delivery, Receipt


class Limits(msgspec.Struct, rename="camel", frozen=True):
    """How much a node takes."""

    message_bytes: int
    batch: int
    frame_bytes: int
    credit: int
    headers: int
    header_bytes: int
    subscriptions: int
    unconfirmed: int
    ack_codes: int
    nack_codes: int


class _Welcome(msgspec.Struct, tag_field="op", tag="welcome", omit_defaults=True):
    server: str
    version: str
    node: str
    limits: Limits
    id: int | UnsetType = UNSET
    session: str | UnsetType = UNSET


class _Ok(msgspec.Struct, tag_field="op", tag="ok", omit_defaults=True):
    id: int
    durable: str | UnsetType = UNSET
    unknown: Sequence[int] | UnsetType = UNSET


class _Error(msgspec.Struct, tag_field="op", tag="error", omit_defaults=True, rename="camel"):
    code: str
    message: str
    id: int | UnsetType = UNSET
    sub: int | UnsetType = UNSET
    index: int | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET


class _Delivered(msgspec.Struct, omit_defaults=True, rename="camel", gc=False):
    code: str
    topic: str
    data: str
    create_time: msgspec.Raw  # a number, with a fraction
    attempt: int
    headers: Any = UNSET
    key: str | UnsetType = UNSET


class _Plain(msgspec.Struct, rename="camel", gc=False):
    code: str
    topic: str
    data: str
    create_time: msgspec.Raw
    attempt: int = 1


_write = msgspec.json.Encoder().encode


def encode_welcome(version: str, node: str, limits: Limits, request: int | None, session: str | None) -> bytes:
    """Say who we are and what we take."""
    return text_frame(_write(_Welcome("kapokmq", version, node, limits, _sayable(request), _sayable(session))))


def encode_ok(request: int, *, durable: str | None = None, unknown: Sequence[int] = ()) -> bytes:
    """Say that a request is carried out. `unknown` are indexes of its codes."""
    return text_frame(_write(_Ok(request, _sayable(durable), unknown or UNSET)))


def encode_receipt(receipt: Receipt) -> bytes:
    """Say that a publish is stored. Its reference is the request's id."""
    duplicates = receipt.duplicates
    return text_frame(
        b'{"op":"ok","id":%d,"codes":%b%b,"durable":%b%b}'
        % (
            receipt.reference,
            _codes(receipt) if not duplicates else _write(receipt.codes),
            b',"duplicates":' + _write(sorted(duplicates)) if duplicates else b"",
            _write(receipt.durable),
            b',"resent":true' if receipt.resent else b"",
        )
    )


def _codes(receipt: Receipt) -> bytes:
    """A JSON array of codes without a gap."""
    runs = run_of_codes(receipt.prefix, receipt.first, receipt.count)
    return f"[{','.join([_quoted(stem, tails) for stem, tails in runs])}]".encode()


def _quoted(stem: str, tails: list[str]) -> str:
    """Codes that begin alike, in quotes."""
    return f'"{stem}' + f'","{stem}'.join(tails) + '"'


def encode_error(fault: Rejected) -> bytes:
    """Say why not."""
    return text_frame(
        _write(
            _Error(
                fault.name,
                str(fault),
                _sayable(fault.id),
                _sayable(fault.sub),
                _sayable(fault.index),
                _sayable(fault.retry_after),
            )
        )
    )


def encode_drain(reason: str) -> bytes:
    """Say that this node stops."""
    return text_frame(b'{"op":"drain","reason":%b}' % _write(reason))


def messages_json(delivery: Delivery) -> bytes:
    """A JSON array of a batch. To be handed to `Delivery.rendered`."""
    topic = delivery.topic
    messages, codes, attempts = delivery.messages, delivery.codes, delivery.attempts
    # Many were created in the same millisecond, and nothing is slower to write than a number with a fraction.
    times = {created: msgspec.Raw(_write(created / 1000)) for created in {message.created for message in messages}}
    if attempts is None and not any([m.headers is not None or m.key is not None for m in messages]):  # noqa: C419 -- a list is quicker
        return _write([_Plain(code, topic, m.data, times[m.created]) for m, code in zip(messages, codes, strict=True)])
    return _write(
        [
            _Delivered(
                code,
                topic,
                message.data,
                times[message.created],
                attempt,
                UNSET if message.headers is None else msgspec.Raw(message.headers),
                UNSET if message.key is None else message.key,
            )
            for message, code, attempt in zip(messages, codes, attempts or [1] * len(messages), strict=True)
        ]
    )


def encode_delivery(sub: int, delivery: Delivery) -> bytes:
    """Make the frame of a batch for one subscription."""
    return text_frame(b'{"op":"deliver","sub":%d,"messages":%b}' % (sub, delivery.rendered(messages_json)))


def _sayable(value: Any) -> Any:
    """A value, or what leaves its field out."""
    return UNSET if value is None else value
