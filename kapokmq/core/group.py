"""A group: what its members are due, and who holds what.

A message that nobody holds any more, and nobody has acknowledged, has had an attempt. After a time-out it is ready at
once; after a disconnect too, for its first `rules.retry_count` attempts, and after `rules.retry_seconds` later.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kapokmq.core.commit import AttemptRow
from kapokmq.core.engine import Delivery
from kapokmq.core.member import Batch, Member
from kapokmq.core.message import OFFSET_MASK, Message, parse_code
from kapokmq.core.moment import Moment
from kapokmq.core.position import Position
from kapokmq.core.ranges import Run
from kapokmq.core.rules import Rules

DISCONNECTED = "the consumer disconnected"
TIMED_OUT = "the lease timed out"

EXPIRED_AT_ONCE = 2000  # leases taken back in one go

Choose = Callable[[Sequence[Member], int], Sequence[Member]]
"""Draws a member for each of the next n messages: `random.choices` in a node, a script in a test."""


class Codes:
    """Makes codes: one store's prefixes, by epoch."""

    def __init__(self, store_id: int) -> None:
        self._store_id = store_id
        self._prefixes: dict[int, str] = {}

    def of(self, messages: Sequence[Message]) -> list[str]:
        """The codes of these messages."""
        prefixes = self._prefixes
        try:
            return [f"{prefixes[message.epoch]}{message.id:016x}" for message in messages]
        except KeyError:
            prefixes.update({m.epoch: f"{self._store_id:016x}{m.epoch:08x}" for m in messages})
            return self.of(messages)


class Hand(NamedTuple):
    """A batch dealt to some members. `settled` are the offsets that nobody has to acknowledge."""

    members: list[Member]
    delivery: Delivery
    settled: list[int]


class Lost(NamedTuple):
    """Leases that ended badly: offsets done with all the same, what the store is to know, how many there were."""

    done: list[int]
    rows: list[AttemptRow]
    leases: int

    def and_also(self, other: "Lost") -> "Lost":
        """Both together."""
        return Lost(self.done + other.done, self.rows + other.rows, self.leases + other.leases)


class Attempt:
    """How often a message's lease ended badly, and under which code it was dealt (None: before this start)."""

    __slots__ = ("code", "tries")

    def __init__(self, tries: int, code: str | None) -> None:
        self.tries = tries
        self.code = code


