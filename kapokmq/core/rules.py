"""What a broker goes by: its settings, reduced to what it decides with."""

from dataclasses import dataclass

from kapokmq.core.pattern import matches
from kapokmq.core.policy import Durability, TopicPolicy

BATCH = 1000  # messages dealt to a member at once
WRITE_BYTES = 1 << 20  # bytes of text dealt to a member at once (or one message)
PAGE = 2000  # messages read from the store at once
PAGE_BYTES = 2 << 20
SLICE = 2000  # messages that retention looks at in one go


@dataclass(frozen=True, slots=True)
class Rules:
    """How messages are dealt, retried, kept and bounded. Times in seconds, sizes in bytes."""

    broadcast: bool = False
    """The default groups' mode: every member gets each message, instead of one of them."""
    retry_count: int = 3
    """How often a message given back by a disconnect is dealt again at once; after that it waits `retry_seconds`."""
    retry_seconds: float = 60.0
    lease_seconds: float | None = 60.0
    """How long a member may hold a message without acknowledging it; None: for ever."""
    throttled: bool = False
    """Deal only what `refill` allows."""
    eager: bool = False
    """Confirm and deal before the commit (isPersistent: 1)."""
    paged: bool = True
    """What is not kept in memory can be read back from the store."""
    buffer: int = 10_000_000
    """Messages waiting and in flight that the node holds before publishers must wait."""
    memory_budget: int = 128 << 20
    """Bytes of messages kept in memory."""
    pending_bytes: int = 32 << 20
    """Bytes of messages that may wait for their commit before publishers must wait."""
    clean_consumed: bool = False
    """Delete a message the moment it is consumed."""
    clean_seconds: float | None = 172_800.0
    """Delete a message this long after it was due; None: never."""
    max_topics: int = 100_000
    durable: Durability = "fsync"
    """What a confirmation promises: "memory", "interval" or "fsync"."""
    ack_wait: float = 60.0
    """How long members of named groups may hold a message without acknowledging it."""
    max_attempts: int = 16
    """How often named groups try a message until it becomes a dead letter; 0: for ever."""
    backoff: float = 1.0
    """How long the second attempt waits; each further one waits twice as long, up to `backoff_max`."""
    backoff_max: float = 300.0
    dedup_window: float = 600.0
    """How long the keys of messages, and the numbers of publish calls, are remembered."""
    policies: tuple[tuple[str, TopicPolicy], ...] = ()
    """Policies of topics by pattern: the first that matches counts."""

    def policy_of(self, topic: str) -> TopicPolicy:
        """What the settings say of a topic."""
        return next((policy for pattern, policy in self.policies if matches(pattern, topic)), TopicPolicy())
