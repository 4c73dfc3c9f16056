"""How often the messages of a group were tried, and which of them it has given up."""

from typing import NamedTuple

from kapokmq.core.commit import AttemptRow, DeadRow, EventRow
from kapokmq.core.lost import BURIED, LOST, REJECTED, End
from kapokmq.core.moment import Moment
from kapokmq.core.terms import NACKED, Terms

LONGEST_REASON = 500  # characters


class Attempt:
    """How often a message's lease ended badly, and under which code it was dealt (None: before this start)."""

    __slots__ = ("code", "tries")

    def __init__(self, tries: int, code: str | None) -> None:
        self.tries = tries
        self.code = code


class Failed(NamedTuple):
    """One message after another failed attempt: when to try again, in seconds, or None: it is a dead letter now."""

    wait: float | None
    row: AttemptRow | None
    dead: DeadRow | None
    events: list[EventRow]


class Attempts(dict[int, Attempt]):
    """By offset. What is acknowledged, removed or dead is in it no more."""

    def failed(self, group: int, offset: int, code: str, end: End, terms: Terms, now: Moment) -> Failed:
        """Count a bad end."""
        attempt = self.setdefault(offset, Attempt(0, code))
        attempt.tries, attempt.code = attempt.tries + 1, code
        reason = end.reason[:LONGEST_REASON]
        kind = REJECTED if end.cause == NACKED else LOST
        events = [EventRow(group, offset, now.wall, kind, attempt.tries, end.who, reason)]
        if terms.gives_up(attempt.tries):
            del self[offset]
            events.append(EventRow(group, offset, now.wall, BURIED, attempt.tries, "", reason))
            return Failed(None, None, DeadRow(group, offset, now.wall, attempt.tries, reason), events)
        wait = terms.wait(attempt.tries, end.cause) if end.wait is None else end.wait
        row = AttemptRow(group, offset, attempt.tries, now.wall + int(wait * 1000), reason)
        return Failed(wait, row, None, events)

    def forget(self, first: int, last: int) -> None:
        """Nothing more is tried of the offsets `first` to `last`, both included."""
        if not self:
            return
        span = range(first, last + 1)
        for offset in [offset for offset in self if offset in span] if len(span) > len(self) else span:
            self.pop(offset, None)
