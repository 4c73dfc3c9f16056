"""What sessions and HTTP talk to: the Engine, and the two kinds of peer it talks back to.

The embedded engine is a Broker and a Store (services/embedded.py). Nothing above it may know more than this.

Work comes in batches: one call a read, one call back a commit. There are no Deferreds on the way of a message.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from kapokmq.core.message import Draft, Found, Message
from kapokmq.core.query import TopicCounts


class Receipt(msgspec.Struct, gc=False):
    """One publish call that is stored as the node promises: `count` messages, ids from `first` on, no gap.

    `reference` is what the publisher gave with it.
    """

    reference: Any
    first: int
    count: int


class Publisher(Protocol):
    """Whoever publishes, as the engine sees it. Calls come from the engine's own turn, never from within `publish`."""

    @property
    def positional(self) -> bool:
        """Whether its confirmations have no ids, so that none may be left out (the classic wire's `ok`)."""
        ...

    def confirmed(self, receipts: Sequence[Receipt]) -> None:
        """These are stored as the node promises, in the order in which they were published."""
        ...

    def refused(self, receipts: Sequence[Receipt], reason: Exception) -> None:
        """These are not stored and forgotten. A positional publisher must be closed: the engine gave up on it."""
        ...

    def pause(self) -> None:
        """The broker is full: read no more from this publisher."""
        ...

    def resume(self) -> None:
        """There is room again."""
        ...


class Delivery:
    """A batch of one topic's messages on its way to one member, or to all of a broadcast.

    What a wire makes of it is made once and kept (`rendered`), so that a fan-out to a thousand encodes once.
    """

    __slots__ = ("_rendered", "codes", "messages", "topic")

    def __init__(self, topic: str, messages: Sequence[Message], codes: Sequence[str]) -> None:
        self.topic = topic
        self.messages = messages
        self.codes = codes
        self._rendered: dict[Callable[[Delivery], bytes], bytes] = {}

    def rendered(self, render: "Callable[[Delivery], bytes]") -> bytes:
        """What `render` makes of this batch, made at the first call."""
        made = self._rendered.get(render)
        if made is None:
            made = self._rendered[render] = render(self)
        return made


class Receiver(Protocol):
    """Whoever consumes, as the engine sees it."""

    def deliver(self, delivery: Delivery) -> None:
        """Write these out now, in one write."""
        ...


class Subscription(Protocol):
    """A receiver's membership in a group: opaque, handed back to the engine."""


class Counts(NamedTuple):
    """The node's messages, summed over its topics."""

    all: int
    consumed: int
    delayed: int
    waiting: int


class Health(NamedTuple):
    """Whether the node does its work, and what is wrong; a full one is ready, because consumers must reach it."""

    ready: bool
    reason: str


class Figures(NamedTuple):
    """Totals since the start, and what is so now, for metrics. `memory` is bytes of message bodies held."""

    published: int
    delivered: int
    acked: int
    retried: int
    expired: int
    ignored_acks: int
    waiting: int
    in_flight: int
    delayed: int
    memory: int
    topics: int


class Engine(Protocol):
    """The one face of message handling, whatever is behind it."""

    def attach(self, publisher: Publisher) -> None:
        """Make a publisher known, so that it can be paused. If the broker is full, it is paused at once."""
        ...

    def detach(self, publisher: Publisher) -> None:
        """The publisher is gone: no call reaches it any more. What it published stays."""
        ...

    def publish(self, publisher: Publisher, topic: str, drafts: Sequence[Draft], reference: object = None) -> None:
        """Take a batch. It is confirmed or refused later, whole.

        Raises Full or StoreUnavailable, with nothing taken, to publishers that are not positional.
        """
        ...

    def subscribe(self, receiver: Receiver, topic: str, credit: int | None) -> Subscription:
        """Join the topic's default group. The receiver holds at most `credit` unacknowledged messages.

        `credit` None: it owes no acknowledgement, and what was written to it is consumed.
        """
        ...

    def unsubscribe(self, subscription: Subscription) -> None:
        """The receiver is gone: what it holds is given back."""
        ...

    def ack(self, subscription: Subscription, codes: Sequence[str]) -> None:
        """These are done. Unknown or foreign codes are ignored and counted."""
        ...

    def stall(self, subscription: Subscription) -> None:
        """The receiver's transport takes no more: deliver nothing until `drained`."""
        ...

    def drained(self, subscription: Subscription) -> None:
        """The receiver's transport takes bytes again."""
        ...

    def send(self, topic: str, drafts: Sequence[Draft]) -> Awaitable[list[str]]:
        """Publish and wait until it is stored as the node promises. Gives the codes, in order.

        Raises Full or StoreUnavailable, with nothing stored.
        """
        ...

    def search(
        self,
        *,
        start: int,
        end: int,
        topic: str | None,
        status: int | None,
        with_data: bool,
        limit: int,
        offset: int,
    ) -> Awaitable[list[Found]]:
        """Stored messages, newest create time first. Times in wall milliseconds, both included. See MessageQuery.

        Raises StoreUnavailable.
        """
        ...

    def find(self, code: str) -> Awaitable[Found | None]:
        """One message, by code. Raises StoreUnavailable."""
        ...

    def delete(self, code: str) -> Awaitable[bool]:
        """Delete a message, whatever its state; False when there is none. Raises StoreUnavailable."""
        ...

    def counts(self) -> Counts:
        """All topics together."""
        ...

    def topics(self) -> list[TopicCounts]:
        """Topic by topic, sorted by name."""
        ...

    def health(self) -> Health:
        """Whether the node can take messages now."""
        ...

    def figures(self) -> Figures:
        """For metrics."""
        ...
