"""What sessions and HTTP talk to: the Engine. Whom it talks back to is in `core/peers.py`.

The embedded engine is a Broker and a Store (services/embedded.py). Nothing above it may know more than this.

Work comes in batches: one call a read, one call back a commit. There are no Deferreds on the way of a message.
"""

from collections.abc import Awaitable, Sequence
from typing import NamedTuple, Protocol

from kapokmq.core.message import Drafts, Found
from kapokmq.core.peers import Publisher, Receipt, Receiver
from kapokmq.core.query import TopicCounts
from serena.core.health import Health


class Subscription(Protocol):
    """A receiver's membership in a group, or in one of each topic that its pattern matches.

    Opaque, handed back to the engine.
    """


class Session(Protocol):
    """A publisher's numbered publish calls, over connections: opaque, handed back to the engine."""


class Wish(NamedTuple):
    """How somebody wants to consume.

    `group` names a durable group ("default" is the one of classic consumers), None makes a private one. `credit` is how
    many messages the receiver may hold unacknowledged (None: any number, for those who owe nothing). One that does not
    `owe` acknowledgements has acknowledged what was written to it. Credit that `renews` comes back with each
    acknowledgement and each lost lease; otherwise each message uses it up for good, until `Engine.credit`.

    `start` is where a group begins that does not exist yet: "new", "all", or with the first message created at a time
    (wall ms). A topic's first durable group begins with all it has, whatever is said.
    """

    group: str | None
    credit: int | None
    owes: bool = True
    renews: bool = True
    start: str | int = "new"


class Counts(NamedTuple):
    """The node's messages, summed over its topics."""

    all: int
    consumed: int
    delayed: int
    waiting: int


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
    nacked: int = 0
    dead: int = 0
    duplicates: int = 0
    groups: int = 0
    oldest_unacked: float = 0.0  # seconds that the longest held lease has lasted


class Engine(Protocol):
    """The traffic of messages, whatever is behind it. What operators want is in core/admin.py."""

    def attach(self, publisher: Publisher) -> None:
        """Make a publisher known, so that it can be paused. If the broker is full, it is paused at once."""
        ...

    def detach(self, publisher: Publisher) -> None:
        """The publisher is gone: no call reaches it any more. What it published stays."""
        ...

    def open_session(self, name: str) -> Awaitable[Session]:
        """Remember what was published under this session's numbers. Raises StoreUnavailable.

        To be closed. May be open many times at once; all of them are the same session.
        """
        ...

    def close_session(self, session: Session) -> None:
        """Nobody publishes under it here any more."""
        ...

    def publish(
        self,
        publisher: Publisher,
        topic: str,
        drafts: Drafts,
        reference: object = None,
        *,
        session: Session | None = None,
        number: int = 0,
        durable: bool = False,
    ) -> None:
        """Take a batch. It is confirmed or refused later, whole.

        With a session, `number` says which call this is: one that is remembered is not stored again but confirmed as it
        was. Numbers ascend. `durable` asks for "fsync" where the node promises less.

        Raises BadName, Full, StoreUnavailable, Draining, Deleting, TopicFull, Paused, NotDurable, NotKept, Reused or
        TooOld, with nothing taken. Of positional publishers Full and StoreUnavailable are never raised: they are paused
        instead.
        """
        ...

    def subscribe(self, receiver: Receiver, topic: str, credit: int | None) -> Subscription:
        """Join the topic's default group. The receiver holds at most `credit` unacknowledged messages.

        `credit` None: it owes no acknowledgement, and what was written to it is consumed.
        """
        ...

    def join(self, receiver: Receiver, pattern: str, wish: Wish) -> Awaitable[Subscription]:
        """Become a member of the wished group of a topic, or of every topic that a pattern with wildcards matches.

        Topics that come later are joined when they come. Nothing is delivered before `drained` is called once. Raises
        BadName, TooMany, StoreUnavailable, Deleting, Unsupported (a named member of a broadcast).
        """
        ...

    def unsubscribe(self, subscription: Subscription) -> None:
        """The receiver is gone: what it holds is given back."""
        ...

    def credit(self, subscription: Subscription, credit: int) -> None:
        """Set how many messages the receiver may hold, or where credit does not renew: get from now on."""
        ...

    def ack(self, subscription: Subscription, codes: Sequence[str]) -> list[str]:
        """These are done. Codes that nobody holds are ignored and counted; gives them, in order."""
        ...

    def nack(self, subscription: Subscription, codes: Sequence[str], delay_ms: int | None, reason: str) -> list[str]:
        """These were not done: deal them again after `delay_ms`, or when the group's terms say.

        Gives the codes that the receiver does not hold, which are ignored.
        """
        ...

    def touch(self, subscription: Subscription, codes: Sequence[str]) -> list[str]:
        """The receiver is still at work on these: their leases begin anew. Gives the codes that it does not hold."""
        ...

    def committed(self) -> Awaitable[None]:
        """Wait until everything that was asked so far is as durable as the node promises. Raises StoreUnavailable."""
        ...

    def stall(self, subscription: Subscription) -> None:
        """The receiver's transport takes no more: deliver nothing until `drained`."""
        ...

    def drained(self, subscription: Subscription) -> None:
        """The receiver's transport takes bytes."""
        ...

    def send(self, topic: str, drafts: Drafts, *, durable: bool = False) -> Awaitable[Receipt]:
        """Publish and wait until it is stored as the node promises. Raises what `publish` raises, nothing stored."""
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
