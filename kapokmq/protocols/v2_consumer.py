"""One subscription of a v2 connection. To the engine it is a Receiver."""

from collections.abc import Callable

from kapokmq.core.engine import Subscription
from kapokmq.core.peers import Delivery
from kapokmq.protocols.classic import Visitor
from kapokmq.protocols.connections import Interest


class V2Consumer:
    """A subscription. `sub` is what the client calls it, `subscription` what the engine does, once it has joined.

    `flowing` while the engine may deliver. `credit` is what the client set before it had joined. `number` is that of
    its connection.
    """

    def __init__(
        self,
        interest: Interest,
        visitor: Visitor,
        number: int | None,
        write: Callable[["V2Consumer", Delivery], None],
        gone: Callable[["V2Consumer", Exception], None],
    ) -> None:
        self.interest = interest
        self.sub = interest.sub
        self.subscription: Subscription | None = None
        self.flowing = False
        self.credit: int | None = None
        self.address = visitor.ip
        self.number = number
        self._visitor = visitor
        self._write = write
        self._gone = gone

    @property
    def label(self) -> str:
        """Who that is, for people."""
        return f"{self._visitor.id} {self._visitor.ip}".strip()

    def deliver(self, delivery: Delivery) -> None:
        """Have messages written out, in one frame."""
        self._write(self, delivery)

    def dismissed(self, reason: Exception) -> None:
        """The group, or the topic, was deleted."""
        self._gone(self, reason)
