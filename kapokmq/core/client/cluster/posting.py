"""What was published to a cluster and is owed an answer: which node has it, and where it goes when that fails.

    a node drains             what it was not sent, or has refused, goes at once
    its connection ends       what it was not sent goes at once; what it was, if it is not back within `move_after`,
                              or at once if it drained, or the registry holds it dead
    it says that it is full   that one publish goes to a node that has not said so; so with all that may pass

What was sent and went elsewhere may be stored twice. So it goes only when there is another node: one that is alone gets
it again under the same number. What has nowhere to go is **homeless** until a node is there.
"""

from collections import deque
from collections.abc import Iterator
from itertools import count

from kapokmq.core.client.cluster.choice import Strategy
from kapokmq.core.client.cluster.node import Node, Posted, Standing
from kapokmq.core.client.errors import Refused, TryLater
from kapokmq.core.client.events import Confirmed, Denied, Event
from kapokmq.core.client.message import Publish
from kapokmq.core.client.outbox import Bounds, checked


class Posting:
    """Publishes in, to the sessions of `nodes`. Their answers in, those of the cluster out. `stirred`: addresses.

    `bounds` hold for all nodes together, and each has its share of them.
    """

    def __init__(
        self, nodes: dict[str, Node], stirred: set[str], strategy: Strategy, bounds: Bounds, move_after: float
    ) -> None:
        self._nodes = nodes
        self._stirred = stirred
        self._strategy = strategy
        self._bounds = checked(bounds)
        self._move_after = move_after
        self._numbers = count(1)
        self._uses = count(1)
        self._posted: dict[int, Posted] = {}
        self._homeless: deque[Posted] = deque()
        self.messages = 0  # pending
        self._size = 0

    def _open(self, but: Node | None = None) -> list[Node]:
        """Who takes publishes. Those that the registry holds dead only if there are no others."""
        up = [node for node in self._nodes.values() if node.up and node is not but]
        return [node for node in up if node.standing is not Standing.AWAY] or up

    # ---------------------------------------------------------------------------------------------- wishes

    def check(self, publish: Publish) -> None:
        """Raise Refused for what none of the nodes would take."""
        refusals = [node.takes(publish) for node in self._open()]
        if refusals and all(refusals):
            raise next(error for error in refusals if error is not None)

    def _with_room(self, publish: Publish) -> list[Node]:
        nodes = self._open()
        return [node for node in nodes if node.room(publish, self._bounds, len(nodes)) and node.takes(publish) is None]

    def room(self, publish: Publish) -> bool:
        """Whether it may be pending now. What nobody takes may, to be refused."""
        if self._with_room(publish):
            return not self._homeless and self._within_bounds(publish)
        return self._hopeless(publish)

    def _within_bounds(self, publish: Publish) -> bool:
        bounds = self._bounds
        return not self._posted or (
            len(self._posted) < bounds.publishes
            and self.messages + publish.count <= bounds.messages
            and self._size + publish.size <= bounds.size
        )

    def _hopeless(self, publish: Publish) -> bool:
        nodes = self._open()
        return bool(nodes) and all(node.takes(publish) for node in nodes)

    def publish(self, publish: Publish) -> int:
        """Want it stored. Gives its number."""
        posted = Posted(next(self._numbers), publish)
        self._posted[posted.number] = posted
        self.messages += publish.count
        self._size += publish.size
        nodes = self._with_room(publish)
        if nodes:
            self._give(posted, nodes)
        else:
            self._homeless.append(posted)
        return posted.number

    def _give(self, posted: Posted, nodes: list[Node]) -> None:
        node = self._strategy.choose(nodes)
        node.used = next(self._uses)
        node.post(posted)
        self._stirred.add(node.address)

    def withdraw(self, number: int) -> bool:
        """Want it no more. True if nobody was sent it; False if it is too late."""
        posted = self._posted.get(number)
        if posted is None or posted.written:
            return False
        if posted.node is None:
            self._homeless.remove(posted)
        elif posted.node.session.withdraw(posted.inner):
            posted.node.drop(posted.inner)
        else:
            return False
        self._settled(posted)
        return True

    def _settled(self, posted: Posted) -> None:
        del self._posted[posted.number]
        self.messages -= posted.publish.count
        self._size -= posted.publish.size

    @property
    def impatient(self) -> bool:
        """Whether something homeless could be somewhere."""
        return bool(self._homeless) and bool(self._open())

    # --------------------------------------------------------------------------------------------- answers

    def answered(self, node: Node, said: Confirmed | Denied) -> Iterator[Event]:
        """A node has stored one, or refused it. What another may store goes there."""
        posted = node.drop(said.number)
        if isinstance(said, Confirmed):
            self._settled(posted)
            yield Confirmed(posted.number, said.receipt)
        elif isinstance(said.error, TryLater):
            posted.refused_by.add(node.address)
            posted.refusal = said.error
            yield from self._place(posted)
        else:
            yield self._refused(posted, said.error)

    def _refused(self, posted: Posted, error: Refused) -> Denied:
        self._settled(posted)
        return Denied(posted.number, error)

    # ---------------------------------------------------------------------------------------------- moving

    def _place(self, posted: Posted, but: Node | None = None) -> Iterator[Denied]:
        """Find a node for one that has none, whether there is room or not."""
        takers, error = [], posted.refusal
        for node in self._open(but):
            if node.address not in posted.refused_by:
                refusal = node.takes(posted.publish)
                if refusal is None:
                    takers.append(node)
                error = refusal or error
        if takers:
            self._give(posted, takers)
        elif error is not None:
            yield self._refused(posted, error)
        else:
            self._homeless.append(posted)

    def settle(self) -> Iterator[Denied]:
        """Find nodes for the homeless, and for what waits for a node that is gone."""
        if not self._open():
            return
        homeless, self._homeless = self._homeless, deque()
        for posted in homeless:
            yield from self._place(posted)
        for node in self._nodes.values():
            if node.overdue:
                yield from self.leave(node)
            elif node.session.draining:
                yield from self.drains(node)

    def leave(self, node: Node) -> Iterator[Denied]:
        """Have all that is pending there stored elsewhere, as soon as there is anybody else."""
        node.move_at, node.overdue = None, bool(node.pending)
        if node.pending and self._open(but=node):
            node.overdue = False
            yield from self._move(node, list(node.pending))

    def _move(self, node: Node, numbers: list[int]) -> Iterator[Denied]:
        for number in numbers:
            if not node.session.withdraw(number):
                node.session.abandon(number)
                node.pending[number].written = True
            yield from self._place(node.drop(number), but=node)

    def drains(self, node: Node) -> Iterator[Denied]:
        """It takes no more: what it does not owe an answer for goes elsewhere, if there is anybody else."""
        if self._open():
            yield from self._move(node, [number for number in node.pending if not node.session.owes(number)])

    def lost(self, node: Node, now: float, *, for_long: bool) -> Iterator[Denied]:
        """Its connection ended, or there was none."""
        for number in list(node.pending):
            if node.session.withdraw(number):
                yield from self._place(node.drop(number), but=node)
        if for_long:
            yield from self.leave(node)
        else:
            self.doubted(node, now)

    def doubted(self, node: Node, now: float) -> None:
        """It seems to be gone. If it stays so, what is pending there goes elsewhere."""
        if node.pending and node.move_at is None and not node.overdue:
            node.move_at = now + self._move_after
