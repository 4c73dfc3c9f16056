"""One classic producer, once it has logged in: what it sent, what it is owed, and how that ends.

A message is **owed** its `ok` from publish to confirmation, then its `ok` is **ready** until the wire takes it. All
`ok`s are alike, so both are numbers: a producer that never reads them costs eight bytes (spec, 1.12).

The first fault ends the session. What came before it is still stored and confirmed, nothing behind it is looked at, and
only when nothing is owed or ready any more is the session **settled** and the connection may be closed.
"""

from collections.abc import Sequence

from kapokmq.core.codec.classic import decode_drafts, encode_oks
from kapokmq.core.errors import PeerError
from kapokmq.core.message import Draft, Text


class ProducerSession:
    """Frames in, drafts out; confirmations in, `ok`s out. `longest` is a message's text in bytes.

    `published` counts messages stored.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._ended = False
        self.owed = 0
        self.ready = 0
        self.published = 0

    def receive(self, frames: Sequence[bytes]) -> tuple[list[Draft | Text], PeerError | None]:
        """Read the frames of one read: what is to be published as one batch, and the fault that ends the session."""
        if self._ended:
            return [], None
        drafts, fault = decode_drafts(frames, self._longest)
        self._ended = fault is not None
        self.owed += len(drafts)
        return drafts, fault

    def confirmed(self, count: int) -> None:
        """The oldest `count` of the owed are stored."""
        self.owed -= count
        self.ready += count
        self.published += count

    def untaken(self, count: int) -> None:
        """The engine would not have the last `count`, which ends the session."""
        self._ended = True
        self.owed -= count

    def abandoned(self) -> None:
        """The engine gave up on what is owed. `ok`s go by position, so no later one may follow either."""
        self._ended = True
        self.owed = 0

    def take(self, most: int) -> bytes:
        """Give `ok`s to be written, at most so many."""
        count = min(self.ready, most)
        self.ready -= count
        return encode_oks(count)

    @property
    def settled(self) -> bool:
        """Whether everything that the peer is due has been given to the wire."""
        return not self.owed and not self.ready
