"""The queue mode: each message goes to one member."""

from kapokmq.core.group import Choose, Codes, Group, Hand, Lost
from kapokmq.core.member import Member
from kapokmq.core.message import OFFSET_MASK, Message
from kapokmq.core.moment import Moment
from kapokmq.core.position import Position
from kapokmq.core.rules import BATCH, Rules


class QueueGroup(Group):
    """One member gets each message, drawn among those with credit: one draw of n for a batch of n."""

    def __init__(
        self, number: int, name: str, topic: str, position: Position, rules: Rules, codes: Codes, choose: Choose
    ) -> None:
        super().__init__(number, name, topic, position, rules, codes)
        self._choose = choose

    def deal(self, now: Moment, allowance: int) -> list[Hand]:
        """Share out one batch a member."""
        if allowance <= 0 or not (self.can_deal and self.position.queued):
            return []
        members = self.eligible()
        room = {member: int(min(member.credit, BATCH)) for member in members}
        messages = self.position.take(min(allowance, sum(room.values())))
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
        shares: dict[Member, list[Message]] = {}
        others = list(members)
        for drawn, message in zip(self._choose(members, len(messages)), messages, strict=True):
            member = drawn
            if not room[drawn]:  # it passes its turn to somebody who has: there is room for all of them together
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
        for other in self.members:
            lease = other.leases.pop(code, None)
            if lease is not None:
                other.credit += 1
                self.rate(other)
                self._close(lease[1], 1)
                return self._acknowledged(other, [lease[0]])
        offset = self._attempted(code)
        if offset is None:
            return None
        # The message stays where it waits to be dealt again, and is passed over when its turn comes.
        del self.attempts[offset]
        return [offset]

    def _lost(self, member: Member, messages: list[Message], now: Moment, reason: str) -> Lost:
        rows = self._count_attempts(messages, now, reason)
        self._retry(messages, now, reason)
        return Lost([], rows, len(messages))
