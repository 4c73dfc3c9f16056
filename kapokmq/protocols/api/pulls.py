"""All members that stand for polls, one a group that is polled (pull.py), and how many there may be."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from kapokmq.core.engine import Engine
from kapokmq.core.errors import Draining
from kapokmq.protocols.api.pull import Leased, Pull
from serena.web.refusals import Busy

MOST_MEMBERS = 1_000
MOST_POLLS = 10_000

T = TypeVar("T")


class Pulls:
    """By topic and group. `hold` says how many seconds a group lets a message be held, None for ever."""

    def __init__(self, engine: Engine, clock: IReactorTime, hold: Callable[[str, str], float | None]) -> None:
        self._engine = engine
        self._clock = clock
        self._hold = hold
        self._pulls: dict[tuple[str, str], Pull] = {}
        self._waiting = 0
        self._draining = False
        self._room = 0.0  # when the first poll ends; past where that is not known

    def poll(self, topic: str, group: str, most: int, wait: float, start: str | int) -> "Deferred[list[Leased]]":
        """Wait for messages. Fails as Engine.join does, and with Gone. Raises Busy and Draining."""
        if self._draining:
            raise Draining("this node stops")
        if self._waiting >= MOST_POLLS:
            raise self._crowded()
        pull = self._pull(topic, group)
        self._waiting += 1
        end = self._clock.seconds() + wait
        answer = pull.poll(most, wait)
        answer.addBoth(self._ended, end)
        pull.join(start)  # after that, because it may fail at once
        return answer

    def _ended(self, result: T, end: float) -> T:
        self._waiting -= 1
        if end <= self._room:  # it was the one that was reckoned with, and may be over sooner than that
            self._room = 0.0
        return result

    def member(self, topic: str, group: str) -> Pull | None:
        """The member that holds what polls of a group were given, None where they hold nothing."""
        return self._pulls.get((topic, group))

    def _pull(self, topic: str, group: str) -> Pull:
        """The member of a group, made where there is none."""
        pull = self._pulls.get((topic, group))
        if pull is None:
            if len(self._pulls) >= MOST_MEMBERS:
                wait = self._until(one.free for one in self._pulls.values())
                raise Busy(f"{MOST_MEMBERS} groups are polled, which is as many as the node takes", wait)
            pull = Pull(self._engine, self._clock, (topic, group), self._hold, self._forget)
            self._pulls[topic, group] = pull
        return pull

    def _crowded(self) -> Busy:
        """Say when there is room: all polls are looked through once a wait."""
        now = self._clock.seconds()
        if self._room <= now:
            self._room = now + self._until(end for pull in self._pulls.values() for end in pull.ends)
        return Busy(f"{MOST_POLLS} polls wait, which is as many as the node takes", self._room - now)

    def _until(self, ends: Iterable[float]) -> float:
        """How many seconds there are until the first of these."""
        return max(0.0, min(ends) - self._clock.seconds())

    def _forget(self, pull: Pull) -> None:
        self._pulls.pop(pull.key, None)

    def drain(self) -> None:
        """Let nobody wait, and take no more polls. What was leased can still be acknowledged."""
        self._draining = True
        for pull in list(self._pulls.values()):
            pull.release()

    def stop(self) -> None:
        """Let nobody wait."""
        for pull in list(self._pulls.values()):
            pull.leave()
