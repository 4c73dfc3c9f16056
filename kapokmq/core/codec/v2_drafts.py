"""The messages of a v2 publish, made drafts.

    {"data": …, "delay"?: seconds, "at"?: unix seconds, "expire"?: seconds, "key"?: text, "headers"?: {text: text}}

`data` is a text, or any other JSON value: then its JSON, as it stands in the frame, is the text that is carried.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kapokmq.core.codec.rejected import Rejected, rejected
from kapokmq.core.errors import BadMessage, BadName, TooBig
from kapokmq.core.message import LONGEST_DELAY, Draft, Drafts
from kapokmq.core.names import check_name

MOST_HEADERS = 64
LONGEST_HEADERS = 16 * 1024  # bytes of JSON
LATEST = 253_402_300_799  # the last second of the year 9999
_WIDEST = 4  # bytes of UTF-8 that a character may take

T = TypeVar("T")


class Full(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message with whatever a message may have."""

    data: msgspec.Raw
    delay: Annotated[float, Meta(ge=0, le=LONGEST_DELAY)] | UnsetType = UNSET
    at: Annotated[float, Meta(ge=0, le=LATEST)] | UnsetType = UNSET
    expire: Annotated[float, Meta(gt=0, le=LONGEST_DELAY)] | UnsetType = UNSET
    key: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET


_read_text = msgspec.json.Decoder(str).decode
_write = msgspec.json.Encoder().encode


def given(value: T | UnsetType) -> T | None:
    """What a field says, None where it was left out."""
    return None if isinstance(value, UnsetType) else value


def full_drafts(messages: Sequence[Full], length: int, longest: int) -> list[Draft]:
    """Make drafts of messages with options. Raises Rejected, which names the first at fault."""
    raws = [bytes(message.data) for message in messages]
    texts = [_read_text(raw) if raw[:1] == b'"' else raw.decode() for raw in raws]
    drafts = [_draft(index, *pair) for index, pair in enumerate(zip(messages, texts, strict=True))]
    check_sizes(drafts, length, longest)
    return drafts


def _draft(index: int, message: Full, text: str) -> Draft:
    """One message."""
    if message.delay is not UNSET and message.at is not UNSET:
        raise Rejected("delay: not together with at", BadMessage.name, index=index)
    delay, at, expire, key = given(message.delay) or 0, given(message.at), given(message.expire), given(message.key)
    try:
        return Draft(
            text,
            int(delay),
            milliseconds(delay),
            None if at is None else milliseconds(at),
            0 if expire is None else max(1, milliseconds(expire)),  # 0 would be for ever
            None if key is None else check_name(key, "key"),
            written_headers(given(message.headers) or {}),
        )
    except (BadMessage, BadName, TooBig) as fault:
        raise rejected(fault, index=index) from None


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, the nearest."""
    return round(seconds * 1000)


def written_headers(headers: Mapping[str, str]) -> str | None:
    """Headers as a draft carries them. Raises BadMessage and TooBig."""
    if not headers:
        return None
    if len(headers) > MOST_HEADERS:
        raise BadMessage(f"headers: {len(headers)}, the limit is {MOST_HEADERS}")
    text = _write(headers)
    if len(text) > LONGEST_HEADERS:
        raise TooBig(f"headers: {len(text)} bytes of JSON, the limit is {LONGEST_HEADERS}")
    return text.decode()


def check_sizes(drafts: Drafts, length: int, longest: int) -> None:
    """Refuse texts beyond the limit. JSON is never shorter than what it holds, so most frames need no look."""
    if length <= longest:
        return
    for index, draft in enumerate(drafts):
        if len(draft.data) * _WIDEST > longest:
            size = len(draft.data.encode())
            if size > longest:
                raise Rejected(f"data: {size} bytes, the limit is {longest}", TooBig.name, index=index)
