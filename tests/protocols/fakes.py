"""A FakeEngine: it stores nothing, notes every call, and confirms when the test says so."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred, succeed

from kapokmq.core.engine import Counts, Engine, Figures, Health, Wish
from kapokmq.core.message import Draft, Found, Message, make_id
from kapokmq.core.pattern import matches
from kapokmq.core.peers import Delivery, Publisher, Receipt, Receiver
from kapokmq.core.query import TopicCounts


@dataclass(eq=False)
class FakeSubscription:
    """One membership, and what happened to it."""

    receiver: Receiver
    topic: str
    credit: int | None
    wish: Wish | None = None
    acked: list[list[str]] = field(default_factory=list)
    nacked: list[tuple[list[str], int | None, str]] = field(default_factory=list)
    touched: list[list[str]] = field(default_factory=list)
    credits: list[int] = field(default_factory=list)
    stalls: list[bool] = field(default_factory=list)
    gone: bool = False

    @property
    def flows(self) -> bool:
        """Whether it may be delivered to: one of v2 after `drained`."""
        return not self.gone and not self.stalls[-1] if self.stalls else self.wish is None


@dataclass
class Published:
    """One publish call."""

    publisher: Publisher
    topic: str
    drafts: list[Draft]
    receipt: Receipt
    session: Any = None
    number: int = 0
    durable: bool = False


class FakeEngine:
    """Provides Engine. It raises `publish_error` and the other errors where they are set.

    What is awaited is there at once, unless `slow`: then `hurry` lets it be there, or fail. `unknown` are codes that
    nobody holds.
    """

    def __init__(self) -> None:
        self.publishers: list[Publisher] = []
        self.detached: list[Publisher] = []
        self.publishes: list[Published] = []
        self.unconfirmed: list[Published] = []
        self.subscriptions: list[FakeSubscription] = []
        self.sent: list[tuple[str, list[Draft]]] = []
        self.searches: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.messages: dict[str, Found] = {}
        self.topic_counts: list[TopicCounts] = []
        self.full = False
        self.is_ready = True
        self.reason = ""
        self.publish_error: Exception | None = None
        self.subscribe_error: Exception | None = None
        self.send_error: Exception | None = None
        self.read_error: Exception | None = None
        self.session_error: Exception | None = None
        self.join_error: Exception | None = None
        self.settle_error: Exception | None = None
        self.commit_error: Exception | None = None
        self.opened: list[str] = []
        self.closed: list[Any] = []
        self.unknown: set[str] = set()
        self.slow = False
        self._waiting: list[Deferred[None]] = []
        self._next = 0

    # what a test does

    @property
    def members(self) -> list[FakeSubscription]:
        """The subscriptions that are still there."""
        return [subscription for subscription in self.subscriptions if not subscription.gone]

    @property
    def data(self) -> list[str]:
        """The text of everything published, in order."""
        return [draft.data for published in self.publishes for draft in published.drafts]

    def confirm(self, calls: int | None = None) -> None:
        """Confirm the oldest publish calls, all unless told, in one turn: one call a publisher."""
        count = len(self.unconfirmed) if calls is None else calls
        done, self.unconfirmed = self.unconfirmed[:count], self.unconfirmed[count:]
        receipts: dict[Publisher, list[Receipt]] = {}
        for published in done:
            receipts.setdefault(published.publisher, []).append(published.receipt)
        for publisher, theirs in receipts.items():
            if publisher not in self.detached:
                publisher.confirmed(theirs)

    def refuse(self, reason: Exception) -> None:
        """Give up on everything that is not confirmed."""
        failed, self.unconfirmed = self.unconfirmed, []
        for published in failed:
            if published.publisher not in self.detached:
                published.publisher.refused([published.receipt], reason)

    def hurry(self) -> None:
        """Let everything that is awaited be there."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def deliver(self, topic: str, *texts: str, attempts: Sequence[int] | None = None) -> list[str]:
        """Deliver a batch to every member of a topic, and give the codes."""
        messages = [
            Message(make_id(1, n), 1, 1_700_000_000_123, 0, None, None, None, None, text)
            for n, text in enumerate(texts)
        ]
        codes = [f"{n:040x}" for n in range(len(texts))]
        delivery = Delivery(topic, messages, codes, attempts)
        for subscription in self.members:
            if matches(subscription.topic, topic):
                subscription.receiver.deliver(delivery)
        return codes

    # Engine

    def attach(self, publisher: Publisher) -> None:
        self.publishers.append(publisher)
        if self.full:
            publisher.pause()

    def detach(self, publisher: Publisher) -> None:
        self.detached.append(publisher)

    def _soon(self) -> Deferred[None]:
        if not self.slow:
            return succeed(None)
        self._waiting.append(Deferred())
        return self._waiting[-1]

    async def open_session(self, name: str) -> str:
        await self._soon()
        if self.session_error is not None:
            raise self.session_error
        self.opened.append(name)
        return f"session {name}"

    def close_session(self, session: Any) -> None:
        self.closed.append(session)

    def publish(
        self,
        publisher: Publisher,
        topic: str,
        drafts: Sequence[Draft],
        reference: object = None,
        *,
        session: Any = None,
        number: int = 0,
        durable: bool = False,
    ) -> None:
        if self.publish_error is not None:
            raise self.publish_error
        receipt = Receipt(reference, self._next, len(drafts), "0" * 24)
        self._next += len(drafts)
        published = Published(publisher, topic, list(drafts), receipt, session, number, durable)
        self.publishes.append(published)
        self.unconfirmed.append(published)

    def subscribe(self, receiver: Receiver, topic: str, credit: int | None) -> FakeSubscription:
        if self.subscribe_error is not None:
            raise self.subscribe_error
        subscription = FakeSubscription(receiver, topic, credit)
        self.subscriptions.append(subscription)
        return subscription

    def join(self, receiver: Receiver, pattern: str, wish: Wish) -> Awaitable[FakeSubscription]:
        return self._join(receiver, pattern, wish)

    async def _join(self, receiver: Receiver, pattern: str, wish: Wish) -> FakeSubscription:
        await self._soon()
        if self.join_error is not None:
            raise self.join_error
        subscription = FakeSubscription(receiver, pattern, wish.credit, wish)
        self.subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Any) -> None:
        assert not subscription.gone
        subscription.gone = True

    def credit(self, subscription: Any, credit: int) -> None:
        subscription.credits.append(credit)

    def ack(self, subscription: Any, codes: Sequence[str]) -> list[str]:
        subscription.acked.append(list(codes))
        return self._unheld(codes)

    def nack(self, subscription: Any, codes: Sequence[str], delay_ms: int | None, reason: str) -> list[str]:
        subscription.nacked.append((list(codes), delay_ms, reason))
        return self._unheld(codes)

    def touch(self, subscription: Any, codes: Sequence[str]) -> list[str]:
        subscription.touched.append(list(codes))
        return self._unheld(codes)

    def _unheld(self, codes: Sequence[str]) -> list[str]:
        if self.settle_error is not None:
            raise self.settle_error
        return [code for code in codes if code in self.unknown]

    async def committed(self) -> None:
        await self._soon()
        if self.commit_error is not None:
            raise self.commit_error

    def stall(self, subscription: Any) -> None:
        subscription.stalls.append(True)

    def drained(self, subscription: Any) -> None:
        subscription.stalls.append(False)

    async def send(self, topic: str, drafts: Sequence[Draft], *, durable: bool = False) -> Receipt:
        if self.send_error is not None:
            raise self.send_error
        self.sent.append((topic, list(drafts)))
        first = self._next
        self._next += len(drafts)
        return Receipt(None, first, len(drafts), "0" * 24)

    async def search(self, **question: Any) -> list[Found]:
        if self.read_error is not None:
            raise self.read_error
        self.searches.append(question)
        return list(self.messages.values())

    async def find(self, code: str) -> Found | None:
        if self.read_error is not None:
            raise self.read_error
        return self.messages.get(code)

    async def delete(self, code: str) -> bool:
        if self.read_error is not None:
            raise self.read_error
        self.deleted.append(code)
        return self.messages.pop(code, None) is not None

    def counts(self) -> Counts:
        rows = self.topic_counts
        return Counts(
            sum(row.all for row in rows),
            sum(row.consumed for row in rows),
            sum(row.delayed for row in rows),
            sum(row.waiting for row in rows),
        )

    def topics(self) -> list[TopicCounts]:
        return list(self.topic_counts)

    def health(self) -> Health:
        return Health(self.is_ready, self.reason)

    def figures(self) -> Figures:
        published = sum(len(call.drafts) for call in self.publishes)
        return Figures(published, 0, 0, 0, 0, 0, 0, 0, 0, 0, len(self.topic_counts))


def provides(engine: FakeEngine) -> Engine:
    """Nothing but a place where mypy compares the fake with the interface."""
    return engine
