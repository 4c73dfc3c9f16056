"""Answers to pings, and pings for others.

Whoever can forge a sender could make us send to anybody. So an answer goes to where a ping says only if that is where
we know its sender to be, else back to where it came from; and pings for others are limited by host and in number.
"""

from collections.abc import Callable
from dataclasses import dataclass

from serena.core.deadlines import Deadlines
from serena.core.swim.addresses import is_usable, plain
from serena.core.swim.gossip import Gossip
from serena.core.swim.members import Member, Table
from serena.core.swim.messages import Ack, Address, IndirectPing, Nack, Ping, Source
from serena.core.swim.outbox import Outbox
from serena.core.swim.profile import Profile
from serena.core.swim.rates import Rates

_MOST_RELAYS = 1024
_NACK_AFTER = 0.8  # of the time that an answer has: later ones come too late for whoever asked
_PINGS = (1000.0, 2000)  # answered a second and host, and at once
_RELAYS = (100.0, 200)  # likewise, pings for others


@dataclass(slots=True)
class _Relay:
    """A ping for somebody else. `nack`: a nack is still owed."""

    seq: int
    to: Address
    member: Member | None
    nack: bool
    until: float


class Answerer:
    """Answers pings, and asks others for those who can't reach them."""

    def __init__(
        self, profile: Profile, table: Table, gossip: Gossip, outbox: Outbox, next_seq: Callable[[], int],
        allowed: Callable[[bytes], bool],
    ) -> None:  # fmt: skip
        self._timeout = profile.probe_timeout
        self._table = table
        self._gossip = gossip
        self._outbox = outbox
        self._next_seq = next_seq
        self._allowed = allowed
        self._source = Source(table.me.address, table.me.name)
        self._relays: dict[int, _Relay] = {}
        self._deadlines: Deadlines[int] = Deadlines()
        self._pings = Rates(*_PINGS)
        self._asked = Rates(*_RELAYS)

    def ping(self, ping: Ping, source: Address, now: float) -> None:
        """Somebody asks whether we are there."""
        if ping.node and ping.node != self._table.me.name:
            self._outbox.dropped["wrongNode"] += 1
        elif not self._pings.allows(source.host, now):
            self._outbox.dropped["rate"] += 1
        else:
            self._outbox.counts["acks"] += 1
            to, member = self._asker(ping.source, source)
            self._gossip.send(to, Ack(ping.seq), member)

    def indirect_ping(self, asked: IndirectPing, source: Address, now: float) -> None:
        """Somebody asks us to ping another."""
        target = Address(asked.target.host, asked.target.port or self._table.me.address.port)
        if not is_usable(target.host) or not self._allowed(plain(target.host)):
            self._outbox.dropped["badAddress"] += 1
        elif len(self._relays) >= _MOST_RELAYS or not self._asked.allows(source.host, now):
            self._outbox.dropped["rate"] += 1
        else:
            self._outbox.counts["relays"] += 1
            seq = self._next_seq()
            to, member = self._asker(asked.source, source)
            self._relays[seq] = _Relay(asked.seq, to, member, asked.nack, now + self._timeout)
            self._deadlines.set(seq, now + self._timeout * _NACK_AFTER)
            known = self._table.by_name.get(asked.node)
            at = known if known is not None and known.address == target else None
            self._gossip.send(target, Ping(seq, asked.node, self._source), at)

    def acked(self, seq: int) -> bool:
        """An answer came. Gives whether it was to such a ping."""
        relay = self._relays.pop(seq, None)
        if relay is None:
            return False
        self._deadlines.discard(seq)
        self._gossip.send(relay.to, Ack(relay.seq), relay.member)
        return True

    def next_deadline(self) -> float | None:
        """When the first ping for another is overdue, in steady seconds."""
        return self._deadlines.next()

    def advance(self, now: float) -> None:
        """Say that there is no answer, and a little later wait for none any more."""
        for seq in self._deadlines.pop(now):
            relay = self._relays[seq]
            if relay.nack:
                relay.nack = False
                self._outbox.counts["nacks"] += 1
                self._gossip.send(relay.to, Nack(relay.seq), relay.member)
            if relay.until > now:
                self._deadlines.set(seq, relay.until)
            else:
                del self._relays[seq]

    def _asker(self, said: Source | None, source: Address) -> tuple[Address, Member | None]:
        """Where an answer goes, and to whom, if it is a member that we know."""
        if said is not None:
            member = self._table.by_name.get(said.name)
            ours = len(plain(self._table.me.address.host))
            if member is not None and member.address == said.address and len(plain(said.address.host)) == ours:
                return said.address, member
        return source, None
