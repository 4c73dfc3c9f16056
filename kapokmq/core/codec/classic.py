"""The classic wire's messages (spec, 3.2 and 3.3).

    producer to us     {"MessageData":"text","DelayTime":0}, text or binary
    us to producer     ok, for each message, in order
    us to consumer     {"MessageCode":"...","MessageData":"...","Topic":"...","CreateTime":0,"ConsumedTime":0,
                        "DelayTime":0,"Status":-1}, times in unix seconds
    consumer to us     the bare code, text or binary

Everything goes through here a batch at a time.
"""

from collections.abc import Iterable, Sequence

import msgspec

from kapokmq.core.codec.frames import text_frame, text_head
from kapokmq.core.codec.lenient import read_lenient
from kapokmq.core.errors import BadEncoding, BadMessage, PeerError, TooBig
from kapokmq.core.message import LONGEST_DELAY, Draft, Status, Text
from kapokmq.core.peers import Delivery

_OVERHEAD = 256  # bytes of a frame that are not its data: braces, names, a delay
_ESCAPED = 6  # bytes of JSON that one byte of text may take: \u0001
_OK = text_frame(b"ok")
_LONGEST_ACK = 64  # bytes; codes have 40
_SMALLEST_INT64 = -(1 << 63)


class _Sent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What well-behaved producers send. `MessageData` is required: {"messagedata": "x"} must not pass for empty."""

    MessageData: str
    DelayTime: int = 0


class _Pushed(msgspec.Struct, gc=False):
    """What consumers get, fields in the original's order."""

    MessageCode: str
    MessageData: str
    Topic: str
    CreateTime: int
    ConsumedTime: int
    DelayTime: int
    Status: int


_read_strict = msgspec.json.Decoder(_Sent).decode
_write = msgspec.json.Encoder().encode


def longest_draft(longest: int) -> int:
    """How long the JSON of a message may be, however it is escaped. `longest` is its text in bytes of UTF-8."""
    return _ESCAPED * longest + _OVERHEAD


def decode_drafts(frames: Iterable[bytes], longest: int) -> tuple[list[Draft | Text], PeerError | None]:
    """Read frames up to the first that can't be carried. `longest` is a message's text in bytes of UTF-8."""
    drafts: list[Draft | Text] = []
    for frame in frames:
        try:
            try:
                sent = _read_strict(frame)
                data, delay = sent.MessageData, sent.DelayTime
            except ValueError:
                data, delay = read_lenient(frame)
            if delay:
                _check_delay(delay)
            # JSON is never shorter than the text it holds.
            if len(frame) > longest:
                _check_size(data, longest)
        except PeerError as fault:
            return drafts, fault
        drafts.append(Draft(data, delay, delay * 1000 if delay > 0 else 0) if delay else Text(data))
    return drafts, None


def _check_delay(delay: int) -> None:
    """Refuse what no clock of ours reaches."""
    if delay > LONGEST_DELAY:
        if delay > -_SMALLEST_INT64 - 1:
            raise BadEncoding("DelayTime: does not fit in 64 bits")
        raise BadMessage(f"DelayTime: more than {LONGEST_DELAY} seconds")
    if delay < _SMALLEST_INT64:
        raise BadEncoding("DelayTime: does not fit in 64 bits")


def _check_size(data: str, longest: int) -> None:
    """Refuse text beyond the limit."""
    size = len(data.encode())
    if size > longest:
        raise TooBig(f"MessageData: {size} bytes, the limit is {longest}")


def encode_delivery(delivery: Delivery) -> bytes:
    """Make the frames of a batch, one a message. To be handed to `Delivery.rendered`."""
    topic, waiting = delivery.topic, int(Status.WAITING)
    texts = [
        _write(_Pushed(code, message.data, topic, message.created // 1000, 0, message.delay, waiting))
        for message, code in zip(delivery.messages, delivery.codes, strict=True)
    ]
    heads = {length: text_head(length) for length in set(map(len, texts))}
    return b"".join([heads[len(text)] + text for text in texts])


def encode_oks(count: int) -> bytes:
    """Make that many `ok` frames."""
    return _OK * count


def decode_acks(frames: Sequence[bytes]) -> list[str]:
    """Read codes. What is none comes out as one that nobody has, for the engine to ignore and count."""
    return [str(frame[:_LONGEST_ACK], "latin-1") for frame in frames]
