"""Groups: list, make, look at, change, purge, delete; of one topic, or by pattern of every topic that matches."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kapokmq.core.admin import Admin, GroupInfo, PatternInfo
from kapokmq.core.codec.v2_drafts import LATEST, milliseconds
from kapokmq.core.names import check_name
from kapokmq.core.pattern import is_pattern
from kapokmq.core.policy import GroupConfig
from kapokmq.core.vitals import Vitals
from kapokmq.protocols.api.answers import DONE, Exists, Result
from kapokmq.protocols.api.paging import MOST_TOPICS, NamePage, first_of, read_names, write_names
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.topics import Name
from kapokmq.protocols.api.views import (
    CountView,
    GroupsView,
    GroupView,
    PatternsView,
    PatternView,
    group_view,
    pattern_view,
)
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import NotFound, answered


class Since(msgspec.Struct, forbid_unknown_fields=True):
    """With the first message that was created at that time, unix seconds."""

    time: Annotated[float, Meta(ge=0, le=LATEST)]


Start = Literal["new", "all"] | Since


class NewGroup(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A group to be made. `start` is where it begins; a topic's first group begins with all it has."""

    name: Name
    start: Start = "new"
    config: GroupConfig = GroupConfig()


def start_of(start: Start) -> str | int:
    """Where a group begins, as the engine wants it."""
    return milliseconds(start.time) if isinstance(start, Since) else start


