"""All of the API put together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime

from kapokmq.core.admin import Admin
from kapokmq.core.engine import Engine
from kapokmq.core.settings import Effective
from kapokmq.core.vitals import Vitals
from kapokmq.protocols.api.clients import Clients, Switchboard
from kapokmq.protocols.api.counts import Counting, Now
from kapokmq.protocols.api.dead import DeadLetters
from kapokmq.protocols.api.document import Document
from kapokmq.protocols.api.events import Events
from kapokmq.protocols.api.groups import Groups
from kapokmq.protocols.api.key import Keys
from kapokmq.protocols.api.leases import Leases, held
from kapokmq.protocols.api.members import Cluster
from kapokmq.protocols.api.node import AboutNode
from kapokmq.protocols.api.publishing import Publishing
from kapokmq.protocols.api.pulls import Pulls
from kapokmq.protocols.api.routes import Face
from kapokmq.protocols.api.schedule import Schedule
from kapokmq.protocols.api.searching import Searching
from kapokmq.protocols.api.site import Api
from kapokmq.protocols.api.topics import Topics
from serena.web.guard import Guard
from serena.web.members import Members
from serena.web.membership import Membership
from serena.web.streams import Streams


@dataclass(frozen=True, slots=True)
class Backstage:
    """What the API needs beside an engine: `drain` begins to stop the node, `wall` reads unix seconds."""

    admin: Admin
    drain: Callable[[float | None], None]
    wall: Callable[[], float]
    config: Sequence[Effective] = ()
    membership: Membership | None = None
    vitals: Vitals = field(kw_only=True)


class Ending(NamedTuple):
    """How what goes on in the API ends: `drain` lets no poll wait any more, `stop` ends everything."""

    drain: Callable[[], None]
    stop: Callable[[], None]


def make_api(  # noqa: PLR0913 -- each is a part of the node that some route needs, all by name
    guard: Guard,
    backstage: Backstage,
    *,
    engine: Engine,
    connections: Switchboard,
    clock: IReactorTime,
    max_message_bytes: int,
    name: str,
    version: str,
) -> tuple[Api, Ending]:
    """Put the API together. Gives also how what goes on in it ends."""
    admin, vitals, wall = backstage.admin, backstage.vitals, backstage.wall
    now = Now(engine, admin, vitals, connections)
    pulls, streams = Pulls(engine, clock, partial(held, admin)), Streams(clock)

    def drain(seconds: float | None) -> None:
        backstage.drain(seconds)
        pulls.drain()

    about = AboutNode(
        guard,
        engine=engine,
        config=backstage.config,
        drain=drain,
        name=name,
        version=version,
    )
    faces: list[Face] = [
        Publishing(guard, engine, max_message_bytes),
        Leases(guard, engine, admin, pulls, wall),
        Topics(guard, admin, clock),
        Groups(guard, admin, vitals),
        Searching(guard, engine, admin),
        Schedule(guard, engine, admin, wall),
        DeadLetters(guard, admin),
        Clients(guard, admin, connections, clock),
        Counting(guard, now, admin, vitals, wall),
        Events(guard, engine, admin, now, streams, clock),
        Keys(guard),
        about,
        Cluster(guard, _members(guard, backstage, streams, clock, name)),
    ]
    faces.append(Document(guard, [one for face in faces for one in face.routes.operations], version))

    def stop() -> None:
        pulls.stop()
        streams.stop()

    return Api(guard, faces), Ending(pulls.drain, stop)


def _members(guard: Guard, backstage: Backstage, streams: Streams, clock: IReactorTime, name: str) -> Members | None:
    """What tells of the cluster, where there is one."""
    if backstage.membership is None:
        return None
    return Members(
        guard, backstage.membership, streams, clock, lambda at: backstage.wall() - (clock.seconds() - at), node=name
    )
