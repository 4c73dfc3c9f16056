"""One subscription on all nodes of a cluster: an inbox a node, read in turn, each told of its own messages.

The credit is shared among the nodes that are there. A node that comes later is asked for all from when the subscription
was made on, so that nothing is missed that was published before we had heard of it. It is joined once all nodes have it
that are there, and over when it is over on all, or when the first that answers refuses it.
"""

from collections.abc import Iterator
from itertools import count

from kapokmq.core.client.checks import check_credit, told_reason
from kapokmq.core.client.cluster.node import Node
from kapokmq.core.client.errors import Refused
from kapokmq.core.client.events import Arrived, Complaint, Ended, Event, Joined
from kapokmq.core.client.frames import MOST_ACKED
from kapokmq.core.client.inbox import Inbox, Stage, Terms, check_terms
from kapokmq.core.client.message import Message

_JOINED = {Stage.LIVE, Stage.OVER}


class ClusterInbox:
    """What a face sees as one inbox. `next` may be called by other threads than all else."""

    def __init__(self, sub: int, topic: str, terms: Terms, late: Terms) -> None:
        self.sub = sub
        self.topic = topic
        self.acks = terms.acks
        self.credit = terms.credit
        self.late = late
        self.joined = False
        self.leaving = False
        self.open: set[str] = set()  # addresses of nodes where it is not over
        self.dirty: set[str] = set()  # and of those that are to be told something
        self._parts: dict[str, Inbox] = {}
        self._turns: tuple[tuple[str, Inbox], ...] = ()
        self._turn = 0
        self.in_hand: set[str] = set()  # codes of what was handed out and not settled
        self._whence: dict[str, str] = {}  # of which nodes these are

    def add(self, address: str, part: Inbox) -> None:
        """It is asked of one more node."""
        self._parts[address] = part
        self._turns = tuple(self._parts.items())
        self.open.add(address)

    def remove(self, address: str) -> None:
        """That node is forgotten."""
        self._parts.pop(address, None)
        self._turns = tuple(self._parts.items())
        self.open.discard(address)
        self.dirty.discard(address)

    def part(self, address: str) -> Inbox:
        """That of a node."""
        return self._parts[address]

    @property
    def parts(self) -> tuple[tuple[str, Inbox], ...]:
        """All of them, with their nodes' addresses."""
        return self._turns

    @property
    def messages(self) -> range:
        """As long as there are messages that wait."""
        return range(sum(len(part.messages) for _, part in self._turns))

    def next(self) -> Message | None:
        """Hand one out, of each node in turn. None if there is none."""
        turns, turn = self._turns, self._turn
        self._turn = turn + 1
        for index in range(len(turns)):
            address, part = turns[(turn + index) % len(turns)]
            message = part.next()
            if message is not None:
                if self.acks:
                    self._take_in_hand(message.code, address)
                return message
        return None

    def _take_in_hand(self, code: str, address: str) -> None:
        if len(self._whence) > 2 * self.credit + MOST_ACKED * (1 + len(self._turns)):
            self._whence.clear()  # somebody settles nothing: those leases have run out long ago
            self.in_hand.clear()
        self._whence[code] = address
        self.in_hand.add(code)

    def ack(self, code: str) -> None:
        """It is done."""
        part = self._settled(code)
        if part is not None:
            part.ack(code)

    def nack(self, code: str, delay: float | None, reason: str) -> None:
        """It was not done. Raises TypeError and ValueError for what makes no sense."""
        reason = told_reason(delay, reason)
        part = self._settled(code)
        if part is not None:
            part.nack(code, delay, reason)

    def touch(self, code: str) -> None:
        """It takes longer."""
        address = self._whence.get(code)
        if address in self._parts:
            self._parts[address].touch(code)
            self.dirty.add(address)

    def _settled(self, code: str) -> Inbox | None:
        """It is in hand no more. Gives whose it was, if that is known still."""
        self.in_hand.discard(code)
        address = self._whence.pop(code, "")
        part = self._parts.get(address)
        if part is not None:
            self.dirty.add(address)
        return part


