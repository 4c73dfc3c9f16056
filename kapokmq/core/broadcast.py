"""The broadcast mode: every member connected at that moment gets each message.

A message is assigned to all members at once and then dealt to each as its credit allows. The group is done with it when
all of those have acknowledged or gone; if all went without an acknowledgement, it is ready again.
"""

from itertools import islice

from kapokmq.core.attempts import Attempt
from kapokmq.core.codes import Codes
from kapokmq.core.group import Group, Hand, Setup
from kapokmq.core.lost import End, Lost
from kapokmq.core.member import Member
from kapokmq.core.message import OFFSET_MASK, Message
from kapokmq.core.moment import Moment
from kapokmq.core.position import Position
from kapokmq.core.rules import BATCH, WRITE_BYTES
from kapokmq.core.terms import DISCONNECTED, Terms

DEALT_AT_ONCE = 50_000  # leases made in one go: messages times members


class BroadcastGroup(Group):
    """Every member gets each message, with a lease of its own.

    `_owing` counts, by offset, the members that still owe an acknowledgement; `_acked` are those offsets of it that
    somebody has acknowledged. The fastest member runs ahead of the slowest by half the memory budget at most.
    """

    mode = "broadcast"

    def __init__(self, setup: Setup, position: Position, terms: Terms, codes: Codes, memory_budget: int) -> None:
        super().__init__(setup, position, terms, codes)
        self._most_assigned = memory_budget // 2  # bytes
        self._owing: dict[int, int] = {}
        self._acked: set[int] = set()
        self._assigned = 0  # bytes
        self._behind: dict[Member, None] = {}  # those with a backlog

    def deal(self, now: Moment, allowance: int) -> list[Hand]:
        """Assign a batch to everybody, then let those who lag behind catch up."""
        hands: list[Hand] = []
        if self.terms.paused or self._leaving:
            return hands
        self.eligible()
        if self.members and allowance > 0 and not self._overrun:
            messages = self.position.take(min(allowance, BATCH, max(1, DEALT_AT_ONCE // len(self.members))), now.wall)
            if messages:
                hands += self._assign(messages, now)
        for member in self._lagging():
            batch = self._next_of(member)
            if batch:
                hands.append(self._hand([member], batch, now))
        return hands

    def wants_to_deal(self) -> bool:
        """Whether there is something to assign, or somebody to catch up."""
        to_assign = bool(self.members) and self.position.queued and not self._overrun
        return not (self.terms.paused or self._leaving) and (to_assign or bool(self._lagging()))

    def leave(self, member: Member, now: Moment) -> Lost:
        """A member went: it owes nothing any more, of what it held and of what it had still to get."""
        backlog = list(member.backlog)
        member.backlog.clear()
        self._behind.pop(member, None)
        released = self._release(
            backlog, now, End(DISCONNECTED, DISCONNECTED, member.consumer.receiver.label)
        )  # first, so that what it held comes before it again
        return released.and_also(super().leave(member, now))

    @property
    def _overrun(self) -> bool:
        return self._assigned > self._most_assigned

    def _lagging(self) -> list[Member]:
        return [member for member in self._behind if member in self._able]

    def _assign(self, messages: list[Message], now: Moment) -> list[Hand]:
        count = len(self.members)
        self._owing.update((message.id & OFFSET_MASK, count) for message in messages)
        self._assigned += sum([message.size for message in messages])
        in_step: list[Member] = []
        for member in self.members:
            if member.consumer.flowing and not member.backlog and member.consumer.credit >= len(messages):
                in_step.append(member)
            else:
                self._falls_behind(member)
                member.backlog.extend(messages)
        return [self._hand(in_step, messages, now)] if in_step else []

    def _next_of(self, member: Member) -> list[Message]:
        """The next batch of what was assigned to a member that lags behind."""
        batch: list[Message] = []
        room = WRITE_BYTES
        for message in islice(member.backlog, int(min(member.consumer.credit, BATCH))):
            room -= len(message.data)
            if room < 0 and batch:
                break
            batch.append(message)
        for _ in batch:
            member.backlog.popleft()
        self._catches_up(member)
        kept = [message for message in batch if not self.position.is_done(message.id & OFFSET_MASK)]
        if len(kept) < len(batch):  # deleted meanwhile
            self._acknowledged(member, [m for m in batch if self.position.is_done(m.id & OFFSET_MASK)])
        return kept

    def _acknowledged(self, member: Member, messages: list[Message]) -> list[int]:
        return self._settle(messages, acked=True)[0]

    def _acknowledge_late(self, member: Member, code: str) -> list[int] | None:
        offset = self._attempted(code)
        late = None if offset is None else next((m for m in member.backlog if m.id & OFFSET_MASK == offset), None)
        if late is None:
            return None
        member.backlog.remove(late)
        self._catches_up(member)
        return self._acknowledged(member, [late])

    def _lost(self, member: Member, messages: list[Message], now: Moment, end: End) -> Lost:
        if member not in self.members:
            return self._release(messages, now, end)
        # It timed out: it alone gets them again. Others may hold them still, so that is no attempt of the group's.
        for message, code in zip(messages, self._codes.of(messages), strict=True):
            if not self.position.is_done(message.id & OFFSET_MASK):
                self.attempts.setdefault(message.id & OFFSET_MASK, Attempt(0, code))
        if messages:
            self._falls_behind(member)
            member.backlog.extendleft(reversed(messages))
        return Lost([], [], len(messages))

    def _release(self, messages: list[Message], now: Moment, end: End) -> Lost:
        """A member that went owes these no more."""
        done, unread = self._settle(messages, acked=False)
        failed = self._fail(unread, now, end)
        return failed._replace(done=done + failed.done, leases=len(unread))

    def _falls_behind(self, member: Member) -> None:
        self._behind[member] = None

    def _catches_up(self, member: Member) -> None:
        if not member.backlog:
            self._behind.pop(member, None)

    def _settle(self, messages: list[Message], *, acked: bool) -> tuple[list[int], list[Message]]:
        """One member less owes each of these. Gives offsets done with, and messages that nobody acknowledged."""
        done: list[int] = []
        finished: list[Message] = []
        unread: list[Message] = []
        for message in messages:
            offset = message.id & OFFSET_MASK
            left = self._owing[offset] - 1
            if acked:
                self._acked.add(offset)
            if left:
                self._owing[offset] = left
                continue
            del self._owing[offset]
            self._assigned -= message.size
            if offset in self._acked:
                self._acked.discard(offset)
                self.attempts.pop(offset, None)
                done.append(offset)
                finished.append(message)
            else:
                unread.append(message)
        self.position.forget(finished)
        return done, unread
