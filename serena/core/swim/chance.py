"""What is drawn by lot, from whoever the caller hands in: `random.Random(seed)` in a node, a script in a test."""

from collections.abc import MutableSequence
from typing import Any, Protocol


class Chance(Protocol):
    """The part of `random.Random` that is used here."""

    def random(self) -> float:
        """A number from 0 up to, but not, 1."""

    def getrandbits(self, k: int, /) -> int:
        """A whole number of so many bits."""

    def shuffle(self, x: MutableSequence[Any]) -> None:
        """Mix a list in place."""
