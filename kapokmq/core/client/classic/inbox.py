"""What was pushed to a classic consumer and waits to be handed out, and which acks it has told.

Acks are not answered, so nobody knows which arrived before a connection ended. A code that was acknowledged not long
ago and comes again is acknowledged again, and not handed out. That also spares the copies that the original pushes of
a message that waited too long (spec, bug 17).
"""

from collections import OrderedDict, deque

from kapokmq.core.client.classic.session import Message

MOST = 10_000  # messages that may wait
MOST_CHARACTERS = 64 << 20
REMEMBERED = 10_000  # acks
_OUR_CODE = 40  # digits


class ClassicInbox:
    """One consumer's, over all its connections."""

    def __init__(self, most: int = MOST, most_characters: int = MOST_CHARACTERS, remembered: int = REMEMBERED) -> None:
        self._most = most
        self._most_characters = most_characters
        self._remembered = remembered
        self._waiting: deque[Message] = deque()
        self._codes: set[str] = set()
        self._characters = 0
        self._done: OrderedDict[str, None] = OrderedDict()
        self._untold: deque[str] = deque(maxlen=remembered)

    @property
    def full(self) -> bool:
        """Whether no more should be read for now."""
        return len(self._waiting) >= self._most or self._characters >= self._most_characters

    def pushed(self, message: Message) -> bool:
        """Take one. Whether it is to be handed out; if it was done already its ack is to be told again."""
        code = message.MessageCode
        if code in self._done:
            self._untold.append(code)
            return False
        if code in self._codes:
            return False
        self._waiting.append(message)
        self._codes.add(code)
        self._characters += len(message.MessageData)
        return True

    def take(self, now: int) -> Message | None:
        """The next to be handed out, at `now` in unix seconds."""
        if not self._waiting:
            return None
        message = self._waiting.popleft()
        self._codes.discard(message.MessageCode)
        self._characters -= len(message.MessageData)
        message.Status, message.ConsumedTime = 1, now
        return message

    def ack(self, code: str) -> None:
        """It is done."""
        self._untold.append(code)
        self._done[code] = None
        self._done.move_to_end(code)
        if len(self._done) > self._remembered:
            self._done.popitem(last=False)

    def next_ack(self) -> str | None:
        """A code to be told now."""
        return self._untold.popleft() if self._untold else None

    def untold(self, code: str) -> None:
        """It could not be told: the connection has ended. While too many wait the oldest is dropped."""
        if len(self._untold) < self._remembered:
            self._untold.appendleft(code)

    def lose(self) -> None:
        """The connection has ended. What waits stays, unless it comes again at once.

        Ours gives it to whoever is connected, by whom it would then be done twice. The original pushes it again
        after minutes, or never, so that dropping it would be losing it.
        """
        waiting = [message for message in self._waiting if len(message.MessageCode) != _OUR_CODE]
        self._waiting = deque(waiting)
        self._codes = {message.MessageCode for message in waiting}
        self._characters = sum(len(message.MessageData) for message in waiting)
