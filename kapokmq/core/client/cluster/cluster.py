"""A client of a whole cluster: a session a node, and over them what looks like the session of one client.

    news of registries ─▶ news ───┐
    frames of a node ─▶ received ─┼─▶ events, as those of one ClientSession
    its connection ended ─▶ lost ─┘

`wanted` are the nodes to be connected with, `stirred` those of them that have more to say.

A connection drives its node's `session` itself: connected, take, tick. What it hears goes through here. A node is known
by its address, a text. Whom the registry holds dead, or does not list, is left when the connection ends, not before:
so a registry that is wrong, or began anew, breaks nothing.
"""

from collections.abc import Callable, Iterable, Iterator

from kapokmq.core.client.cluster.choice import Strategy
from kapokmq.core.client.cluster.inbox import ClusterInbox, ClusterSubscriptions
from kapokmq.core.client.cluster.node import Node, Standing
from kapokmq.core.client.cluster.posting import Posting
from kapokmq.core.client.cluster.roster import News
from kapokmq.core.client.errors import ClientError, Refused
from kapokmq.core.client.events import (
    Complaint,
    Confirmed,
    Connected,
    Denied,
    Draining,
    Event,
    Failed,
)
from kapokmq.core.client.inbox import Terms
from kapokmq.core.client.message import Publish
from kapokmq.core.client.outbox import Bounds
from kapokmq.core.client.session import ClientSession

_RETRY = 10.0  # seconds until a node is dialled again that would not have us
_REMEMBERED = 1_000  # nodes that are gone


