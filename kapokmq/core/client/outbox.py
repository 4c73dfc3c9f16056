"""What a client has published and is owed an answer for.

A publish is **pending** from when it is asked for until the broker confirms or refuses it, over all connections. On
each new connection everything pending is queued again, in order and under its number.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from kapokmq.core.client.errors import Refused, refused
from kapokmq.core.client.frames import Limits, encode_publish
from kapokmq.core.client.message import Publish

_REMEMBERED = 1_000  # publishes of a session
_BESIDE = 4096  # bytes of a publish frame that are not its messages


class Bounds(NamedTuple):
    """How much may be pending. A broker remembers 1,000 publishes of a session, so `publishes` is at most that."""

    publishes: int = 500
    messages: int = 200_000
    size: int = 64 << 20  # bytes


def checked(bounds: Bounds) -> Bounds:
    """Give them back. Raises TypeError and ValueError for what are none."""
    if not isinstance(bounds, Bounds) or not all(type(each) is int for each in bounds):
        raise TypeError(f"bounds: {bounds!r} are no Bounds of integers")
    if not 1 <= bounds.publishes <= _REMEMBERED:
        raise ValueError(f"bounds: publishes: {bounds.publishes} is outside 1..{_REMEMBERED}")
    for what, most in (("messages", bounds.messages), ("size", bounds.size)):
        if most < 1:
            raise ValueError(f"bounds: {what}: {most} is below 1")
    return bounds


class Outbox:
    """Publishes in, frames out; answers in. `messages` is how many are pending. Raises as `checked` does."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = checked(bounds)
        self._limits = Limits()
        self._pending: dict[int, Publish] = {}
        self._queue: deque[int] = deque()  # what of them is to be written, in order
        self._sent: set[int] = set()  # what of them was written, on whatever connection
        self._owed: set[int] = set()  # likewise, on this connection, and not answered
        self.messages = 0
        self._size = 0

    def check(self, publish: Publish) -> None:
        """Raise Refused for what the node would not take, whenever it came."""
        if publish.count > self._limits.batch:
            raise refused("tooMany", f"messages: {publish.count}, the limit is {self._limits.batch}")
        longest = self._limits.frame_bytes - _BESIDE
        if publish.size > longest:
            raise refused("tooBig", f"messages: {publish.size} bytes of JSON, the limit is {longest}")

    def room(self, publish: Publish) -> bool:
        """Whether it may be pending now. If nothing else is, anything may."""
        bounds = self._bounds
        return not self._pending or (
            len(self._pending) < bounds.publishes
            and self.messages + publish.count <= bounds.messages
            and self._size + publish.size <= bounds.size
        )

    def add(self, number: int, publish: Publish) -> None:
        """Want it stored."""
        self._pending[number] = publish
        self.messages += publish.count
        self._size += publish.size
        self._queue.append(number)

    def withdraw(self, number: int) -> bool:
        """Want it no more. True if it was not written, and never will be; False if it is too late."""
        if number not in self._pending or number in self._sent:
            return False
        self.answered(number)
        return True

    def owes(self, number: int) -> bool:
        """Whether this connection may still bring its answer."""
        return number in self._owed

    def answered(self, number: int) -> bool:
        """It is pending no more. False if it was not."""
        publish = self._pending.pop(number, None)
        if publish is None:
            return False
        self._sent.discard(number)
        self._owed.discard(number)
        self.messages -= publish.count
        self._size -= publish.size
        return True

    def postponed(self, number: int) -> bool:
        """This node won't, the next one may. False if it is not pending."""
        self._owed.discard(number)
        return number in self._pending

    def welcomed(self, limits: Limits) -> Iterator[tuple[int, Refused]]:
        """There is a new connection. Gives what can't be sent again on it."""
        self._limits = limits
        for number, publish in list(self._pending.items()):
            try:
                self.check(publish)
            except Refused as error:
                self.answered(number)
                yield number, error
        self._owed.clear()
        self._queue = deque(self._pending)

    def take(self, most: int) -> Iterator[bytes]:
        """Frames of about so many bytes."""
        while self._queue and most > 0:
            number = self._queue.popleft()
            publish = self._pending.get(number)
            if publish is None:  # a broker has answered what this connection did not ask
                continue
            frame = encode_publish(number, publish)
            most -= len(frame)
            self._sent.add(number)
            self._owed.add(number)
            yield frame

    @property
    def owed(self) -> bool:
        """Whether this connection may still bring answers."""
        return bool(self._owed)
