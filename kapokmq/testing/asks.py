"""What a test asks of a MemoryNode: every message, and how far each group has come with it."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from kapokmq.core.admin import DeadFilter
from kapokmq.core.lives import GroupLife
from kapokmq.core.message import Found, Status
from kapokmq.testing.machine import Machine

_PAGE = 1_000
_EVER = 1 << 62
_STATES = {Status.DELAYED: "delayed", Status.CONSUMED: "acknowledged", Status.DEAD: "dead", Status.WAITING: "waiting"}


class Progress(NamedTuple):
    """How far a group is with a message.

    `state` is "delayed", "waiting", "retrying" (until `due`, unix seconds), "leased", "acknowledged", "dead", "expired"
    or "notDue" (the group began later). `failures` are attempts that ended badly, `reason` is why the last one did.
    """

    state: str
    failures: int = 0
    reason: str = ""
    due: float | None = None


class Record(NamedTuple):
    """A message as it is stored. `create_time` and `due` are unix seconds. `state` is that of the group asked about."""

    code: str
    topic: str
    data: str
    state: str
    create_time: float
    due: float | None
    key: str | None
    headers: Mapping[str, str]
    groups: Mapping[str, Progress]

    def json(self) -> Any:
        """The data, read as JSON. Raises ValueError."""
        return json.loads(self.data)


class Asks:
    """The questions. Where `group` is left out it is the topic's only durable one; of several one has to be named.

    All answers are lists of Records, oldest first.
    """

    _machine: Machine

    def messages(self, topic: str | None = None, group: str | None = None) -> list[Record]:
        """All that are stored, whatever their state."""
        found: list[Found] = []
        while page := self._page(topic, len(found)):
            found += page
        found.sort(key=lambda one: (one.created, one.code))
        return [self._record(one, group) for one in found]

    def delayed(self, topic: str) -> list[Record]:
        """What is not due yet."""
        return [one for one in self.messages(topic, self._any(topic)) if one.state == "delayed"]

    def waiting(self, topic: str, group: str | None = None) -> list[Record]:
        """What is due and the group still has to hand out, for the first time or again."""
        return self._in(topic, group, "waiting", "retrying")

    def leased(self, topic: str, group: str | None = None) -> list[Record]:
        """What was handed out and is neither acknowledged nor given back."""
        return self._in(topic, group, "leased")

    def acknowledged(self, topic: str, group: str | None = None) -> list[Record]:
        """What the group is done with."""
        return self._in(topic, group, "acknowledged")

    def delivered(self, topic: str, group: str | None = None) -> list[Record]:
        """What was handed out at least once, whatever became of it."""
        return self._in(topic, group, "leased", "acknowledged", "retrying", "dead")

    def dead(self, topic: str, group: str | None = None) -> list[Record]:
        """The dead letters: `record.groups[group]` has the reason."""
        return self._in(topic, group, "dead")

    def retry_dead(self, topic: str, group: str | None = None) -> int:
        """Let the group have its dead letters again, as if they had never been tried. Gives how many."""
        name = self._one(topic, group)
        wanted = DeadFilter(topic, name)
        done = self._machine.ask(lambda: self._machine.engine.admin.send_again(wanted, _EVER, "a test"))
        return 0 if done is None else done.count

    def groups(self, topic: str) -> list[str]:
        """The names of the topic's durable groups."""
        return [one.name for one in self._machine.ask(lambda: self._machine.engine.admin.groups([topic]))]

    def topics(self) -> list[str]:
        """The names of all topics."""
        return self._machine.do(self._machine.engine.admin.topic_names)

    # ---- inside

    def _page(self, topic: str | None, offset: int) -> list[Found]:
        return self._machine.ask(
            lambda: self._machine.engine.search(
                start=0, end=_EVER, topic=topic, status=None, with_data=True, limit=_PAGE, offset=offset
            )
        )

    def _in(self, topic: str, group: str | None, *states: str) -> list[Record]:
        return [one for one in self.messages(topic, self._one(topic, group)) if one.state in states]

    def _any(self, topic: str) -> str:
        """Some group: what is asked is the same in all."""
        return (self.groups(topic) or [""])[0]

    def _one(self, topic: str, group: str | None) -> str:
        """The group that is meant, empty where the topic has none."""
        names = self.groups(topic)
        if group is None:
            if len(names) > 1:
                raise ValueError(f"topic {topic} has several groups, name one: {', '.join(names)}")
            return names[0] if names else ""
        if group not in names:
            raise ValueError(f"topic {topic} has no group {group}, but: {', '.join(names) or 'none'}")
        return group

    def _record(self, found: Found, group: str | None) -> Record:
        life = self._machine.ask(lambda: self._machine.engine.admin.life(found.code))
        groups = {one.group: _progress(one) for one in ([] if life is None else life.groups)}
        whole = _STATES[found.status]
        return Record(
            found.code,
            found.topic,
            found.data,
            groups[group].state if group in groups else whole,
            found.created / 1000,
            None if found.due is None else found.due / 1000,
            found.key,
            {} if found.headers is None else json.loads(found.headers),
            groups,
        )


def _progress(life: GroupLife) -> Progress:
    reason = next((event.reason for event in reversed(life.events) if event.kind in {"nacked", "lost", "dead"}), "")
    return Progress(life.state, life.attempts, reason, None if life.until is None else life.until / 1000)
