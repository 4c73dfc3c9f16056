"""What a classic producer was given and no broker has confirmed yet.

`ok`s say nothing but that one more is stored: whose turn it is follows from the order in which messages went out, on
each connection for itself. So each connection has a **line** of tickets. When it ends, its line is **orphaned**, and
other connections adopt the orphans, oldest first. A ticket is settled when it is confirmed, or refused for good.
"""

from collections import OrderedDict, deque

from kapokmq.core.errors import BadMessage

MOST = 10_000  # messages that one connection may have unconfirmed
MOST_BYTES = 64 << 20


class Line:
    """One connection's unconfirmed messages, oldest first, and how many bytes they are."""

    __slots__ = ("size", "tickets")

    def __init__(self) -> None:
        self.tickets: deque[int] = deque()
        self.size = 0


class Ledger:
    """One producer's. Tickets count from 1."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._texts: OrderedDict[int, bytes] = OrderedDict()
        self._orphans: deque[int] = deque()
        self.last = 0  # the newest ticket
        self.refused = 0  # the newest of those that no broker would have, 0 if there was none

    @property
    def pending(self) -> int:
        """How many are not settled."""
        return len(self._texts)

    @property
    def orphans(self) -> int:
        """How many wait for a connection."""
        return len(self._orphans)

    @property
    def settled(self) -> int:
        """All tickets up to this one are."""
        return next(iter(self._texts)) - 1 if self._texts else self.last

    def room(self, line: Line, size: int) -> bool:
        """Whether one more of so many bytes may go out there. One alone may always."""
        tickets = len(line.tickets)
        return not tickets or (tickets < self._most and line.size + size <= self._most_bytes)

    def sent(self, line: Line, text: bytes) -> int:
        """It goes out there. Gives its ticket."""
        self.last += 1
        self._texts[self.last] = text
        self._add(line, self.last)
        return self.last

    def adopt(self, line: Line) -> bytes | None:
        """The oldest orphan, which goes out there now; None if there is none."""
        if not self._orphans:
            return None
        ticket = self._orphans.popleft()
        self._add(line, ticket)
        return self._texts[ticket]

    def confirm(self, line: Line) -> None:
        """There was an `ok`. Raises BadMessage if nothing was owed one."""
        if not line.tickets:
            raise BadMessage("ok: for nothing that was sent")
        self._settle(line)

    def refuse(self, line: Line) -> bytes | None:
        """The broker would not have the oldest. Gives it; None if all were confirmed."""
        if not line.tickets:
            return None
        self.refused = max(self.refused, line.tickets[0])
        return self._settle(line)

    def lose(self, line: Line) -> None:
        """The connection has ended."""
        self._orphans = deque(sorted((*self._orphans, *line.tickets)))
        line.tickets.clear()
        line.size = 0

    def withdraw(self, line: Line, ticket: int) -> bool:
        """It did not go out there after all. Whether it was still to be had back: then it counts as settled."""
        if ticket in line.tickets:
            line.tickets.remove(ticket)
            line.size -= len(self._texts[ticket])
        elif ticket in self._orphans:
            self._orphans.remove(ticket)
        else:
            return False
        del self._texts[ticket]
        return True

    def _add(self, line: Line, ticket: int) -> None:
        line.tickets.append(ticket)
        line.size += len(self._texts[ticket])

    def _settle(self, line: Line) -> bytes:
        text = self._texts.pop(line.tickets.popleft())
        line.size -= len(text)
        return text
