"""One node of a cluster, as a client sees it: what the registry says of it, and what it was given."""

from enum import Enum
from typing import Any

from kapokmq.core.client.errors import ClientError, Refused
from kapokmq.core.client.message import Publish
from kapokmq.core.client.outbox import Bounds
from kapokmq.core.client.session import ClientSession


class Standing(Enum):
    """What the registry says of a node."""

    LISTED = 0
    ABSENT = 1  # nothing: it has left, or the registry has begun anew and does not know it yet
    AWAY = 2  # that it is dead, or has left


class Posted:
    """A publish of somebody who waits. `number` is the cluster's, `inner` that of the node it is with, if any."""

    __slots__ = ("inner", "node", "number", "publish", "refusal", "refused_by", "written")

    def __init__(self, number: int, publish: Publish) -> None:
        self.number = number
        self.publish = publish
        self.node: Node | None = None
        self.inner = 0
        self.written = False  # to a node that it is not with any more, and may be stored there
        self.refusal: Refused | None = None
        self.refused_by: set[str] = set()  # addresses


class Node:
    """A node. Its session outlives its absence, so that what was done meanwhile is told when it comes back."""

    def __init__(self, address: str, session: ClientSession) -> None:
        self.address = address
        self.session = session
        self.standing = Standing.LISTED
        self.error: ClientError | None = None  # why it makes no sense to dial it
        self.retry_at: float | None = None  # until then
        self.pending: dict[int, Posted] = {}  # by the session's numbers
        self.messages = 0  # in these
        self._size = 0
        self.used = 0
        self.move_at: float | None = None  # when its pending go elsewhere
        self.overdue = False  # that has passed, and there was nowhere to go
        self.subs: dict[int, Any] = {}  # the cluster's inboxes, by the session's numbers

    @property
    def up(self) -> bool:
        """Whether it takes publishes."""
        return self.session.live and not self.session.draining

    @property
    def wanted(self) -> bool:
        """Whether there should be a connection. One that lives is kept whatever the registry says."""
        return self.session.live or (self.standing is Standing.LISTED and self.error is None)

    def takes(self, publish: Publish) -> Refused | None:
        """None if it would take it, whenever it came; or why not."""
        try:
            self.session.check(publish)
        except Refused as error:
            return error
        return None

    def room(self, publish: Publish, bounds: Bounds, nodes: int) -> bool:
        """Whether it may be pending here now: each of so many nodes has its share of the bounds."""
        return not self.pending or (
            len(self.pending) < max(1, bounds.publishes // nodes)
            and (self.messages + publish.count) * nodes <= bounds.messages
            and (self._size + publish.size) * nodes <= bounds.size
        )

    def post(self, posted: Posted) -> None:
        """Give it a publish."""
        posted.node, posted.inner = self, self.session.publish(posted.publish)
        self.pending[posted.inner] = posted
        self.messages += posted.publish.count
        self._size += posted.publish.size

    def drop(self, inner: int) -> Posted:
        """It is not with this node any more."""
        posted = self.pending.pop(inner)
        self.messages -= posted.publish.count
        self._size -= posted.publish.size
        posted.node = None
        return posted

    def at_ease(self) -> None:
        """Nothing needs to go elsewhere."""
        self.move_at, self.overdue = None, False
