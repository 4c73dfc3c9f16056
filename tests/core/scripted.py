"""Publishers and consumers that do as a test says, and collect what they hear."""

from dataclasses import dataclass, field

from kapokmq.core.member import Consumer as BrokerConsumer
from kapokmq.core.member import Member


@dataclass(eq=False)
class Producer:
    positional: bool = True
    confirmed_count: int = 0
    refused_count: int = 0
    firsts: list[int] = field(default_factory=list)
    receipts: list[object] = field(default_factory=list)

    def confirmed(self, receipts):
        self.receipts += receipts
        self.confirmed_count += sum(receipt.count for receipt in receipts)
        self.firsts += [receipt.first for receipt in receipts]

    def refused(self, receipts, reason):
        self.refused_count += sum(receipt.count for receipt in receipts)

    def pause(self):
        """The engine's business."""

    def resume(self):
        """The engine's business."""


@dataclass(eq=False)
class Consumer:
    """Collects what it gets; `held` are the codes it has not acknowledged."""

    topic: str
    credit: int | None
    consumer: BrokerConsumer = None
    got: list[tuple[str, str]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    reason: Exception | None = None
    label, address, number = "c", "192.0.2.7", 7

    @property
    def member(self) -> Member:
        """Its only place."""
        ((_, member),) = self.consumer.places.values()
        return member

    @property
    def leases(self) -> dict[str, object]:
        return {code: lease for _, member in self.consumer.places.values() for code, lease in member.held.items()}

    @property
    def bodies(self) -> list[str]:
        return [body for _, body in self.got]

    def deliver(self, delivery):
        raise AssertionError("the rig delivers")