class Group(ABC):
    """What both modes share: membership, leases, attempts. Deals and settles whole batches."""

    def __init__(self, number: int, name: str, topic: str, position: Position, rules: Rules, codes: Codes) -> None:
        self.number = number
        self.name = name
        self.topic = topic
        self.position = position
        self.members: dict[Member, None] = {}
        self.in_flight = 0
        self.attempts: dict[int, Attempt] = {}
        self._rules = rules
        self._codes = codes
        self._batches: OrderedDict[Batch, None] = OrderedDict()
        self._able: dict[Member, None] = {}  # members with credit whose transports take bytes

    # ---- what a mode decides

    @abstractmethod
    def deal(self, now: Moment, allowance: int) -> list[Hand]:
        """One round: at most `allowance` messages, to each member at most a batch."""

    @abstractmethod
    def wants_to_deal(self) -> bool:
        """Whether another round would deal something."""

    @abstractmethod
    def _acknowledged(self, member: Member, messages: list[Message]) -> list[int]:
        """The offsets that are done with now that this member has acknowledged these."""

    @abstractmethod
    def _acknowledge_late(self, member: Member, code: str) -> list[int] | None:
        """An acknowledgement from a member that does not hold the message: offsets done with, None to ignore it."""

    @abstractmethod
    def _lost(self, member: Member, messages: list[Message], now: Moment, reason: str) -> Lost:
        """This member lost its leases of these: deal them again some time, or be done with them."""

    # ---- membership

    def join(self, member: Member) -> None:
        """A member came."""
        self.members[member] = None
        self.rate(member)

    def rate(self, member: Member) -> None:
        """A member's credit, or what its transport takes, has changed."""
        if member.credit > 0 and member.flowing and member in self.members:
            self._able[member] = None
        else:
            self._able.pop(member, None)

    def leave(self, member: Member, now: Moment) -> Lost:
        """A member went: what it holds is given back."""
        del self.members[member]
        self.rate(member)
        held = list(member.leases.values())
        member.leases.clear()
        for _, batch in held:
            self._close(batch, 1)
        messages = sorted((message for message, _ in held), key=lambda message: message.id)
        return self._lost(member, messages, now, DISCONNECTED)

    def eligible(self) -> list[Member]:
        """The members that may be dealt to."""
        return list(self._able)

    @property
    def can_deal(self) -> bool:
        """Whether there are any."""
        return bool(self._able)

    # ---- leases

    def acknowledge(self, member: Member, codes: Sequence[str]) -> tuple[list[int], int]:
        """A member is done with these. Gives the offsets that the group is done with by that, and how many it ignored.

        A code counts if any member of the group holds it; also if its lease ended badly and nobody is done with it.
        """
        leases, batches = member.leases, self._batches
        acked: list[Message] = []
        odd: list[str] = []
        for code in codes:
            lease = leases.pop(code, None)
            if lease is None:
                odd.append(code)
                continue
            message, batch = lease
            acked.append(message)
            batch.open -= 1
            if not batch.open:
                del batches[batch]
        self.in_flight -= len(acked)
        member.credit += len(acked)
        self.rate(member)
        done = self._acknowledged(member, acked)
        if not odd:
            return done, 0
        counted = [offsets for code in odd if (offsets := self._acknowledge_late(member, code)) is not None]
        return done + [offset for offsets in counted for offset in offsets], len(odd) - len(counted)

    def expire(self, now: Moment) -> Lost:
        """Take back what was held too long: a slice of it, the latest first, so that the earliest is dealt first again.

        While there is more, `next_deadline` stays in the past.
        """
        lost = Lost([], [], 0)
        expired: list[Batch] = []
        for batch in self._batches:
            if batch.deadline is None or batch.deadline > now.steady:
                break
            expired.append(batch)
        room = EXPIRED_AT_ONCE
        for batch in reversed(expired):
            while batch.members and room > 0:
                member = batch.members.pop()
                room -= len(batch.codes)
                mine = [code for code in batch.codes if member.leases.get(code, (None, None))[1] is batch]
                messages = [member.leases.pop(code)[0] for code in mine]
                member.credit += len(messages)
                self.rate(member)
                self._close(batch, len(messages))
                lost = lost.and_also(self._lost(member, messages, now, TIMED_OUT))
            if batch.members:
                break
            self._batches.pop(batch, None)
        return lost

    def removed(self, first: int, last: int) -> list[Run]:
        """The messages `first` to `last` are deleted. Gives what of it the group was not done with."""
        if self.attempts:
            for offset in range(first, last + 1):
                self.attempts.pop(offset, None)
        return self.position.settle(first, last)

    def next_deadline(self) -> float | None:
        """When `expire` or the position's `resume` is to be called next, in steady seconds."""
        later = self.position.next_resume()
        first = next(iter(self._batches)).deadline if self._batches else None
        return min((when for when in (later, first) if when is not None), default=None)

    # ---- for the modes

    def _hand(self, members: list[Member], messages: list[Message], now: Moment) -> Hand:
        """Lease these messages to each of these members (or write them off, to those who owe nothing)."""
        codes = self._codes.of(messages)
        owing = [member for member in members if member.owes]
        if owing:
            seconds = self._rules.lease_seconds
            batch = Batch(owing, codes, None if seconds is None else now.steady + seconds)
            self._batches[batch] = None
            leases = [(message, batch) for message in messages]
            for member in owing:
                member.leases.update(zip(codes, leases, strict=True))
                member.credit -= len(codes)
                self.rate(member)
            self.in_flight += batch.open
        settled: list[int] = []
        for member in members:
            if not member.owes:
                settled += self._acknowledged(member, messages)
        return Hand(members, Delivery(self.topic, messages, codes), settled)

    def _attempted(self, code: str) -> int | None:
        """The offset of a message whose lease under this code ended badly and that nobody is done with."""
        parts = parse_code(code)
        offset = parts.id & OFFSET_MASK if parts else -1
        attempt = self.attempts.get(offset)
        return offset if attempt is not None and attempt.code == code else None

    def _close(self, batch: Batch, count: int) -> None:
        """That many leases of a batch have ended."""
        self.in_flight -= count
        batch.open -= count
        if not batch.open:
            self._batches.pop(batch, None)

    def _count_attempts(self, messages: Sequence[Message], now: Moment, reason: str) -> list[AttemptRow]:
        rows: list[AttemptRow] = []
        for message, code in zip(messages, self._codes.of(messages), strict=True):
            offset = message.id & OFFSET_MASK
            if self.position.is_done(offset):
                continue
            attempt = self.attempts.setdefault(offset, Attempt(0, code))
            attempt.tries, attempt.code = attempt.tries + 1, code
            wait = self._wait(attempt.tries, reason)
            rows.append(AttemptRow(self.number, offset, attempt.tries, now.wall + int(wait * 1000), reason))
        return rows

    def _wait(self, tries: int, reason: str) -> float:
        """Seconds until a message is to be dealt again after its n-th bad end."""
        at_once = reason == TIMED_OUT or tries <= self._rules.retry_count
        return 0.0 if at_once else self._rules.retry_seconds

    def _retry(self, messages: Sequence[Message], now: Moment, reason: str) -> None:
        """Put messages that nobody holds any more back into the queue, at once or later."""
        at_once: list[Message] = []
        for message in messages:
            offset = message.id & OFFSET_MASK
            attempt = self.attempts.get(offset)
            wait = self._wait(attempt.tries, reason) if attempt else 0.0
            if wait:
                self.position.postpone(offset, message, now.steady + wait)
            else:
                at_once.append(message)
        self.position.give_back(at_once)
