"""The queue mode: each message goes to one member."""

from collections import Counter

from kapokmq.core.codes import Codes
from kapokmq.core.group import Choose, Group, Hand, Setup
from kapokmq.core.lost import End, Lost
from kapokmq.core.member import Member
from kapokmq.core.message import OFFSET_MASK, Message, parse_code
from kapokmq.core.moment import Moment
from kapokmq.core.position import Position
from kapokmq.core.rules import BATCH
from kapokmq.core.terms import Terms


class QueueGroup(Group):
    """One member gets each message: drawn among those with credit, one draw of n for a batch of n; or in turns."""

    def __init__(self, setup: Setup, position: Position, terms: Terms, codes: Codes, choose: Choose) -> None:
        super().__init__(setup, position, terms, codes)
        self._choose = choose
        self._turn = 0

    def deal(self, now: Moment, allowance: int) -> list[Hand]:
        """Share out one batch a member."""
        if allowance <= 0 or not (self.can_deal and self.position.queued):
            return []
        members = self.eligible()
        room = {member: int(min(member.consumer.credit, BATCH)) for member in members}
        messages = self.position.take(min(allowance, sum(room.values())), now.wall)
        if not messages:
            return []
        if len(members) == 1:
            return [self._hand(members, messages, now)]
        shares = self._share(members, messages, room)
        return [self._hand([member], share, now) for member, share in shares.items()]

    def wants_to_deal(self) -> bool:
        """Whether there is something to deal, and somebody to deal it to."""
        return self.position.queued and self.can_deal

    def _share(
        self, members: list[Member], messages: list[Message], room: dict[Member, int]
    ) -> dict[Member, list[Message]]:
        """Who gets which of these messages: there is room for all of them together."""
        if self.terms.round_robin:
            return self._in_turns(members, messages, room)
        # How many each gets is drawn message by message. Which ones is up to us: neighbours, so that what one member
        # acknowledges is a run, and not as many single numbers.
        drawn = Counter(self._choose(members, len(messages)))
        left = 0
        for member, count in drawn.items():
            drawn[member] = min(count, room[member])
            left += count - drawn[member]
        for member in reversed(members):  # those drawn beyond their credit pass their turn on
            if not left:
                break
            more = min(left, room[member] - drawn[member])
            drawn[member] += more
            left -= more
        shares: dict[Member, list[Message]] = {}
        start = 0
        for member, count in drawn.items():
            shares[member] = messages[start : start + count]
            start += count
        return shares

    def _in_turns(
        self, members: list[Member], messages: list[Message], room: dict[Member, int]
    ) -> dict[Member, list[Message]]:
        """By who has been a member for longest, whatever their credit is: turns go on where they ended."""
        ordered = [member for member in self.members if member in self._able]
        shares: dict[Member, list[Message]] = {}
        others = list(members)
        for message in messages:
            member = ordered[self._turn % len(ordered)]
            self._turn = (self._turn + 1) % len(ordered)
            if not room[member]:  # it passes its turn to somebody who has
                while not room[others[-1]]:
                    others.pop()
                member = others[-1]
            room[member] -= 1
            shares.setdefault(member, []).append(message)
        return shares

    def _acknowledged(self, member: Member, messages: list[Message]) -> list[int]:
        self.position.forget(messages)
        offsets = [message.id & OFFSET_MASK for message in messages]
        if self.attempts:
            for offset in offsets:
                self.attempts.pop(offset, None)
        return offsets

    def _acknowledge_late(self, member: Member, code: str) -> list[int] | None:
        parts = parse_code(code)
        if parts is None:
            return None
        offset = parts.id & OFFSET_MASK
        if offset >= self.position.end or self.position.is_done(offset):  # nobody can hold it
            return None
        for other in [*self.members, *self._leaving]:
            ended = self.leases.end(other, [code])[0] if other.held.get(code) is not None else []
            if ended:
                other.consumer.renew(1)
                self.rate(other)
                return self._acknowledged(other, ended)
        attempted = self._attempted(code)
        if attempted is None:
            return None
        # The message stays where it waits to be dealt again, and is passed over when its turn comes.
        del self.attempts[attempted]
        return [attempted]

    def _lost(self, member: Member, messages: list[Message], now: Moment, end: End) -> Lost:
        return self._fail(messages, now, end)._replace(leases=len(messages))
