"""How long to go on, and how long to wait between two tries: pure, the clock and chance are handed in."""

from dataclasses import dataclass

FIRST, LONGEST = 0.1, 5.0  # seconds
LATE = 0.05  # seconds that a clock may wake too late, which the next messages make up for


@dataclass
class Patience:
    """Tries again for `seconds` since things last went well, seldomer and seldomer. Times are steady seconds."""

    seconds: float
    since: float | None = None
    tries: int = 0

    def well(self) -> None:
        """Things go well."""
        self.since = None
        self.tries = 0

    def wait(self, now: float, chance: float, asked: float | None = None) -> float | None:
        """How long to wait until the next try; None: no longer. `chance` is 0..1, `asked` what the broker asks for."""
        if self.since is None:
            self.since = now
        left = self.seconds - (now - self.since)
        if left <= 0:
            return None
        cap = min(LONGEST, FIRST * 2.0**self.tries)
        self.tries += 1
        return min(left, max(asked or 0.0, cap * (0.5 + chance / 2)))


@dataclass
class Pace:
    """Spreads messages evenly: `rate` a second, None as fast as can be. What was left out is not made up for."""

    rate: float | None
    due: float | None = None  # when the next message may go

    def ready(self, now: float) -> float:
        """How many seconds there are until the next message may go; 0 where it may go now."""
        if self.rate is None:
            return 0.0
        if self.due is None or now - self.due > LATE:
            self.due = now
        return max(0.0, self.due - now)

    def took(self, count: int) -> None:
        """So many go now."""
        if self.rate is not None and self.due is not None:
            self.due += count / self.rate

    def together(self, most: int) -> int:
        """How many may go in one batch, so that the rate is kept to a twentieth of a second."""
        return most if self.rate is None else max(1, min(most, int(self.rate / 20)))
