"""What a client is subscribed to: asked for on each connection, settled in batches.

Every ack, nack and touch has an id, and only so many are under way: the next ones wait for answers, and become larger
batches meanwhile. So the slower the broker's disk is, the fewer frames there are.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

from kapokmq.core.client.checks import check_credit
from kapokmq.core.client.errors import Refused, refused
from kapokmq.core.client.events import Arrived, Complaint, Ended, Event, Joined
from kapokmq.core.client.frames import (
    Deliver,
    Error,
    Ok,
    encode_credit,
    encode_settle,
    encode_unsubscribe,
)
from kapokmq.core.client.inbox import Inbox, Stage, Terms

_UNANSWERED = 100  # acks, nacks and touches
_SETTLING = {"ack", "nack", "touch"}


class _Told(NamedTuple):
    """A request about a subscription that is not answered yet."""

    op: str
    inbox: Inbox
    codes: list[str]


class Subscriptions:
    """Inboxes by `sub`, and what is to be said of them. `numbers` gives ids for requests."""

    def __init__(self, numbers: "count[int]") -> None:
        self._numbers = numbers
        self._inboxes: dict[int, Inbox] = {}
        self._stirred: dict[int, Inbox] = {}  # those that may have something to say
        self._told: dict[int, _Told] = {}
        self._unanswered = 0
        self._out: list[bytes] = []
        self.open = False  # whether they may be asked for

    # ---------------------------------------------------------------------------------------------- wishes

    def subscribe(self, topic: str, terms: Terms) -> Inbox:
        """Want messages. Raises TypeError, ValueError and Refused for what makes no sense."""
        inbox = Inbox(next(self._numbers), topic, terms)
        self._inboxes[inbox.sub] = inbox
        if self.open:
            self._ask(inbox)
        return inbox

    def _ask(self, inbox: Inbox) -> None:
        inbox.retry_at = None
        self._out.append(inbox.request())
        self._stirred[inbox.sub] = inbox

    def set_credit(self, inbox: Inbox, credit: int) -> None:
        """Set how many messages it may hold; without acks, how many more may come. Raises TypeError and ValueError."""
        check_credit(credit)
        inbox.allow(credit)
        if inbox.stage in {Stage.JOINING, Stage.LIVE} and not inbox.leaving:
            self._tell("credit", inbox, encode_credit, credit)

    def unsubscribe(self, inbox: Inbox) -> Iterator[Event]:
        """Want no more messages, once what was acknowledged is told."""
        if inbox.stage is Stage.OVER or inbox.leaving:
            return
        inbox.leaving = True
        inbox.drop_waiting()
        self._stirred[inbox.sub] = inbox
        if inbox.stage is Stage.WAITING:
            yield from self._part(inbox)

    def _part(self, inbox: Inbox) -> Iterator[Event]:
        """Who wants no more messages need not wait for a connection: what is to be acknowledged on it does."""
        if not inbox.owes:
            yield from self._over(inbox)
        elif not inbox.parted:
            inbox.parted = True
            yield Ended(inbox.sub, None)

    def _over(self, inbox: Inbox, fault: Error | None = None) -> Iterator[Event]:
        inbox.over()
        del self._inboxes[inbox.sub]
        self._stirred.pop(inbox.sub, None)
        error = None if fault is None else error_of(fault)
        if not inbox.parted:
            yield Ended(inbox.sub, error)
        elif error is not None:
            yield Complaint(error)

    def stir(self, inbox: Inbox) -> None:
        """Something was said about its messages, or taken from it."""
        if inbox.stage is not Stage.OVER:
            self._stirred[inbox.sub] = inbox

    # ------------------------------------------------------------------------------------------------- out

    def take(self) -> list[bytes]:
        """Frames to be written."""
        for inbox in list(self._stirred.values()):
            if self._settle(inbox):
                del self._stirred[inbox.sub]
        taken, self._out = self._out, []
        return taken

    def _settle(self, inbox: Inbox) -> bool:
        """Say what there is to say of its messages. False if there may be more, which must wait for answers."""
        if inbox.stage is Stage.WAITING:  # it is asked for again first
            return True
        more = inbox.more_allowed()
        if more is not None and self.open:
            self._tell("credit", inbox, encode_credit, more)
        telling = inbox.to_settle()
        while self._unanswered < _UNANSWERED:
            told = next(telling, None)
            if told is None:
                if inbox.leaving and not inbox.left:
                    inbox.left = True
                    self._tell("unsubscribe", inbox, encode_unsubscribe)
                return True
            op, codes, delay, reason = told
            number = next(self._numbers)
            self._told[number] = _Told(op, inbox, codes)
            self._unanswered += 1
            self._out.append(encode_settle(op, number, inbox.sub, codes, delay=delay, reason=reason))
        return False

    def _tell(self, op: str, inbox: Inbox, encode: Any, *more: int) -> None:
        number = next(self._numbers)
        self._told[number] = _Told(op, inbox, [])
        self._out.append(encode(number, inbox.sub, *more))

    # -------------------------------------------------------------------------------------------------- in

    def welcomed(self) -> None:
        """There is a new connection."""
        self.open = True
        for inbox in self._inboxes.values():
            self._ask(inbox)

    def delivered(self, said: Deliver) -> Iterator[Event]:
        """Messages came. Of a node that drains none are handed out: who else gets them can be told in time."""
        inbox = self._inboxes.get(said.sub)
        if inbox is not None and (self.open or not inbox.acks):
            inbox.delivered(said.messages)
            self._stirred[inbox.sub] = inbox
            if not inbox.parted:
                yield Arrived(said.sub)

    def answered(self, said: Ok, now: float) -> Iterator[Event]:
        """A request is carried out."""
        inbox = self._inboxes.get(said.id)
        if inbox is not None:
            inbox.live(now)
            if not inbox.parted:
                yield Joined(said.id)
            return
        told = self._pop(said.id)
        if told is None:
            return
        if told.op == "ack":
            told.inbox.acked(told.codes, said.unknown, now)
            self.stir(told.inbox)
        elif told.op == "touch" and said.unknown:
            told.inbox.taken_away([told.codes[index] for index in said.unknown])
        elif told.op == "unsubscribe" and told.inbox.stage is not Stage.OVER:
            yield from self._over(told.inbox)

    def refused(self, said: Error, now: float) -> Iterator[Event]:
        """A request is not carried out, or a subscription is over."""
        if said.id in self._inboxes:
            yield from self._not_joined(self._inboxes[said.id], said, now)
        elif said.id is not None:
            yield from self._not_done(self._pop(said.id), said, now)
        elif said.sub in self._inboxes and said.code == "gone":
            yield from self._over(self._inboxes[said.sub], said)
        else:
            yield Complaint(error_of(said))

    def _not_joined(self, inbox: Inbox, said: Error, now: float) -> Iterator[Event]:
        if said.code == "draining":
            inbox.stage = Stage.WAITING
        elif inbox.joined and said.retry_after is not None and not inbox.leaving:
            inbox.stage = Stage.WAITING
            inbox.retry_at = now + said.retry_after
            yield Complaint(error_of(said))
        else:
            yield from self._over(inbox, said)

    def _not_done(self, told: _Told | None, said: Error, now: float) -> Iterator[Event]:
        if told is not None and told.op == "ack":
            if told.inbox.stage is Stage.WAITING:  # it was not there: that is told again when it is
                told.inbox.ack_again(told.codes)
                return
            told.inbox.acked(told.codes, (), now)
        if told is None or told.inbox.stage is not Stage.OVER:
            yield Complaint(error_of(said))
        if told is not None and told.op == "unsubscribe" and told.inbox.stage is not Stage.OVER:
            yield from self._part(told.inbox) if told.inbox.stage is Stage.WAITING else self._over(told.inbox)

    def _pop(self, number: int) -> _Told | None:
        told = self._told.pop(number, None)
        if told is not None and told.op in _SETTLING:
            self._unanswered -= 1
        return told

    def drains(self) -> None:
        """The node deals no more. What was not handed out is left to the next."""
        self.open = False
        for inbox in self._inboxes.values():
            if inbox.acks:
                inbox.drop_waiting()

    def lost(self) -> Iterator[Event]:
        """The connection ended. What was done and not answered is told again."""
        self.open = False
        self._out.clear()
        told, self._told, self._unanswered = self._told, {}, 0
        for each in reversed(told.values()):
            if each.op == "ack":
                each.inbox.ack_again(each.codes)
        for inbox in list(self._inboxes.values()):
            inbox.lost()
            if inbox.leaving:
                yield from self._part(inbox)

    # ------------------------------------------------------------------------------------------------ time

    def deadline(self) -> float | None:
        """When `tick` is wanted, None for not at all."""
        inboxes = self._inboxes.values()
        times = [at for each in inboxes for at in (each.touch_at, each.retry_at, each.forget_at) if at is not None]
        return min(times, default=None)

    def tick(self, now: float) -> None:
        """Renew leases, and ask again for what was refused for a while."""
        for inbox in self._inboxes.values():
            if inbox.forget_at is not None and now >= inbox.forget_at:
                inbox.forget()
            if inbox.touch_at is not None and now >= inbox.touch_at:
                inbox.touch_all(now)
                self._stirred[inbox.sub] = inbox
            if inbox.retry_at is not None and now >= inbox.retry_at:
                if self.open:
                    self._ask(inbox)
                inbox.retry_at = None

    @property
    def settled(self) -> bool:
        """Whether all acks and nacks were answered."""
        return not self._unanswered and all(each.settled for each in self._inboxes.values())

    @property
    def unhurried(self) -> bool:
        """Likewise, and nothing is in hand; but for those that are not there on this connection."""
        there = [each for each in self._inboxes.values() if each.stage is not Stage.WAITING]
        return not self._unanswered and all(each.settled and not each.in_hand for each in there)


def error_of(said: Error) -> Refused:
    """What to raise for it."""
    return refused(said.code, said.message, said.index, said.retry_after)