class ClusterSession:
    """`make` gives a session for a node; `move_after`: seconds until what a lost node has not answered goes on."""

    dispensable = False  # what a face asks of the session of one node

    def __init__(
        self, make: Callable[[], ClientSession], strategy: Strategy, bounds: Bounds, *, move_after: float = 1.0
    ) -> None:
        self._make = make
        self.nodes: dict[str, Node] = {}
        self.stirred: set[str] = set()
        self.changed = False  # whether `wanted` may be others
        self._posting = Posting(self.nodes, self.stirred, strategy, bounds, move_after)
        self._subscriptions = ClusterSubscriptions(self.nodes, self.stirred)
        self._was_up = False

    @property
    def wanted(self) -> list[str]:
        """Addresses of nodes that there should be connections with."""
        return [node.address for node in self.nodes.values() if node.wanted]

    # ---------------------------------------------------------------------------------------------- wishes

    def check(self, publish: Publish) -> None:
        """Raise Refused for what none of the nodes would take."""
        self._posting.check(publish)

    def room(self, publish: Publish) -> bool:
        """Whether it may be pending now."""
        return self._posting.room(publish)

    def publish(self, publish: Publish) -> int:
        """Want it stored by one of the nodes. Gives its number, by which it is Confirmed or Denied, once."""
        return self._posting.publish(publish)

    def withdraw(self, number: int) -> bool:
        """Want it no more. True if nobody was sent it; False if it is too late."""
        return self._posting.withdraw(number)

    def subscribe(self, topic: str, terms: Terms, late: Terms | None = None) -> ClusterInbox:
        """Want messages of all nodes; `late` is for those that are not there yet."""
        return self._subscriptions.subscribe(topic, terms, late or terms)

    def set_credit(self, inbox: ClusterInbox, credit: int) -> None:
        """Set how many messages it may hold, on all nodes together."""
        self._subscriptions.set_credit(inbox, credit)

    def unsubscribe(self, inbox: ClusterInbox) -> list[Event]:
        """Want no more messages, once what was acknowledged is told."""
        return list(self._subscriptions.unsubscribe(inbox))

    def stir(self, inbox: ClusterInbox) -> None:
        """Something was said about its messages, or taken from it."""
        self._subscriptions.stir(inbox)

    # --------------------------------------------------------------------------------------- of registries

    def news(self, news: News, now: float) -> list[Event]:
        """A registry has said something."""
        self.changed = True
        return list(self._heard(news, now))

    def _heard(self, news: News, now: float) -> Iterator[Event]:
        for address in sorted(news.here):
            node = self.nodes.get(address)
            if node is None:
                self._add(address)
            elif node.standing is not Standing.LISTED:
                node.standing, node.error, node.retry_at = Standing.LISTED, None, None
                node.at_ease()
        for address in news.away & self.nodes.keys():
            yield from self._away(self.nodes[address], Standing.AWAY, now)
        if news.whole:
            for address in self.nodes.keys() - news.here - news.away:
                yield from self._away(self.nodes[address], Standing.ABSENT, now)
        self._forget()

    def _add(self, address: str) -> None:
        node = Node(address, self._make())
        self.nodes[address] = node
        self._subscriptions.added(node)

    def _away(self, node: Node, standing: Standing, now: float) -> Iterator[Event]:
        if node.standing is Standing.AWAY:
            return
        node.standing = standing
        if not node.session.live:
            yield from self._posting.leave(node)
        elif standing is Standing.AWAY:
            self._posting.doubted(node, now)

    def _forget(self) -> None:
        gone = [node for node in self.nodes.values() if not node.wanted and not node.pending]
        for node in gone[: max(0, len(gone) - _REMEMBERED)]:
            self._subscriptions.removed(node)
            del self.nodes[node.address]

    # -------------------------------------------------------------------------------------------- of nodes

    def received(self, address: str, frame: bytes, now: float) -> list[Event]:
        """Read a frame of a node. Raises BadEncoding: then the connection should be closed."""
        node = self.nodes.get(address)
        if node is None:
            return []
        events = node.session.received(frame, now)
        self.stirred.add(address)
        return list(self._said(node, events, now))

    def _said(self, node: Node, events: Iterable[Event], now: float) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Connected):
                yield from self._connected(node)
            elif isinstance(event, Failed):
                yield Complaint(Refused("unauthorized", f"{node.address}: {event.error}"))
                yield from self.failed(node.address, event.error, now)
            elif isinstance(event, Draining):
                yield Draining(f"{node.address}: {event.reason}")
            elif isinstance(event, (Confirmed, Denied)):
                yield from self._posting.answered(node, event)
            else:
                yield from self._subscriptions.said(node, event)
        if node.session.draining:
            yield from self._posting.drains(node)
        yield from self._subscriptions.joined()

    def _connected(self, node: Node) -> Iterator[Event]:
        self._was_up = True
        yield Connected(node.address)
        node.at_ease()
        self._subscriptions.rebalance()
        yield from self._posting.settle()

    def failed(self, address: str, error: ClientError, now: float) -> list[Event]:
        """A node won't have us, or we won't have it: it is dialled again later, and does without us until then."""
        node = self.nodes[address]
        node.error, node.retry_at = error, now + _RETRY
        self.changed = True
        events: list[Event] = list(self._posting.leave(node))
        listed = [each for each in self.nodes.values() if each.standing is Standing.LISTED]
        if not self._was_up and all(each.error is not None for each in listed):
            events.append(Failed(error))
        return events

    def lost(self, address: str, now: float) -> list[Event]:
        """A connection with a node ended, or there was none."""
        node = self.nodes.get(address)
        if node is None:
            return []
        self.changed = True
        for_long = node.session.draining or node.standing is not Standing.LISTED or node.error is not None
        was_live = node.session.live
        events = list(self._said(node, node.session.lost(), now))
        if was_live:
            self._subscriptions.rebalance()
        return [*events, *self._posting.lost(node, now, for_long=for_long)]

    # ------------------------------------------------------------------------------------------------ time

    def deadline(self) -> float | None:
        """When `tick` is wanted, None for not at all. Those of the nodes' sessions are their connections' business."""
        if self._posting.impatient:
            return 0.0
        times = [at for node in self.nodes.values() for at in (node.move_at, node.retry_at) if at is not None]
        return min(times, default=None)

    def tick(self, now: float) -> list[Event]:
        """Do what is due."""
        events: list[Event] = []
        for node in self.nodes.values():
            if node.move_at is not None and now >= node.move_at:
                events += self._posting.leave(node)
            if node.retry_at is not None and now >= node.retry_at:
                node.error = node.retry_at = None
                self.changed = True
        return [*events, *self._posting.settle()]

    @property
    def pending(self) -> int:
        """Messages that are neither confirmed nor refused."""
        return self._posting.messages

    @property
    def settled(self) -> bool:
        """Whether nothing is pending, and all acks and nacks were answered by the nodes that are not gone."""
        return not self._posting.messages and all(each.session.settled for each in self.nodes.values() if each.wanted)
