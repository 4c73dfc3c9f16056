"""Bytes that come in pieces of any size, read by generators that yield how many more they need.

A generator yields a number and is resumed when so many unread bytes are there: until then a piece costs no more than
being appended. So any way of cutting a stream gives the same, and none makes it slow.
"""

from collections.abc import Generator
from typing import TypeVar

from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.msgpack import Scan

T = TypeVar("T")
Steps = Generator[int, None, T]
"""Yields how many unread bytes it needs to get on, always more than there are; returns what it read, raises Dropped."""


class Incoming:
    """What came and was not read yet."""

    def __init__(self, data: bytes = b"", *, whole: bool = False) -> None:
        self._data = bytearray(data)
        self._at = 0  # what stands before it was read
        self._whole = whole

    @property
    def unread(self) -> int:
        """Bytes that may be read."""
        return len(self._data) - self._at

    @property
    def rest(self) -> int | None:
        """Bytes that may still be read in all; None as long as more may come."""
        return self.unread if self._whole else None

    def add(self, data: bytes) -> None:
        """More came. What was read goes."""
        del self._data[: self._at]
        self._at = 0
        self._data += data

    def clear(self) -> None:
        """Let go of everything."""
        self._data.clear()
        self._at = 0

    def peek(self) -> Steps[int]:
        """The next byte, which stays unread."""
        if not self.unread:
            yield 1
        return self._data[self._at]

    def take(self, count: int) -> Steps[bytes]:
        """So many bytes."""
        if self.unread < count:
            yield count
        return self._cut(count)

    def take_value(self, longest: int) -> Steps[bytes]:
        """A msgpack value of at most so many bytes, walked over."""
        scan = Scan(longest)
        while not scan.reached(self._data, self._at):
            yield max(scan.least, self.unread + 1)
        return self._cut(scan.at)

    def _cut(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        with memoryview(self._data) as view:
            return bytes(view[start : self._at])


def finish(steps: Steps[T]) -> T:
    """Let `steps` read what is there, to which nothing will be added. Raises Dropped."""
    try:
        next(steps)  # whatever it asks for is more than there is
    except StopIteration as done:
        result: T = done.value
        return result
    raise Dropped("truncated")
