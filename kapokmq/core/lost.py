"""What leases that ended badly come to."""

from typing import NamedTuple

from kapokmq.core.commit import AttemptRow, DeadRow, EventRow

LOST, REJECTED, BURIED, SENT_AGAIN, PURGED = "lost", "nacked", "dead", "sentAgain", "purged"  # kinds of events


class End(NamedTuple):
    """How leases ended. `reason` is for the store and people; `wait` says when to try again, None: as the terms do.

    `cause` is what the terms go by: DISCONNECTED, TIMED_OUT or NACKED (core/terms.py).
    """

    cause: str
    reason: str
    who: str
    wait: float | None = None


class Lost(NamedTuple):
    """Offsets done with all the same, what the store is to know, how many leases there were."""

    done: list[int]
    rows: list[AttemptRow]
    leases: int
    dead: list[DeadRow] = []  # noqa: RUF012 -- never changed in place
    events: list[EventRow] = []  # noqa: RUF012

    def and_also(self, other: "Lost") -> "Lost":
        """Both together."""
        return Lost(
            self.done + other.done,
            self.rows + other.rows,
            self.leases + other.leases,
            self.dead + other.dead,
            self.events + other.events,
        )
