"""Gossip, as HTTP sees it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from serena.core.swim import events
from serena.services.gossip import Gossip
from serena.web.membership import Change, Member

_CHANGES: Mapping[type, str] = MappingProxyType(
    {
        events.Joined: "join",
        events.Updated: "update",
        events.Suspected: "update",
        events.Recovered: "update",
        events.Failed: "fail",
        events.Left: "leave",
        events.Forgotten: "forget",
    }
)


class Pool:
    """Gossip, as HTTP sees it."""

    def __init__(self, gossip: Gossip) -> None:
        self.members = gossip.members
        self._gossip = gossip

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Have each change of a member told. Gives what ends that."""

        def heard(event: events.Event) -> None:
            kind = _CHANGES.get(type(event))
            if kind is not None:
                member: Member = event.member  # type: ignore[union-attr]  # all of these have one
                listener(Change(kind, member))

        return self._gossip.listen(heard)
