"""What a WebSocket connection asks of whoever talks on it."""

from typing import Protocol


class Conversation(Protocol):
    """What is talked about on a connection."""

    def begin(self) -> None:
        """The connection is open."""
        ...

    def received(self, frames: list[bytes]) -> None:
        """These messages came together."""
        ...

    def stalled(self) -> None:
        """The transport takes no more for now."""
        ...

    def drained(self) -> None:
        """The transport takes bytes again."""
        ...

    def closing(self) -> None:
        """The end has begun: nothing is read any more, and only what the peer is due already is to be written."""
        ...

    @property
    def settled(self) -> bool:
        """Whether nothing is left to be written before a close frame."""
        ...

    @property
    def bears_silence(self) -> bool:
        """Whether a peer that never answered a ping may go on so."""
        ...

    def ended(self) -> None:
        """Nothing can be written any more. Said once."""
        ...
