"""The classic wire as a client speaks it (spec, 3 and 6): the log-in, what is sent, what is pushed, how it ends.

The original's server differs from ours where the wire leaves room: codes of 32 digits instead of 40, a line break
behind a push, and connections that end without a word. All of it is read here.
"""

from typing import Any

import msgspec

from kapokmq.core.client.errors import refused
from kapokmq.core.errors import BadMessage
from kapokmq.core.message import LONGEST_DELAY
from kapokmq.core.session.login import PROMPT, RIGHT, WRONG

OK = b"ok"
_SHOWN = 60  # bytes of what was not understood
_REFUSALS = (1007, 1009)  # close codes that only a message earns
_BAD_MESSAGE = 1008  # and one that other things earn too, but not with these words
_ITS_FAULT = ("MessageData:", "DelayTime:", "JSON:")


class Entrance:
    """The log-in. Frames in, the key out, until it is `open`."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._shown = False
        self.open = False

    def received(self, frame: bytes) -> str | None:
        """What to answer. Raises WrongKey, and BadMessage for what no broker says.

        A key is shown once: whoever asks again has another.
        """
        if frame == PROMPT.encode() and not self._shown:
            self._shown = True
            return self._key
        if frame in (WRONG.encode(), PROMPT.encode()):
            raise refused("unauthorized", WRONG)
        if frame != RIGHT.encode():
            raise BadMessage(f"log-in: {frame[:_SHOWN]!r} is not what a broker says")
        self.open = True
        return None


class Message(msgspec.Struct, gc=False):
    """A message that was pushed. The names are the original client's; times are unix seconds, DelayTime is seconds.

    ConsumedTime and Status 1 are set when it is handed out, as the original client does.
    """

    MessageCode: str
    MessageData: str = ""
    Topic: str = ""
    CreateTime: int = 0
    ConsumedTime: int = 0
    DelayTime: int = 0
    Status: int = -1

    def json(self) -> Any:
        """What `MessageData` says as JSON. Raises ValueError."""
        return msgspec.json.decode(self.MessageData)


class _Draft(msgspec.Struct, gc=False):
    """What a producer sends."""

    MessageData: str
    DelayTime: int


_read = msgspec.json.Decoder(Message, strict=False).decode  # the first version's README has times as texts
_write = msgspec.json.Encoder().encode


def read_push(frame: bytes) -> Message:
    """Read a push. Raises BadMessage."""
    try:
        message = _read(frame)
    except ValueError as error:
        raise BadMessage(f"push: {error}") from None
    if not message.MessageCode:
        raise BadMessage("push: has no MessageCode")
    return message


def draft(data: str, delay: int) -> bytes:
    """Write what a producer sends. `delay` is in seconds. Raises TypeError and ValueError for what no broker takes."""
    if not isinstance(data, str):
        raise TypeError(f"MessageData: is no str but {type(data).__name__}")
    if not isinstance(delay, int) or isinstance(delay, bool):
        raise TypeError(f"DelayTime: is no int but {type(delay).__name__}")
    if abs(delay) > LONGEST_DELAY:
        raise ValueError(f"DelayTime: is more than {LONGEST_DELAY} seconds")
    return _write(_Draft(data, delay))


def is_refusal(code: int | None, reason: str) -> bool:
    """Whether a producer's connection was closed because of its oldest unconfirmed message.

    Ours confirms all before it first. The original cuts the connection, which says nothing; but it takes whatever
    `draft` writes.
    """
    return code in _REFUSALS or (code == _BAD_MESSAGE and reason.startswith(_ITS_FAULT))
