"""One subscription of a client: what came for it, what is in hand, and what is to be told of it.

    deliver ─▶ messages ─▶ next ─▶ in hand ─▶ ack, nack ─▶ told in batches

What lies in `messages` is dropped when the connection ends: its leases are lost, and it comes again. Acks are kept
until they are answered, and told again after a reconnect: who is done with a message does not get it twice from us. A
broker that was restarted does not know them before it has delivered the message again: then they are told once more.
An inbox that is **parted** has told its owner that it is over, and is asked for on the next connection nevertheless,
without credit, because it has acks that were not answered.

While a handler has a message (`keeps`), a delivery of the same is not handed out again: its lease is ours once more.

`next` may be called by other threads than all else: it does nothing but single operations of a deque and a set.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from enum import Enum
from math import inf
from typing import NamedTuple

from kapokmq.core.client.checks import check_credit, check_number, told_reason, wire_name
from kapokmq.core.client.frames import CREDIT, MOST_ACKED, MOST_NACKED, Start, encode_subscribe
from kapokmq.core.client.message import Message
from kapokmq.core.codec.v2_drafts import LATEST

_REMEMBERED = 30.0  # seconds that an ack is remembered which came before its message was delivered again


class Stage(Enum):
    """How far it has come."""

    WAITING = 0  # to be asked for
    JOINING = 1  # asked for
    LIVE = 2
    OVER = 3


class Terms(NamedTuple):
    """What a subscription should be like; docs/protocol-v2.md has the meaning of what goes over the wire.

    `acks`: it owes them. `touch_every`: seconds between renewals of the leases of what waits here, None for never;
    `keeps`: and of what is in hand.
    """

    group: str | None = None
    credit: int = CREDIT
    start: Start | None = None
    acks: bool = True
    touch_every: float | None = None
    keeps: bool = False


def check_terms(topic: str, terms: Terms) -> None:
    """Raise TypeError, ValueError and Refused (badName) for what no subscription can be like."""
    wire_name(topic, "topic")
    if terms.group is not None:
        wire_name(terms.group, "group")
    check_credit(terms.credit)
    if isinstance(terms.start, dict):
        if terms.start.keys() != {"time"}:
            raise ValueError(f"start: {terms.start!r} has not just a time")
        check_number(terms.start["time"], "start", 0, LATEST)
    elif terms.start not in {None, "new", "all"}:
        raise ValueError(f"start: {terms.start!r} is none of new, all and a time")
    if terms.touch_every is not None:
        check_number(terms.touch_every, "touch_every", 0, inf)
        if not terms.touch_every:
            raise ValueError("touch_every: 0 is not above 0")


class Inbox:
    """A subscription. `sub` is its number, over all connections. Raises as `check_terms` does."""

    def __init__(self, sub: int, topic: str, terms: Terms) -> None:
        check_terms(topic, terms)
        self.sub = sub
        self.topic = topic
        self.acks = terms.acks
        self.credit = terms.credit
        self._terms = terms
        self.stage = Stage.WAITING
        self.joined = False  # once at least
        self.leaving = False
        self.parted = False
        self.left = False  # whether that was said on this connection
        self.touch_at: float | None = None  # when leases are to be renewed
        self.retry_at: float | None = None  # when it is to be asked for again
        self.messages: deque[Message] = deque()
        self._held: set[str] = set()  # codes of these
        self.in_hand: set[str] = set()
        self._done: set[str] = set()  # acks that were not answered yet
        self._again: set[str] = set()  # those of them that were told again
        self._back: set[str] = set()  # those of them whose message came again meanwhile
        self._early: set[str] = set()  # acks that the broker did not know: their messages may still come again
        self.forget_at: float | None = None  # when these are forgotten
        self._to_ack: list[str] = []
        self._to_nack: dict[tuple[float | None, str], list[str]] = {}
        self._to_touch: list[str] = []
        self._allowed = terms.credit  # without acks: how many more may come
        self.unknown = 0  # acks that came too late: somebody else may have got their messages

    # ---------------------------------------------------------------------------------------------------- in

    def delivered(self, messages: Sequence[Message]) -> None:
        """These came."""
        self._allowed -= len(messages)
        if self.leaving:
            return
        if not self.acks:
            self.messages.extend(messages)
            return
        for message in messages:
            code = message.code
            if code in self._held or (self._terms.keeps and code in self.in_hand):
                continue
            if code in self._done:
                self._back.add(code)
                continue
            if code in self._early:
                self._early.discard(code)
                self.ack(code)
                continue
            self._held.add(code)
            self.messages.append(message)

    def next(self) -> Message | None:
        """Hand one out, None if there is none."""
        while self.messages:
            try:
                message = self.messages.popleft()
            except IndexError:  # another thread was quicker
                break
            if not self.acks:
                return message
            if message.code in self._held:
                self._held.discard(message.code)
                self._take_in_hand(message.code)
                return message
        return None

    def _take_in_hand(self, code: str) -> None:
        if len(self.in_hand) > 2 * self.credit + MOST_ACKED:
            self.in_hand.clear()  # somebody settles nothing: those leases have run out long ago
        self.in_hand.add(code)

    def live(self, now: float) -> None:
        """The broker has it."""
        self.stage = Stage.LIVE
        self.joined = True
        self._touch_next(now)

    def _touch_next(self, now: float) -> None:
        every = self._terms.touch_every
        self.touch_at = None if every is None or not self.acks else now + every

    def over(self) -> None:
        """There is no such subscription any more. What waits of one without acks can still be handed out."""
        self.stage = Stage.OVER
        self.touch_at = self.retry_at = None
        self.forget()
        if self.acks:
            self.drop_waiting()

    def allow(self, credit: int) -> None:
        """Another credit holds."""
        self.credit = self._allowed = credit

    def lost(self) -> None:
        """The connection ended, and all leases with it."""
        self.stage = Stage.WAITING
        self.touch_at = self.retry_at = None
        self.forget()
        self._again = set(self._done)
        self._back.clear()
        self._to_nack.clear()
        self._to_touch.clear()
        if self.acks:
            self.drop_waiting()
            if not self._terms.keeps:
                self.in_hand.clear()
        if self._terms.group is None:
            # Its private group is gone with all that was to be told of it.
            self._to_ack.clear()
            self._done.clear()
            self._again.clear()

    def drop_waiting(self) -> None:
        """Give up what was not handed out: it comes again."""
        self.messages.clear()
        self._held.clear()

    # --------------------------------------------------------------------------------------------- settling

    def ack(self, code: str) -> None:
        """It is done."""
        if self.stage is Stage.OVER:
            self.unknown += self.acks
        elif self.acks and code not in self._done:
            self.in_hand.discard(code)
            self._held.discard(code)  # it may have come again while it was in hand
            self._done.add(code)
            self._to_ack.append(code)

    def nack(self, code: str, delay: float | None, reason: str) -> None:
        """It was not done. Raises TypeError and ValueError for what makes no sense."""
        reason = told_reason(delay, reason)
        if self.acks:
            self.in_hand.discard(code)
            self._held.discard(code)
            self._to_nack.setdefault((delay, reason), []).append(code)

    def touch(self, code: str) -> None:
        """It takes longer."""
        if self.acks:
            self._to_touch.append(code)

    def touch_all(self, now: float) -> None:
        """Renew the leases of what waits here, and of what is in hand where that is kept."""
        self._touch_next(now)
        self._to_touch += [message.code for message in self.messages.copy()]
        if self._terms.keeps:
            self._to_touch += self.in_hand

    def taken_away(self, codes: Sequence[str]) -> None:
        """Somebody else has these now: what waits here of them is not ours to hand out."""
        self._held.difference_update(codes)  # `next` skips what is not held

    def acked(self, codes: Sequence[str], unknown: Sequence[int], now: float) -> None:
        """The broker has these acks, but for those indexes, which it did not know."""
        self._done.difference_update(codes)
        for code in (codes[index] for index in unknown):
            if code in self._back:
                self.ack(code)
            elif code in self._again:
                self._early.add(code)
                self.forget_at = now + _REMEMBERED
            else:
                self.unknown += 1
        self._again.difference_update(codes)
        self._back.difference_update(codes)

    def forget(self) -> None:
        """Those messages won't come again, unless somebody wants them to."""
        self._early.clear()
        self.forget_at = None

    def ack_again(self, codes: Sequence[str]) -> None:
        """These acks were not answered."""
        if self._terms.group is not None:
            self._to_ack = [*codes, *self._to_ack]

    # --------------------------------------------------------------------------------------------------- out

    def request(self) -> bytes:
        """The frame that asks for it."""
        self.stage, self.left = Stage.JOINING, False
        self._allowed = 0 if self.parted else max(0, self.credit - (0 if self.acks else len(self.messages)))
        return encode_subscribe(
            self.sub, self.topic, self._allowed, group=self._terms.group, start=self._terms.start, acks=self.acks
        )

    def to_settle(self) -> Iterator[tuple[str, list[str], float | None, str]]:
        """What is to be told, a frame each: op, codes, delay, reason. What was not taken stays."""
        while self._to_ack:
            codes, self._to_ack = self._to_ack[:MOST_ACKED], self._to_ack[MOST_ACKED:]
            yield "ack", codes, None, ""
        while self._to_nack:
            (delay, reason), codes = next(iter(self._to_nack.items()))
            some, rest = codes[:MOST_NACKED], codes[MOST_NACKED:]
            if rest:
                self._to_nack[delay, reason] = rest
            else:
                del self._to_nack[delay, reason]
            yield "nack", some, delay, reason
        while self._to_touch:
            codes, self._to_touch = self._to_touch[:MOST_NACKED], self._to_touch[MOST_NACKED:]
            yield "touch", codes, None, ""

    def more_allowed(self) -> int | None:
        """Without acks: how many more may come from now on, once that is worth saying."""
        wanted = self.credit - len(self.messages)
        # While something that was allowed is still on its way, it would come beside what is allowed anew.
        if self.acks or not self.credit or self._allowed > 0 or wanted * 2 < self.credit:
            return None
        self._allowed = wanted
        return wanted

    @property
    def owes(self) -> bool:
        """Whether acks are to be told, or answered, that are worth something on the next connection as well."""
        return bool(self._done) and self._terms.group is not None

    @property
    def settled(self) -> bool:
        """Whether the broker has answered all acks, and was told all nacks."""
        return not self._done and not self._to_nack
