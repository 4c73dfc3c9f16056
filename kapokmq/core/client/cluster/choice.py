"""Which of several nodes gets the next publish."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar


class Loaded(Protocol):
    """A node, as far as it matters here. `used`: the number of the last publish that it was given, 0 for none."""

    messages: int
    used: int


N = TypeVar("N", bound=Loaded)


class Strategy(Protocol):
    """How to choose. There is one node at least."""

    def choose(self, nodes: Sequence[N]) -> N:
        """One of these."""
        ...


class AtRandom:
    """Any, as the original does. `chance` gives numbers from 0 to below 1."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance

    def choose(self, nodes: Sequence[N]) -> N:
        """One of these."""
        return nodes[int(self._chance() * len(nodes)) % len(nodes)]


class RoundRobin:
    """The one that has waited longest, whoever has come or gone since."""

    def choose(self, nodes: Sequence[N]) -> N:
        """One of these."""
        return min(nodes, key=lambda node: node.used)


class LeastInFlight:
    """The one with the fewest messages that are not confirmed; of several, the one that has waited longest."""

    def choose(self, nodes: Sequence[N]) -> N:
        """One of these."""
        return min(nodes, key=lambda node: (node.messages, node.used))


STRATEGIES = ("random", "round robin", "least in flight")


def strategy(name: str, chance: Callable[[], float]) -> Strategy:
    """The strategy of that name. Raises ValueError."""
    if name == "random":
        return AtRandom(chance)
    if name == "round robin":
        return RoundRobin()
    if name == "least in flight":
        return LeastInFlight()
    raise ValueError(f"strategy: {name!r} is none of {', '.join(STRATEGIES)}")
