"""The log-in that every classic connection begins with (spec, 3.1).

    S: Please enter the secret key
    C: a key, text or binary
    S: Secret key matching error            and from the top, or
    S: Secret key matching succeeded

What the original leaves open is bounded here: how long it may take, how often one may be wrong, how long a key may be.
"""

from typing import NamedTuple

from kapokmq.core.errors import PeerError, WrongKey
from serena.core.secret import Secret

PROMPT = "Please enter the secret key"
WRONG = "Secret key matching error"
RIGHT = "Secret key matching succeeded"
LONGEST_KEY = 4096  # bytes
MOST_GUESSES = 5


class Rebuff(NamedTuple):
    """What a wrong key is answered: texts, and why the connection is closed after them, where it is."""

    texts: tuple[str, ...]
    fault: PeerError | None


class Login:
    """One peer's way in. Times are in seconds of a steady clock."""

    def __init__(self, secret: Secret, *, now: float, seconds: float) -> None:
        self._secret = secret
        self._seconds = seconds
        self._wrong = 0
        self.deadline = now + seconds

    def matches(self, key: bytes) -> bool:
        """Whether the peer may come in. Whoever reads keys takes none beyond LONGEST_KEY."""
        return self._secret.matches(key)

    def rebuff(self) -> Rebuff:
        """Answer a wrong key."""
        self._wrong += 1
        if self._wrong < MOST_GUESSES:
            return Rebuff((WRONG, PROMPT), None)
        return Rebuff((WRONG,), WrongKey(f"{MOST_GUESSES} wrong keys"))

    def out_of_time(self) -> PeerError:
        """Why the connection is closed, at the deadline."""
        return WrongKey(f"no key within {self._seconds:g} s")
