"""One v2 client over all its connections: what it published and is owed, what it is subscribed to, what it has to say.

    connected ─▶ take ─▶ frames out      frames in ─▶ received ─▶ events      lost ─▶ events, then `backoff.failed`

All that is pending when a connection ends is sent again on the next, under the same session and numbers, in order: so
it is stored once, whether the broker had it or not. What a node refuses because it drains stays pending as well.
Pending is bounded (`Bounds`): who publishes asks for `room` first, and waits where there is none. Subscriptions are
asked for again on each connection, by the same `sub`.

There is no I/O, no clock and no chance: times are seconds of any steady clock, and are handed in. WebSocket pings find
out that a connection is dead, which is the face's to see to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.checks import check_text
from kapokmq.core.client.events import Confirmed, Connected, Denied, Draining, Event, Failed
from kapokmq.core.client.frames import HELLO, Deliver, Drain, Error, Ok, Said, Welcome, decode, encode_hello
from kapokmq.core.client.inbox import Inbox, Terms
from kapokmq.core.client.message import Publish, Receipt
from kapokmq.core.client.outbox import Bounds, Outbox
from kapokmq.core.client.subscriptions import Subscriptions, error_of
from kapokmq.core.errors import BadName
from kapokmq.core.names import check_name

__all__ = ["Bounds", "ClientSession", "Greeting", "first_number"]

_TURN = 1 << 18  # bytes of publishes that are taken at a time
_NUMBERS = 10  # bits: numbers that a millisecond has
_LONGEST_KEY = 8192  # bytes: a hello has no room for much more


@dataclass(frozen=True, slots=True)
class Greeting:
    """Who we are. `session` is a name drawn at random by whoever makes the client, or one that lasts.

    Raises TypeError and ValueError for what no hello can say.
    """

    session: str
    key: str | None = field(default=None, repr=False)
    name: str | None = None

    def __post_init__(self) -> None:
        for what, value in (("session", self.session), ("name", self.name)):
            if value is not None:
                check_text(value, what)
                try:
                    check_name(value, what)
                except BadName as error:
                    raise ValueError(str(error)) from None
        if self.key is not None:
            check_text(self.key, "key")
            if len(self.key.encode()) > _LONGEST_KEY:
                raise ValueError(f"key: is longer than {_LONGEST_KEY} bytes")


def first_number(now: float) -> int:
    """Where a client begins to count that is made at `now`, unix seconds.

    Above all that one of the same session has used before, as long as it published less than 1,000,000 a second; so
    what is published after a restart is never held to be what was published before it.
    """
    return max(HELLO + 1, int(now * 1000) << _NUMBERS)


class ClientSession:
    """Frames in, events out; what is asked for in, frames out. `live`: welcomed. `draining`: the node stops.

    Numbers count from `first`.
    """

    def __init__(
        self,
        greeting: Greeting,
        backoff: Backoff,
        bounds: Bounds = Bounds(),  # noqa: B008
        first: int = HELLO + 1,
    ) -> None:
        self._greeting = greeting
        self._numbers = count(first)
        self._outbox = Outbox(bounds)
        self._subscriptions = Subscriptions(self._numbers)
        self._first: list[bytes] = []
        self.backoff = backoff
        self.live = False
        self.draining = False

    # ---------------------------------------------------------------------------------------------- wishes

    def check(self, publish: Publish) -> None:
        """Raise Refused for what the node would not take, whenever it came."""
        self._outbox.check(publish)

    def room(self, publish: Publish) -> bool:
        """Whether it may be pending now."""
        return self._outbox.room(publish)

    def publish(self, publish: Publish) -> int:
        """Want it stored. Gives its number, by which it is Confirmed or Denied, once."""
        number = next(self._numbers)
        self._outbox.add(number, publish)
        return number

    def withdraw(self, number: int) -> bool:
        """Want it no more. True if it was not written, and never will be; False if it is too late."""
        return self._outbox.withdraw(number)

    def owes(self, number: int) -> bool:
        """Whether this connection may still bring its answer."""
        return self._outbox.owes(number)

    def abandon(self, number: int) -> None:
        """Ask no more for it, since somebody else is asked. If it was written, it may be stored all the same."""
        self._outbox.answered(number)

    def subscribe(self, topic: str, terms: Terms) -> Inbox:
        """Want messages. Raises TypeError, ValueError and Refused for what makes no sense."""
        return self._subscriptions.subscribe(topic, terms)

    def set_credit(self, inbox: Inbox, credit: int) -> None:
        """Set how many messages it may hold; without acks, how many may wait here. Raises TypeError and ValueError."""
        self._subscriptions.set_credit(inbox, credit)

    def unsubscribe(self, inbox: Inbox) -> list[Event]:
        """Want no more messages, once what was acknowledged is told."""
        return list(self._subscriptions.unsubscribe(inbox))

    def stir(self, inbox: Inbox) -> None:
        """Something was said about its messages, or taken from it: `take` should look."""
        self._subscriptions.stir(inbox)

    # ------------------------------------------------------------------------------------------------- out

    def connected(self) -> None:
        """There is a connection: say hello."""
        who = self._greeting
        self._first = [encode_hello(who.session, who.key, who.name)]

    def take(self, most: int = _TURN) -> list[bytes]:
        """Frames to be written: what there is to say, and publishes of about so many bytes. Nothing: []."""
        taken, self._first = self._first, []
        if self.live:
            taken += self._subscriptions.take()
            if not self.draining:
                taken += self._outbox.take(most)
        return taken

    # -------------------------------------------------------------------------------------------------- in

    def received(self, frame: bytes, now: float) -> list[Event]:
        """Read a frame. Raises BadEncoding: then the connection should be closed."""
        return list(self._said(decode(frame), now))

    def _said(self, said: Said | None, now: float) -> Iterator[Event]:
        if isinstance(said, Ok):
            self.backoff.worked()
            if self._outbox.answered(said.id):
                yield Confirmed(said.id, Receipt(said.codes, said.durable, said.duplicates, said.resent))
            else:
                yield from self._subscriptions.answered(said, now)
        elif isinstance(said, Deliver):
            self.backoff.worked()
            yield from self._subscriptions.delivered(said)
        elif isinstance(said, Error):
            yield from self._refused(said, now)
        elif isinstance(said, Welcome):
            yield from self._welcomed(said)
        elif isinstance(said, Drain):
            yield from self._drains(said.reason)

    def _welcomed(self, said: Welcome) -> Iterator[Event]:
        self.live, self.draining = True, False
        yield Connected(said.node)
        for number, error in self._outbox.welcomed(said.limits):
            yield Denied(number, error)
        self._subscriptions.welcomed()

    def _refused(self, said: Error, now: float) -> Iterator[Event]:
        if not self.live and said.retry_after is None:
            yield Failed(error_of(said))
            return
        if said.code == "draining":
            yield from self._drains(said.message)
            if said.id is not None and self._outbox.postponed(said.id):
                return
        elif said.id is not None and self._outbox.answered(said.id):
            yield Denied(said.id, error_of(said))
            return
        yield from self._subscriptions.refused(said, now)

    def _drains(self, reason: str) -> Iterator[Event]:
        if not self.draining:
            self.draining = True
            self._subscriptions.drains()
            yield Draining(reason)

    def lost(self) -> list[Event]:
        """The connection ended, or there was none. `backoff.failed` says when to try again."""
        self.live = self.draining = False
        self._first = []
        return list(self._subscriptions.lost())

    # ------------------------------------------------------------------------------------------------ time

    def deadline(self) -> float | None:
        """When `tick` is wanted, None for not at all."""
        return self._subscriptions.deadline()

    def tick(self, now: float) -> None:
        """Renew leases, and ask again for what was refused for a while. `take` then has more."""
        self._subscriptions.tick(now)

    @property
    def pending(self) -> int:
        """Messages that are neither confirmed nor refused."""
        return self._outbox.messages

    @property
    def settled(self) -> bool:
        """Whether nothing is pending, and all acks and nacks were answered."""
        return not self._outbox.messages and self._subscriptions.settled

    @property
    def dispensable(self) -> bool:
        """Whether a node that drains has nothing more for us: the connection may be closed."""
        return self.draining and not self._outbox.owed and self._subscriptions.unhurried