class ClusterSubscriptions:
    """Inboxes of the cluster, by `sub`. `stirred`: addresses of nodes whose sessions have more to say."""

    def __init__(self, nodes: dict[str, Node], stirred: set[str]) -> None:
        self._nodes = nodes
        self._stirred = stirred
        self._numbers = count(1)
        self._inboxes: dict[int, ClusterInbox] = {}

    def _share(self, credit: int) -> int:
        live = sum(node.session.live for node in self._nodes.values())
        return -(-credit // max(1, live))

    # ---------------------------------------------------------------------------------------------- wishes

    def subscribe(self, topic: str, terms: Terms, late: Terms) -> ClusterInbox:
        """Want messages: on nodes that are there as `terms` say, on others as `late` do.

        Raises TypeError, ValueError and Refused for what makes no sense.
        """
        check_terms(topic, terms)
        inbox = ClusterInbox(next(self._numbers), topic, terms, late)
        self._inboxes[inbox.sub] = inbox
        for node in self._nodes.values():
            self._ask(node, inbox, terms if node.session.live else late)
        return inbox

    def _ask(self, node: Node, inbox: ClusterInbox, terms: Terms) -> None:
        part = node.session.subscribe(inbox.topic, terms._replace(credit=self._share(inbox.credit)))
        part.joined = inbox.joined  # then what may pass is tried again, and ends nothing
        node.subs[part.sub] = inbox
        inbox.add(node.address, part)
        self._stirred.add(node.address)

    def added(self, node: Node) -> None:
        """There is one more node."""
        for inbox in self._inboxes.values():
            if not inbox.leaving:
                self._ask(node, inbox, inbox.late)

    def removed(self, node: Node) -> None:
        """A node is forgotten."""
        for inbox in self._inboxes.values():
            inbox.remove(node.address)

    def rebalance(self) -> None:
        """Share the credit anew: there are more nodes, or fewer."""
        for inbox in self._inboxes.values():
            self._allow(inbox)

    def _allow(self, inbox: ClusterInbox) -> None:
        share = self._share(inbox.credit)
        for address, part in inbox.parts:
            if part.credit != share and address in inbox.open:
                self._nodes[address].session.set_credit(part, share)
                self._stirred.add(address)

    def set_credit(self, inbox: ClusterInbox, credit: int) -> None:
        """Set how many messages it may hold, on all nodes together. Raises TypeError and ValueError."""
        check_credit(credit)
        inbox.credit = credit
        self._allow(inbox)

    def stir(self, inbox: ClusterInbox) -> None:
        """Something was said of its messages, or taken from it."""
        addresses = inbox.dirty if inbox.acks else set(inbox.open)
        inbox.dirty = set()
        for address in addresses:
            self._nodes[address].session.stir(inbox.part(address))
        self._stirred |= addresses

    def unsubscribe(self, inbox: ClusterInbox) -> Iterator[Event]:
        """Want no more messages, once what was acknowledged is told."""
        if inbox.leaving or inbox.sub not in self._inboxes:
            return
        inbox.leaving = True
        yield from self._leave(inbox)
        if not inbox.open and inbox.sub in self._inboxes:
            yield self._over(inbox, None)

    def _leave(self, inbox: ClusterInbox) -> Iterator[Event]:
        for address, part in inbox.parts:
            if address in inbox.open:
                node = self._nodes[address]
                self._stirred.add(address)
                for event in node.session.unsubscribe(part):
                    yield from self.said(node, event)

    def _over(self, inbox: ClusterInbox, error: Refused | None) -> Ended:
        del self._inboxes[inbox.sub]
        return Ended(inbox.sub, error)

    # -------------------------------------------------------------------------------------------- of nodes

    def said(self, node: Node, event: Event) -> Iterator[Event]:
        """What a node's session tells of its own."""
        if isinstance(event, Arrived):
            if node.subs[event.sub].sub in self._inboxes:
                yield Arrived(node.subs[event.sub].sub)
        elif isinstance(event, Ended):
            yield from self._ended(node, event)
        elif isinstance(event, Complaint):
            yield event

    def _ended(self, node: Node, said: Ended) -> Iterator[Event]:
        """It is over on a node."""
        inbox: ClusterInbox = node.subs.pop(said.sub)
        inbox.open.discard(node.address)
        if inbox.sub not in self._inboxes:
            return
        if said.error is not None and not inbox.joined and not inbox.leaving:
            yield self._over(inbox, said.error)
            inbox.leaving = True
            yield from self._leave(inbox)
        elif not inbox.open:
            yield self._over(inbox, said.error)
        elif said.error is not None:
            yield Complaint(said.error)

    def joined(self) -> Iterator[Event]:
        """Something has changed: tell of those that all nodes have now that are there."""
        for inbox in self._inboxes.values():
            if inbox.joined or inbox.leaving:
                continue
            stages = [part.stage for address, part in inbox.parts if self._nodes[address].up]
            if stages and all(stage in _JOINED for stage in stages):
                inbox.joined = True
                for _, part in inbox.parts:
                    part.joined = True
                yield Joined(inbox.sub)