class Groups:
    """What there is to do about groups."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, admin: Admin, vitals: Vitals) -> None:
        self.guard = guard
        self._admin = admin
        self._vitals = vitals

    @routes.on("GET", "/groups", query=NamePage, gives=GroupsView)
    async def list_groups(self, ask: Ask) -> Answer:
        """List groups of all topics. Looks through 1,000 topics at most: a short page with a cursor is not the end."""
        behind, limit = read_names(ask.query.cursor), ask.query.limit
        names = self._admin.topic_names()
        first = bisect_left(names, behind[0])
        end = first + MOST_TOPICS
        found = await self._admin.groups(names[first:end], behind, limit + 1)
        page, last = first_of(found, limit)
        cursor = None
        if last is not None:
            cursor = write_names(last.topic, last.name)
        elif end < len(names):
            cursor = write_names(names[end], "")
        return answered(GroupsView(await self._shown(page), cursor))

    @routes.on("GET", "/patterns", query=NamePage, gives=PatternsView)
    async def list_patterns(self, ask: Ask) -> Answer:
        """List groups by pattern."""
        behind = read_names(ask.query.cursor)
        found = [info for info in self._admin.patterns() if (info.pattern, info.name) > behind]
        page, last = first_of(found, ask.query.limit)
        cursor = None if last is None else write_names(last.pattern, last.name)
        return answered(PatternsView([pattern_view(info) for info in page], cursor))

    @routes.on("GET", "/topics/<topic>/groups", query=NamePage, gives=GroupsView, faults=(404,))
    async def list_topic_groups(self, ask: Ask) -> Answer:
        """List the groups of a topic."""
        if self._admin.topic(ask.topic) is None:
            raise NotFound("topic: there is none of that name")
        behind, limit = (ask.topic, ask.query.cursor or ""), ask.query.limit
        page, last = first_of(await self._admin.groups([ask.topic], behind, limit + 1), limit)
        return answered(GroupsView(await self._shown(page), None if last is None else last.name))

    @routes.on(
        "POST",
        "/topics/<topic>/groups",
        body=(NewGroup,),
        gives=GroupView | PatternView,
        status=201,
        faults=(409,),
        patterns=True,
    )
    async def create_group(self, ask: Ask) -> Answer:
        """Make a group of a topic; of a pattern, one in every topic that matches, now and later."""
        name, start = check_name(ask.body.name, "name"), start_of(ask.body.start)
        if not await self._admin.create_group(ask.topic, name, start, ask.body.config):
            raise Exists("name: there is such a group")
        return await self._told(ask.topic, name, status=201)

    @routes.on("GET", "/topics/<topic>/groups/<group>", gives=GroupView | PatternView, faults=(404,), patterns=True)
    async def get_group(self, ask: Ask) -> Answer:
        """Look at one group."""
        return await self._told(ask.topic, ask.group)

    @routes.on(
        "PUT",
        "/topics/<topic>/groups/<group>",
        body=(GroupConfig,),
        gives=GroupView | PatternView,
        faults=(404, 409),
        patterns=True,
    )
    async def put_group(self, ask: Ask) -> Answer:
        """Replace a group's configuration. What is left out is as the topic, or the settings, say."""
        return await self._set(ask.topic, ask.group, ask.body)

    @routes.on("DELETE", "/topics/<topic>/groups/<group>", gives=Result, faults=(404, 409), patterns=True)
    async def delete_group(self, ask: Ask) -> Answer:
        """Dismiss a group's members and delete it; of a pattern, all its groups."""
        if not await self._admin.delete_group(ask.topic, ask.group):
            raise _unknown()
        return answered(DONE)

    @routes.on("POST", "/topics/<topic>/groups/<group>/purge", gives=CountView, faults=(404, 409))
    async def purge_group(self, ask: Ask) -> Answer:
        """Let a group be done with all that it has not done yet and nobody holds; dead letters are kept."""
        count = await self._admin.purge_group(ask.topic, ask.group)
        if count is None:
            raise _unknown()
        return answered(CountView(count))

    @routes.on(
        "POST",
        "/topics/<topic>/groups/<group>/pause",
        gives=GroupView | PatternView,
        faults=(404, 409),
        patterns=True,
    )
    async def pause_group(self, ask: Ask) -> Answer:
        """Deliver nothing to a group's members."""
        return await self._pause(ask, paused=True)

    @routes.on(
        "POST",
        "/topics/<topic>/groups/<group>/resume",
        gives=GroupView | PatternView,
        faults=(404, 409),
        patterns=True,
    )
    async def resume_group(self, ask: Ask) -> Answer:
        """Deliver to a group's members again."""
        return await self._pause(ask, paused=False)

    async def _pause(self, ask: Ask, *, paused: bool) -> Answer:
        config = self._config(ask.topic, ask.group)
        if config is None:
            raise _unknown()
        # Nobody may change it between the look and this.
        return await self._set(ask.topic, ask.group, msgspec.structs.replace(config, paused=paused))

    async def _set(self, topic: str, name: str, config: GroupConfig) -> Answer:
        if not await self._admin.set_config(topic, name, config):
            raise _unknown()
        return await self._told(topic, name)

    async def _told(self, topic: str, name: str, status: int = 200) -> Answer:
        info = await self._find(topic, name)
        view = pattern_view(info) if isinstance(info, PatternInfo) else (await self._shown([info]))[0]
        return answered(view, status)

    async def _shown(self, infos: Sequence[GroupInfo]) -> list[GroupView]:
        return [group_view(info) for info in await self._vitals.dated(infos)]

    async def _find(self, topic: str, name: str) -> GroupInfo | PatternInfo:
        """The group of a topic, or of a pattern. Raises NotFound."""
        found = self._pattern(topic, name) if is_pattern(topic) else await self._admin.group(topic, name)
        if found is None:
            raise _unknown()
        return found

    def _config(self, topic: str, name: str) -> GroupConfig | None:
        """What was set for it."""
        if not is_pattern(topic):
            return self._admin.config(topic, name)
        found = self._pattern(topic, name)
        return None if found is None else found.config

    def _pattern(self, topic: str, name: str) -> PatternInfo | None:
        return next((info for info in self._admin.patterns() if info[:2] == (topic, name)), None)


def _unknown() -> NotFound:
    return NotFound("group: there is none of that name")
