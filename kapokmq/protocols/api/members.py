"""Who is in the cluster, as this node knows it by gossip: the routes of a registry, at a broker."""

from kapokmq.protocols.api.routes import Ask, Routes
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.members import Listed, Members
from serena.web.refusals import NotFound


class Cluster:
    """Tells of members. `members` is None where the node is in no cluster."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, members: Members | None) -> None:
        self.guard = guard
        self._members = members

    @routes.on("GET", "/members", gives=Listed, faults=(404,))
    async def list_members(self, ask: Ask) -> Answer:
        """List everybody in the cluster; 404 where the node is in none."""
        return await self._known().listed(ask.request)

    @routes.on("GET", "/watch", faults=(404,), streams=True)
    async def watch_members(self, ask: Ask) -> Answer | None:
        """Watch the cluster: an event `snapshot`, then `join`, `update`, `fail`, `leave` and `forget` as they come."""
        return await self._known().watched(ask.request)

    def _known(self) -> Members:
        if self._members is None:
            raise NotFound("cluster: this node is in none")
        return self._members
