"""What all groups of a node hold together."""

from kapokmq.core.rules import PAGE_BYTES


class Memory:
    """How many bytes of messages a node's groups hold, as `Message.size` counts them, and should hold at most.

    `leases` is how many leases there are, `dead` how many dead letters, counted once a group.
    """

    __slots__ = ("budget", "dead", "held", "leases")

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.held = 0
        self.leases = 0
        self.dead = 0

    @property
    def overdrawn(self) -> bool:
        """Whether it is a page beyond the budget."""
        return self.held >= self.budget + PAGE_BYTES
