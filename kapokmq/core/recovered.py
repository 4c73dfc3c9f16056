"""What opening a store finds: the counterpart of a Commit."""

from dataclasses import dataclass, field

from kapokmq.core.commit import AttemptRow, PatternRow


@dataclass(frozen=True, slots=True)
class Totals:
    """What is stored of a topic: the sum of its hours. `delayed` are those not yet due when the store was opened."""

    published: int = 0
    consumed: int = 0
    expired: int = 0
    deleted: int = 0
    cleaned: int = 0
    delayed: int = 0


@dataclass(frozen=True, slots=True)
class RecoveredTopic:
    """A topic as it was found. `first` is the lowest offset that still has a message (`next` when there is none).

    `consumed` are the runs of offsets that are consumed, ascending and disjoint; `bytes` is what its messages take.
    """

    number: int
    name: str
    next: int
    first: int
    totals: Totals
    policy: str | None = None
    consumed: list[tuple[int, int]] = field(default_factory=list)
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class RecoveredGroup:
    """A durable group as it was found: mark, runs above it (ascending, disjoint), leases that ended badly.

    `start` is the first offset it was due; `dead` the runs of its dead letters' offsets, ascending and disjoint.
    """

    number: int
    topic: int
    name: str
    kind: str
    mark: int
    runs: list[tuple[int, int]]
    attempts: list[AttemptRow]
    start: int = 0
    config: str | None = None
    dead: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What opening a store finds. `epoch` is already this start's: one more than the last one's, and committed."""

    store_id: int
    epoch: int
    topics: list[RecoveredTopic]
    groups: list[RecoveredGroup]
    patterns: list[PatternRow] = field(default_factory=list)
