"""Publishers' sessions: which publish calls were stored, so that sending one again stores nothing twice.

A call is known by its session's name and its number. What is remembered of a session that is open here is all that
the store remembers (its last calls), and what is pending; so a call is decided on the spot, and its row goes with the
commit of its messages.
"""

from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

from kapokmq.core.commit import ForgottenRow, SentRow
from kapokmq.core.errors import Reused, TooOld
from kapokmq.core.message import Drafts
from kapokmq.core.peers import Publisher, Receipt

REMEMBERED = 1_000  # calls of a session
LONGEST_SESSION = 255  # characters


def crc_of(topic: str, drafts: Drafts) -> int:
    """What tells a call from another one: of its topic, and of the texts and keys of its messages."""
    parts = [topic, *(f"{len(draft.data)} {draft.key or ''}\0{draft.data}" for draft in drafts)]
    return crc32("\0".join(parts).encode("utf-8", "surrogatepass"))


class Call:
    """One publish call. While it is `pending`, those who sent it again wait with it: (publisher, reference)."""

    __slots__ = ("crc", "pending", "receipt", "waiting")

    def __init__(self, receipt: Receipt, crc: int, *, pending: bool) -> None:
        self.receipt = receipt
        self.crc = crc
        self.pending = pending
        self.waiting: list[tuple[Publisher, object]] = []

    def again(self, reference: object) -> Receipt:
        """The receipt for somebody who sent it once more."""
        receipt = self.receipt
        return Receipt(
            reference, receipt.first, receipt.count, receipt.prefix, receipt.durable, receipt.duplicates, resent=True
        )


class Answered(NamedTuple):
    """What becomes of a call that was pending: who else is to be told, and with which receipt."""

    publisher: Publisher
    receipt: Receipt


class PublishSession:
    """One session's calls by number. `users` counts the connections that have it open."""

    def __init__(self, name: str, calls: Iterable[tuple[int, Receipt, int]] = ()) -> None:
        self.name = name
        self.users = 0
        self._pending = 0
        self.calls = {number: Call(receipt, crc, pending=False) for number, receipt, crc in calls}
        # Where as many are known as are remembered, there may have been older ones.
        self._forgotten = min(self.calls) - 1 if len(self.calls) >= REMEMBERED else -1

    @property
    def idle(self) -> bool:
        """Whether it may be left to the store."""
        return not self.users and not any(call.pending for call in self.calls.values())

    def find(self, number: int, crc: int) -> Call | None:
        """The call of that number, if it was made.

        Raises Reused where that was another one, TooOld where it may have been made.
        """
        call = self.calls.get(number)
        if call is None:
            if number <= self._forgotten:
                raise TooOld(f"id: {number} is older than what is remembered of session {self.name!r}")
            return None
        if call.crc != crc:
            raise Reused(f"id: {number} was another publish in session {self.name!r}; count on from the last one's")
        return call

    def begin(
        self, number: int, receipt: Receipt, crc: int, epoch: int, wall: int
    ) -> tuple[SentRow, list[ForgottenRow]]:
        """A call is made. Gives its row, and what need not be remembered any more."""
        ascends = not self.calls or number > next(reversed(self.calls))
        self.calls[number] = Call(receipt, crc, pending=True)
        self._pending += 1
        if not ascends:  # one that was lost is made again: the lowest number is forgotten first all the same
            self.calls = dict(sorted(self.calls.items()))
        forgotten: list[ForgottenRow] = []
        # Those that are pending may be refused yet: then as many would be known as if nothing had been forgotten.
        while len(self.calls) - self._pending > REMEMBERED and not self.calls[oldest := next(iter(self.calls))].pending:
            del self.calls[oldest]
            self._forgotten = max(self._forgotten, oldest)
            forgotten.append(ForgottenRow(self.name, oldest))
        return SentRow(self.name, number, receipt.first, epoch, receipt.count, wall, crc), forgotten

    def stored(self, number: int) -> list[Answered]:
        """A call is stored: who waits for it."""
        call = self.calls[number]
        self._pending -= call.pending
        call.pending = False
        waiting, call.waiting = call.waiting, []
        return [Answered(publisher, call.again(reference)) for publisher, reference in waiting]

    def refused(self, number: int) -> list[Answered]:
        """A call is not stored, and forgotten: who waits for it."""
        call = self.calls.pop(number)
        self._pending -= call.pending
        return [Answered(publisher, call.again(reference)) for publisher, reference in call.waiting]


class Sessions:
    """The sessions that are open, by name."""

    def __init__(self) -> None:
        self._open: dict[str, PublishSession] = {}

    def open(self, name: str) -> PublishSession | None:
        """Have a session that is open already; None: it must be `loaded`."""
        session = self._open.get(name)
        if session is not None:
            session.users += 1
        return session

    def loaded(self, name: str, calls: Iterable[tuple[int, Receipt, int]]) -> PublishSession:
        """Have a session of which the store remembers these calls; if somebody was quicker, that one."""
        session = self._open.get(name)
        if session is None:
            session = self._open[name] = PublishSession(name, calls)
        session.users += 1
        return session

    def close(self, session: PublishSession) -> None:
        """One user less."""
        session.users -= 1
        self.tidy(session)

    def tidy(self, session: PublishSession) -> None:
        """Forget a session that nobody has open, once nothing is pending."""
        if session.idle:
            self._open.pop(session.name, None)

    def named(self, name: str) -> PublishSession:
        """The open session of that name."""
        return self._open[name]
