"""What a face brings of its own: its loop's promises, its clock, its log and its link."""

from abc import ABC, abstractmethod
from typing import Any


class Face(ABC):
    """A loop, as `BaseClient` sees it."""

    @abstractmethod
    def promise(self) -> Any:
        """Something to be awaited."""

    @abstractmethod
    def keep(self, promise: Any, value: Any = None) -> None:
        """It is so. Nothing where that is settled, or nobody waits any more."""

    @abstractmethod
    def break_(self, promise: Any, error: Exception) -> None:
        """It won't be. Likewise; and nobody has to look."""

    @abstractmethod
    def _say(self, text: str, *, loud: bool = False) -> None:
        """Log what is worth knowing; as a warning if it is loud."""

    @abstractmethod
    def _fault(self, error: Exception) -> None:
        """Log what should never happen, with where it did."""

    @abstractmethod
    def _now(self) -> float:
        """Seconds of a steady clock."""

    @abstractmethod
    def _wake(self) -> None:
        """There may be something to be written: see to it when this turn is over."""

    @abstractmethod
    def _hang_up(self, *, for_good: bool) -> None:
        """End the connection; and try no other, if it is for good."""
