"""What Autobahn makes of a connection's bytes: whole messages, all of one read together.

Autobahn finds frames, joins fragments and checks them. In front of it are the fast lane, for plain frames, and a look
for answers to our pings. A message has at most 1,024 fragments, empty ones included.
"""

from abc import abstractmethod
from typing import Any

from autobahn.twisted.websocket import WebSocketServerProtocol

from kapokmq.protocols.factory import WebSocketFactory
from kapokmq.protocols.fastlane import cut

MOST_FRAGMENTS = 1024
TOO_BIG = 1009
_PONG = b"\x8a\x80"  # final, masked, without a payload: behind it comes the mask. What idle clients send
_PONG_SIZE = 6


class FrameReader(WebSocketServerProtocol):
    """Reads messages, and leaves it to its heir what becomes of them.

    `eager` while each message is to be handed on by itself, because it decides about the next. Without a `lane` all is
    left to Autobahn, which is slower and has the same result.
    """

    lane = True
    CONFIG_ATTRS = []  # noqa: RUF012 -- as Autobahn has it, which would copy them one by one, and print each connection's

    def __init__(self, factory: WebSocketFactory) -> None:
        super().__init__()
        self.factory = factory
        self.__dict__.update(factory.options)
        self.eager = True
        self._frames: list[bytes] = []
        self._fragments = 0
        self._whole = False  # whether a message or a control frame outside of one has ended in this read

    @abstractmethod
    def _hand_on(self) -> None:
        """Have done with the messages in `_frames`."""

    @property
    @abstractmethod
    def _is_open(self) -> bool:
        """Whether messages still count."""

    def _read(self, data: bytes) -> None:
        """Find the messages that these bytes end. They are in `_frames` afterwards, or handed on already."""
        self._whole = False
        if len(data) == _PONG_SIZE and data[:2] == _PONG and self.lane and self._is_between:
            self._whole = True
            self.onPong(b"")
            return
        if self.eager or self.inside_message or self.current_frame is not None or not self.lane:
            self._dataReceived(data)
            return
        frames, rest, unfinished = cut(self.data + data if self.data else data, self.maxMessagePayloadSize)
        if frames:
            self._whole = True
            self._frames += frames
        if unfinished:
            self.data = rest
        else:
            self.data = b""
            self._dataReceived(rest)

    @property
    def _is_between(self) -> bool:
        """Whether all that was begun has ended."""
        return not self.data and self.current_frame is None and not self.inside_message

    def onMessageBegin(self, isBinary: bool) -> None:  # noqa: FBT001 -- Autobahn's signature
        """Count fragments anew."""
        self._fragments = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        """Count a fragment: empty ones would go on for ever."""
        self._fragments += 1
        if self._fragments > MOST_FRAGMENTS:
            self._fail_connection(TOO_BIG, f"a message of more than {MOST_FRAGMENTS} fragments")
        super().onMessageFrameBegin(length)

    def processControlFrame(self) -> bool:
        """Note that one has ended."""
        self._whole = self._whole or not self.inside_message
        return bool(super().processControlFrame())

    def onMessageEnd(self) -> None:
        """Keep a message for the end of the read."""
        self._whole = True
        if self._is_open:
            self._frames.append(b"".join(self.message_data))
            if self.eager:
                self._hand_on()
        self.message_data: list[Any] = []
