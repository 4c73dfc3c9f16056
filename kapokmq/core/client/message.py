"""What a client sends and gets: a message on its way out, what confirms it, and a message that came."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from kapokmq.core.client.checks import LONGEST_DELAY, check_number, check_text, told_reason, wire_name
from kapokmq.core.codec.v2_drafts import LATEST


class Outgoing(msgspec.Struct, omit_defaults=True, gc=False):
    """A message to be published, where more is to be said than its data.

    `data`: a text, or whatever msgspec writes as JSON, whose JSON is then the text. `delay`: seconds until it is due;
    or `at`: when, unix seconds. `expire`: seconds after that. `key`: stored once within the topic's window.
    """

    data: Any
    delay: float | UnsetType = UNSET
    at: float | UnsetType = UNSET
    expire: float | UnsetType = UNSET
    key: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.data, (bytes, bytearray, memoryview)):
            raise TypeError("data: bytes are no text; decode them, or send base64")
        if self.delay is not UNSET and self.at is not UNSET:
            raise ValueError("delay: not together with at")


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What confirms a publish.

    `codes` are those of its messages, in order, 40 hex digits each. `duplicates` are indexes of messages that were not
    stored, because one with their key is. `durable` is what is promised: "memory", "interval" or "fsync". `resent`: it
    was stored before, and this is the answer to its being sent again.
    """

    codes: list[str]
    durable: str
    duplicates: Sequence[int] = ()
    resent: bool = False

    @property
    def code(self) -> str:
        """That of the first message, or of the only one."""
        return self.codes[0]


class Source(Protocol):
    """Where a message came from, and what became of it is told."""

    def ack(self, code: str) -> None:
        """It is done."""

    def nack(self, code: str, delay: float | None, reason: str) -> None:
        """It was not done."""

    def touch(self, code: str) -> None:
        """It takes longer."""


class Message(msgspec.Struct, rename="camel", gc=False):
    """A message that was delivered.

    `create_time`: when it was stored, unix seconds. `attempt`: which delivery of it to this group this is, from 1 on.
    """

    code: str
    topic: str
    data: str
    create_time: float
    attempt: int
    key: str | None = None
    headers: dict[str, str] = {}
    source: Any = msgspec.field(default=None, name=":source")  # set when it is handed out; the wire has no such name

    def json(self) -> Any:
        """What `data` says as JSON. Raises ValueError."""
        return msgspec.json.decode(self.data)

    def ack(self) -> None:
        """It is done, and must not come again. Returns at once: acks travel in batches, and again after a reconnect."""
        self._told.ack(self.code)

    def nack(self, delay: float | None = None, reason: str = "") -> None:
        """It was not done, and comes again: after so many seconds, or as the group's backoff says.

        Of a `reason` 1,000 characters are told. Raises TypeError and ValueError for what makes no sense.
        """
        self._told.nack(self.code, delay, told_reason(delay, reason))

    def touch(self) -> None:
        """It takes longer: its lease begins anew."""
        self._told.touch(self.code)

    @property
    def _told(self) -> Source:
        source: Source = self.source
        return source


class Publish(msgspec.Struct, frozen=True, gc=False):
    """A publish that was checked and written, but for its number. `count` is of messages, `topic` is JSON."""

    topic: bytes
    messages: bytes
    count: int
    durable: bool

    @property
    def size(self) -> int:
        """Bytes that it takes while it is not confirmed."""
        return len(self.messages)


_write = msgspec.json.Encoder().encode


def written(topic: str, messages: Sequence[Any], *, durable: bool = False) -> Publish:
    """Write a publish of texts, objects and `Outgoing`s.

    Raises ValueError and TypeError for what is no JSON or no option, Refused for what is no topic's name.
    """
    if isinstance(messages, (str, bytes, bytearray, memoryview, dict)):
        raise TypeError(f"messages: several are wanted, and this is one {type(messages).__name__}")
    if not messages:
        raise ValueError("messages: there are none")
    name = _write(wire_name(topic, "topic"))
    return Publish(name, _write([_as_text(each) for each in messages]), len(messages), durable)


def _as_text(message: Any) -> Outgoing:
    """A message whose data is a text. So nothing that is nested too deeply for a broker is ever in a frame."""
    if isinstance(message, Outgoing):
        asked: Outgoing = message
        _check_options(asked)
    else:
        asked = Outgoing(message)
    if isinstance(asked.data, str):
        return asked
    try:
        text = _write(asked.data).decode()
    except RecursionError:
        raise ValueError("data: is nested too deeply") from None
    return Outgoing(text, asked.delay, asked.at, asked.expire, asked.key, asked.headers)


def _check_options(asked: Outgoing) -> None:
    """Raise TypeError and ValueError for what no broker reads."""
    if asked.delay is not UNSET:
        check_number(asked.delay, "delay", 0, LONGEST_DELAY)
    if asked.at is not UNSET:
        check_number(asked.at, "at", 0, LATEST)
    if asked.expire is not UNSET:
        check_number(asked.expire, "expire", 0, LONGEST_DELAY)
    if asked.key is not UNSET:
        check_text(asked.key, "key")
    if asked.headers is not UNSET:
        if not isinstance(asked.headers, dict):
            raise TypeError(f"headers: is no dict, but {type(asked.headers).__name__}")
        for name, value in asked.headers.items():
            check_text(name, "headers")
            check_text(value, f"headers: {name}")


def outgoing(
    data: Any,
    *,
    delay: float | None = None,
    at: float | None = None,
    expire: float | None = None,
    key: str | None = None,
    headers: dict[str, str] | None = None,
) -> Outgoing:
    """The same with None for what is left out."""
    return Outgoing(
        data,
        UNSET if delay is None else delay,
        UNSET if at is None else at,
        UNSET if expire is None else expire,
        UNSET if key is None else key,
        UNSET if headers is None else headers,
    )
