"""How well a node itself does (Lifeguard): one that misses answers everywhere should doubt itself before its peers."""


class Awareness:
    """A score from 0, all is well, to `most` - 1. It stretches how long a probe waits."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.score = 0

    def add(self, delta: int) -> None:
        """Something went well (below 0) or badly (above 0)."""
        self.score = min(max(self.score + delta, 0), self._most - 1)

    def scale(self, seconds: float) -> float:
        """How long to wait, where `seconds` would do for a node that is well."""
        return seconds * (self.score + 1)
