"""The files of the Go program, read: MQDATA and WAL.log.

    MQDATA    one Go gob of a []byte, `<uint total> 0a 00 <uint n> <n bytes of JSON>`; the JSON is an object of messages
              by their codes. A gob uint is one byte below 128, else a byte `256 - k` and k bytes, big-endian.
    WAL.log   a line a message, as JSON: when it was published, and again, with Status 1, when it was acknowledged. It
              goes on where MQDATA ends. A crash may have torn the last line; all before it counts.

    {"MessageCode":"3bfb…","MessageData":"later","Topic":"t","CreateTime":1795223090,"ConsumedTime":0,"DelayTime":3600,
     "Status":0}

Times are unix seconds. Status: 1 consumed, 0 delayed, -1 waiting.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

CONSUMED = 1
_HEAD = b"\x0a\x00"  # the type of a []byte, and a zero


class OriginalMessage(msgspec.Struct, rename="pascal", frozen=True, gc=False):
    """A message of the original. `delay_time` is in seconds from `create_time` on, in unix seconds."""

    message_code: str
    message_data: str
    topic: str
    create_time: int
    consumed_time: int = 0
    delay_time: int = 0
    status: int = -1

    @property
    def consumed(self) -> bool:
        """Whether somebody has acknowledged it."""
        return self.status == CONSUMED or self.consumed_time > 0

    @property
    def due(self) -> int | None:
        """When it is to be delivered, None where it was never delayed."""
        return self.create_time + self.delay_time if self.delay_time > 0 else None


class Damaged(ValueError):
    """A file that is not what it should be. The text says where."""


@dataclass
class Original:
    """What the files hold together: messages by code, in the order they were read in."""

    messages: dict[str, OriginalMessage] = field(default_factory=dict)
    phantoms: int = 0  # without a code, which every recovery of the original makes
    torn: int = 0  # lines that a crash has cut off

    def add(self, message: OriginalMessage) -> None:
        """Take in what was read later than all before it."""
        if message.message_code:
            self.messages[message.message_code] = message
        else:
            self.phantoms += 1

    def left(self) -> Iterator[OriginalMessage]:
        """Those that nobody has acknowledged, oldest first."""
        found = [message for message in self.messages.values() if not message.consumed]
        found.sort(key=lambda message: message.create_time)
        return iter(found)

    @property
    def consumed(self) -> int:
        """How many were acknowledged."""
        return sum(message.consumed for message in self.messages.values())


_read_all = msgspec.json.Decoder(dict[str, OriginalMessage]).decode
_read_one = msgspec.json.Decoder(OriginalMessage).decode


def read_snapshot(content: bytes, into: Original) -> None:
    """Take in an MQDATA. Raises Damaged, and has then taken in nothing."""
    for message in _messages(unwrapped(content)):
        into.add(message)


def read_log(content: bytes, into: Original) -> None:
    """Take in a WAL.log. Raises Damaged where anything but its last line can't be read."""
    lines = content.split(b"\n")
    last = max((number for number, line in enumerate(lines) if line.strip()), default=-1)
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            into.add(_read_one(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # Only the last line can be torn, and then it has no line feed.
            if number == last == len(lines) - 1:
                into.torn += 1
            else:
                raise Damaged(f"line {number + 1}: {error}") from error


def looks_like_snapshot(content: bytes) -> bool:
    """Whether it is an MQDATA rather than a WAL.log."""
    try:
        unwrapped(content)
    except Damaged:
        return False
    return True


def unwrapped(content: bytes) -> bytes:
    """The JSON in a gob. Raises Damaged."""
    total, at = _uint(content, 0)
    if len(content) - at != total:
        raise Damaged(f"it says {total} bytes follow its first {at}, and {len(content) - at} do: cut off?")
    if content[at : at + 2] != _HEAD:
        raise Damaged(f"it is no gob of bytes at {at}")
    size, at = _uint(content, at + 2)
    if len(content) - at != size:
        raise Damaged(f"it says it has {size} bytes of JSON, and has {len(content) - at}")
    return content[at:]


def _uint(content: bytes, at: int) -> tuple[int, int]:
    """A gob uint, and where it ends."""
    if at >= len(content):
        raise Damaged(f"it ends at {at}")
    first = content[at]
    if first < 0x80:  # noqa: PLR2004 -- the format's
        return first, at + 1
    width = 0x100 - first
    end = at + 1 + width
    if width > 8 or end > len(content):  # noqa: PLR2004 -- bytes of the widest uint
        raise Damaged(f"it has no number at {at}")
    return int.from_bytes(content[at + 1 : end], "big"), end


def _messages(text: bytes) -> Iterator[OriginalMessage]:
    try:
        found = _read_all(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"its JSON: {error}") from error
    return iter(found.values())
