"""What people are told of a client: lines of the log, and calls of `on_state`. Never silent, and not on and on."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

OnState = Callable[["State"], None]


class State(NamedTuple):
    """What happened to a client. `kind`: "connected", "lost", "draining", "complaint" or "closed".

    `text` is for people; `wait` is in how many seconds it tries again, None where it doesn't, or needs not to.
    """

    kind: str
    text: str
    wait: float | None = None


class Say(Protocol):
    """Write a line of the log: a warning if it is `loud`."""

    def __call__(self, text: str, *, loud: bool = False) -> None:
        """Do."""


class Telling:
    """States in, lines and calls out. Python hides what is no warning, unless it is told otherwise."""

    def __init__(self, say: Say, on_state: OnState | None) -> None:
        self._say = say
        self._on_state = on_state
        self._away: set[str] = set()  # who is, and was warned of

    def tell(self, state: State, *, loud: bool = False) -> None:
        """It is so."""
        wait = "" if state.wait is None else f"; again in {state.wait:.2f} s"
        self._say(f"{state.kind}: {state.text}{wait}", loud=loud)
        if self._on_state is not None:
            try:
                self._on_state(state)
            except Exception as error:  # noqa: BLE001 -- whatever users do, the client lives
                self._say(f"on_state failed: {error!r}", loud=True)

    def away(self, who: str, state: State) -> None:
        """Somebody is not there. That is loud once, until they are back: each try would be too often."""
        loud = who not in self._away
        self._away.add(who)
        self.tell(state, loud=loud)

    def there(self, *who: str) -> None:
        """These are there, or forgotten."""
        self._away.difference_update(who)


def undone(unconfirmed: int, in_hand: int) -> str:
    """What was left undone when a client was closed: messages published, messages with handlers, or else acks."""
    if unconfirmed and in_hand:
        return f"{unconfirmed} messages unconfirmed, and {in_hand} in the hands of handlers"
    if in_hand:
        return f"{in_hand} messages in the hands of handlers"
    return f"{unconfirmed} messages unconfirmed" if unconfirmed else "acks or nacks unanswered"
