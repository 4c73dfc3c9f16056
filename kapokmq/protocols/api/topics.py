"""Topics: list, make, look at, change, purge, delete."""

from bisect import bisect_right
from typing import Annotated

import msgspec
from msgspec import Meta
from twisted.internet.interfaces import IReactorTime

from kapokmq.core.admin import Admin
from kapokmq.core.names import LONGEST_NAME
from kapokmq.core.pattern import check_topic
from kapokmq.core.policy import TopicPolicy
from kapokmq.protocols.api.answers import DONE, Exists, Result
from kapokmq.protocols.api.paging import NamePage, Turns, first_of
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.views import CountView, TopicsView, TopicView, topic_view
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import NotFound, answered

MOST_NAMED = 10_000  # groups, by about one page of topics

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]


class NewTopic(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A topic to be made."""

    name: Name
    policy: TopicPolicy = TopicPolicy()


class Topics:
    """What there is to do about topics."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, admin: Admin, clock: IReactorTime) -> None:
        self.guard = guard
        self._admin = admin
        self._clock = clock

    @routes.on("GET", "/topics", query=NamePage, gives=TopicsView)
    async def list_topics(self, ask: Ask) -> Answer:
        """List topics, by name."""
        names = self._admin.topic_names()
        first = bisect_right(names, ask.query.cursor or "")
        page, last = first_of(names[first : first + ask.query.limit + 1], ask.query.limit)
        turns, views, named = Turns(self._clock), list[TopicView](), 0
        for name in page:
            await turns.rest()
            info = self._admin.topic(name)
            if info is None:  # deleted meanwhile
                continue
            views.append(topic_view(info))
            named += len(info.groups)
            if named >= MOST_NAMED and name != page[-1]:
                last = name
                break
        return answered(TopicsView(views, last))

    @routes.on("POST", "/topics", body=(NewTopic,), gives=TopicView, status=201, faults=(409,))
    async def create_topic(self, ask: Ask) -> Answer:
        """Make a topic. Topics are also made when they are first named."""
        name = check_topic(ask.body.name)
        if not await self._admin.create_topic(name, ask.body.policy):
            raise Exists("name: there is such a topic")
        return self._told(name, status=201)

    @routes.on("GET", "/topics/<topic>", gives=TopicView, faults=(404,))
    async def get_topic(self, ask: Ask) -> Answer:
        """Look at one topic."""
        return self._told(ask.topic)

    @routes.on("PUT", "/topics/<topic>", body=(TopicPolicy,), gives=TopicView, faults=(404, 409))
    async def put_topic(self, ask: Ask) -> Answer:
        """Replace what is set for a topic. What is left out is as the settings say."""
        return await self._set(ask.topic, ask.body)

    @routes.on("DELETE", "/topics/<topic>", gives=Result, faults=(404, 409))
    async def delete_topic(self, ask: Ask) -> Answer:
        """Dismiss a topic's consumers and delete it with all it has."""
        if not await self._admin.delete_topic(ask.topic):
            raise _unknown()
        return answered(DONE)

    @routes.on("POST", "/topics/<topic>/purge", gives=CountView, faults=(404, 409))
    async def purge_topic(self, ask: Ask) -> Answer:
        """Delete all of a topic's messages, also those that are leased or delayed."""
        count = await self._admin.purge_topic(ask.topic)
        if count is None:
            raise _unknown()
        return answered(CountView(count))

    @routes.on("POST", "/topics/<topic>/pause", gives=TopicView, faults=(404, 409))
    async def pause_topic(self, ask: Ask) -> Answer:
        """Take no publishes for a topic. What is there is still delivered."""
        return await self._pause(ask.topic, paused=True)

    @routes.on("POST", "/topics/<topic>/resume", gives=TopicView, faults=(404, 409))
    async def resume_topic(self, ask: Ask) -> Answer:
        """Take publishes again."""
        return await self._pause(ask.topic, paused=False)

    async def _pause(self, name: str, *, paused: bool) -> Answer:
        info = self._admin.topic(name)
        if info is None:
            raise _unknown()
        return await self._set(name, msgspec.structs.replace(info.policy, paused=paused))

    async def _set(self, name: str, policy: TopicPolicy) -> Answer:
        if not await self._admin.set_policy(name, policy):
            raise _unknown()
        return self._told(name)

    def _told(self, name: str, status: int = 200) -> Answer:
        info = self._admin.topic(name)
        if info is None:  # or it was deleted meanwhile
            raise _unknown()
        return answered(topic_view(info), status)


def _unknown() -> NotFound:
    return NotFound("topic: there is none of that name")
