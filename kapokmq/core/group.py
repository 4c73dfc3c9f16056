"""A group: what its members are due, and who holds what.

A message that nobody holds any more, and nobody has acknowledged, has had an attempt. When it is dealt again, and when
it is given up, is what the group's terms say (`core/terms.py`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kapokmq.core.attempts import Attempts
from kapokmq.core.codes import Codes
from kapokmq.core.held import Batch
from kapokmq.core.leases import EXPIRED_AT_ONCE, Leases
from kapokmq.core.lost import End, Lost
from kapokmq.core.member import Member
from kapokmq.core.message import OFFSET_MASK, Message, parse_code
from kapokmq.core.moment import Moment
from kapokmq.core.peers import Delivery
from kapokmq.core.policy import GroupConfig
from kapokmq.core.position import Position
from kapokmq.core.ranges import Run
from kapokmq.core.terms import DISCONNECTED, NACKED, TIMED_OUT, Terms
from kapokmq.core.trail import Trail

KEPT_SECONDS = 5.0  # that a message waits in memory for its next attempt; beyond that the store has it

Choose = Callable[[Sequence[Member], int], Sequence[Member]]
"""Draws a member for each of the next n messages: `random.choices` in a node, a script in a test."""


class Hand(NamedTuple):
    """A batch dealt to some members. `settled` are the offsets that nobody has to acknowledge."""

    members: list[Member]
    delivery: Delivery
    settled: list[int]


class Setup(NamedTuple):
    """Who a group is. Private ones are not `durable`: they have no number, and nothing of them is stored.

    `start` is the first offset that it was due.
    """

    number: int
    name: str
    topic: str
    durable: bool = True
    start: int = 0


class Group(ABC):
    """What both modes share: membership, leases, attempts. Deals and settles whole batches."""

    mode = "queue"

    def __init__(self, setup: Setup, position: Position, terms: Terms, codes: Codes) -> None:
        self.number, self.name, self.topic, self.durable, self.start = setup
        self.position = position
        self.terms = terms
        self.config = GroupConfig()
        self.gone = False
        self.trail = Trail(self.number)
        self.members: dict[Member, None] = {}
        self.attempts = Attempts()
        self.leases = Leases(position.memory)
        self._leaving: dict[Member, None] = {}  # gone, and what they hold is still being given back
        self._codes = codes
        self._able: dict[Member, None] = {}  # members that may be dealt to, as far as the group knows

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
    def _lost(self, member: Member, messages: list[Message], now: Moment, end: End) -> Lost:
        """This member lost its leases of these: deal them again some time, or be done with them."""

    # ---- membership

    def join(self, member: Member) -> None:
        """A member came."""
        self.members[member] = None
        self.rate(member)

    def rate(self, member: Member) -> None:
        """A member's credit, or what its transport takes, has changed."""
        consumer = member.consumer
        if member not in self.members:
            self._able.pop(member, None)
            consumer.starved.pop(self, None)
        elif consumer.open:
            self._able[member] = None
            consumer.starved.pop(self, None)
        else:
            self._able.pop(member, None)
            consumer.starved[self] = member

    def leave(self, member: Member, now: Moment) -> Lost:
        """A member went: what it holds is given back."""
        del self.members[member]
        self.rate(member)
        self._leaving[member] = None
        return self._give_back(member, now)

    def dismiss(self) -> list[tuple[Member, int]]:
        """The group goes: so do all members. Gives them, with how much each held."""
        gone: list[tuple[Member, int]] = []
        held: dict[int, Message] = {}
        members, self.members = self.members, {}
        for member in [*members, *self._leaving]:
            messages = self.leases.end_last(member)
            held.update((message.id, message) for message in (*messages, *member.backlog))
            if member in members:
                self.rate(member)
                gone.append((member, len(messages)))
        self._leaving.clear()
        self.position.forget(held.values())
        return gone

    def _give_back(self, member: Member, now: Moment) -> Lost:
        """What a member that went holds is given back: the last of it first, and if that is much, more by `expire`."""
        messages = self.leases.end_last(member, EXPIRED_AT_ONCE)
        if not member.held:
            del self._leaving[member]
        return self._lost(member, messages, now, End(DISCONNECTED, DISCONNECTED, member.consumer.receiver.label))

    def eligible(self) -> list[Member]:
        """The members that may be dealt to."""
        # One whose consumer has spent its credit in other topics, or whose transport is full, is found out here.
        for member in [member for member in self._able if not member.consumer.open]:
            self.rate(member)
        return list(self._able)

    @property
    def in_flight(self) -> int:
        """How many messages are held, counted once a member."""
        return self.leases.count

    @property
    def can_deal(self) -> bool:
        """Whether there are any, as far as the group knows. None while what is given back is not yet in place."""
        return bool(self._able) and not (self.terms.paused or self._leaving)

    # ---- leases

    def acknowledge(self, member: Member, codes: Sequence[str]) -> tuple[list[int], list[str]]:
        """A member is done with these. Gives the offsets that the group is done with by that, and the codes it ignored.

        A code counts if any member of the group holds it; also if its lease ended badly and nobody is done with it.
        """
        acked, odd = self.leases.end(member, codes)
        member.consumer.renew(len(acked))
        self.rate(member)
        done = self._acknowledged(member, acked)
        ignored: list[str] = []
        for code in odd:
            offsets = self._acknowledge_late(member, code)
            if offsets is None:
                ignored.append(code)
            else:
                done += offsets
        return done, ignored

    def reject(
        self, member: Member, codes: Sequence[str], now: Moment, wait: float | None, reason: str
    ) -> tuple[Lost, list[str]]:
        """A member could not do these: deal them again after `wait` seconds, None: as the terms say.

        Gives what it comes to, and the codes that the member does not hold.
        """
        messages, odd = self.leases.end(member, codes)
        member.consumer.renew(len(messages))
        self.rate(member)
        end = End(NACKED, reason or NACKED, member.consumer.receiver.label, wait)
        return self._lost(member, messages, now, end), odd

    def touch(self, member: Member, codes: Sequence[str], now: Moment) -> list[str]:
        """A member is still at work on these: their leases begin anew. Gives the codes that it does not hold."""
        return self.leases.touch(member, codes, self._deadline(now))

    def expire(self, now: Moment) -> Lost:
        """Take back what was held too long, or a slice of it: if there is more, `next_deadline` stays in the past."""
        lost = Lost([], [], 0)
        for member in self._leaving:
            return self._give_back(member, now)
        for member, messages in self.leases.overdue(now.steady):
            member.consumer.renew(len(messages))
            self.rate(member)
            end = End(TIMED_OUT, TIMED_OUT, member.consumer.receiver.label)
            lost = lost.and_also(self._lost(member, messages, now, end))
        return lost

    def removed(self, first: int, last: int) -> list[Run]:
        """The messages `first` to `last` are deleted. Gives what of it the group was not done with."""
        self.attempts.forget(first, last)
        self.trail.cut()
        return self.position.settle(first, last)

    def revive(self, first: int, last: int) -> list[Run]:
        """Deal the dead letters among the offsets `first` to `last` again; gives their runs."""
        return self.position.revive(first, last)

    def next_deadline(self) -> float | None:
        """When `expire` or the position's `resume` is to be called next, in steady seconds."""
        if self._leaving:
            return 0.0
        later = self.position.next_resume()
        return min((when for when in (later, self.leases.next_deadline()) if when is not None), default=None)

    # ---- for the modes

    def _deadline(self, now: Moment) -> float | None:
        seconds = self.terms.lease_seconds
        return None if seconds is None else now.steady + seconds

    def _hand(self, members: list[Member], messages: list[Message], now: Moment) -> Hand:
        """Lease these messages to each of these members (or write them off, to those who owe nothing)."""
        codes, gapless = self._codes.of_lot(messages)
        owing = [member for member in members if member.owes]
        count = len(codes)
        tries = self._tries(messages)  # before anybody is done with them
        if owing:
            self.leases.lend(Batch(owing, codes, self._deadline(now), now.wall), messages, gapless=gapless)
        settled: list[int] = []
        for member in members:
            consumer = member.consumer
            consumer.delivered += count
            if member.owes or not consumer.renews:
                consumer.credit -= count
                # One with places elsewhere is found out when its turn comes, so that topics take turns.
                if len(consumer.places) <= 1:
                    self.rate(member)
            if not member.owes:
                settled += self._acknowledged(member, messages)
        return Hand(members, Delivery(self.topic, messages, codes, tries), settled)

    def _tries(self, messages: Sequence[Message]) -> list[int] | None:
        """Which attempt this is, for each; None: the first for all."""
        attempts = self.attempts
        if not attempts:
            return None
        found = [attempts.get(message.id & OFFSET_MASK) for message in messages]
        return [1 if attempt is None else attempt.tries + 1 for attempt in found]

    def _attempted(self, code: str) -> int | None:
        """The offset of a message whose lease under this code ended badly and that nobody is done with."""
        parts = parse_code(code)
        offset = parts.id & OFFSET_MASK if parts else -1
        attempt = self.attempts.get(offset)
        return offset if attempt is not None and attempt.code == code else None

    def _fail(self, messages: Sequence[Message], now: Moment, end: End) -> Lost:
        """Count an attempt of messages that nobody holds any more: deal them again, at once or later, or give them up.

        The group is done with those that a private group gives up.
        """
        lost = Lost([], [], 0, [], [])
        at_once: list[Message] = []
        for message, code in zip(messages, self._codes.of(messages), strict=True):
            offset = message.id & OFFSET_MASK
            if self.position.is_done(offset):
                at_once.append(message)  # it leaves the queue when its turn comes
                continue
            failed = self.attempts.failed(self.number, offset, code, end, self.terms, now)
            lost.events.extend(failed.events)
            if failed.row is not None:
                lost.rows.append(failed.row)
            if failed.wait is None:
                self.position.forget([message])
                if self.durable and failed.dead is not None:
                    self.position.bury(offset)
                    lost.dead.append(failed.dead)
                else:
                    lost.done.append(offset)
            elif failed.wait:
                self.position.postpone(offset, message, now.steady + failed.wait, far=failed.wait > KEPT_SECONDS)
            else:
                at_once.append(message)
        self.position.give_back(at_once)
        return lost
