"""What all groups of a node hold together."""

from collections import OrderedDict
from typing import TYPE_CHECKING

from kapokmq.core.rules import PAGE_BYTES

if TYPE_CHECKING:
    from kapokmq.core.held import Batch


class Memory:
    """How many bytes of messages a node's groups hold, as `Message.size` counts them, and should hold at most.

    `leases` is how many leases there are, `dead` how many dead letters, counted once a group. `lent` are the batches
    that were dealt, in that order, of which something is held: in how many parts, since touches split them.
    """

    __slots__ = ("budget", "dead", "held", "leases", "lent")

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.held = 0
        self.leases = 0
        self.dead = 0
        self.lent: OrderedDict[Batch, int] = OrderedDict()

    @property
    def overdrawn(self) -> bool:
        """Whether it is a page beyond the budget."""
        return self.held >= self.budget + PAGE_BYTES

    @property
    def held_since(self) -> int | None:
        """Since when something is held that has been held for longest, in wall milliseconds."""
        return next(iter(self.lent)).since if self.lent else None
