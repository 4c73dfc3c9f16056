"""Finding out who is gone: one member at a time is pinged, first by us, then through others and over a stream."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from serena.core.swim.awareness import Awareness
from serena.core.swim.chance import Chance
from serena.core.swim.events import Forgotten
from serena.core.swim.gossip import Gossip
from serena.core.swim.members import Member, Table
from serena.core.swim.membership import Membership
from serena.core.swim.messages import IndirectPing, Ping, Source, State, Suspect
from serena.core.swim.outbox import Datagram, OpenStream, Outbox, Purpose
from serena.core.swim.profile import Profile
from serena.core.swim.versions import CHECKSUMS, NACKS, TCP_PINGS, understands
from serena.core.swim.wire.bodies import encode


@dataclass(slots=True)
class _Probe:
    """The one under way. `direct_until`: when others are asked, inf once they have been; `over`: when it has failed."""

    seq: int
    member: Member
    incarnation: int
    began: float
    direct_until: float
    over: float
    nacks_wanted: int = 0
    nacks: int = 0


class Prober:
    """Probes every interval, at most one member at a time."""

    def __init__(
        self, profile: Profile, table: Table, gossip: Gossip, membership: Membership, awareness: Awareness,
        outbox: Outbox, next_seq: Callable[[], int],
    ) -> None:  # fmt: skip
        self._profile = profile
        self._table = table
        self._gossip = gossip
        self._membership = membership
        self._awareness = awareness
        self._outbox = outbox
        self._next_seq = next_seq
        self._source = Source(table.me.address, table.me.name)
        self._next = inf
        self._probe: _Probe | None = None

    def start(self, now: float, chance: Chance) -> None:
        """Begin, at any moment of the first interval."""
        self._next = now + chance.random() * self._profile.probe_interval

    def next_deadline(self) -> float:
        """When something is to be done, in steady seconds."""
        probe = self._probe
        return self._next if probe is None else min(probe.direct_until, probe.over)

    def advance(self, now: float) -> None:
        """Do what is due: ask others, give up, begin anew. What came due during a probe follows it at once."""
        probe = self._probe
        if probe is not None and probe.direct_until <= now:
            self._ask_others(probe)
        if probe is not None and probe.over <= now:
            self._give_up(probe, now)
        if self._probe is None and self._next <= now:
            self._next += self._profile.probe_interval
            if self._next <= now:
                self._next = now + self._profile.probe_interval
            self._begin(now)

    def abandon(self, now: float) -> None:
        """We slept: what was not answered meanwhile says nothing about others."""
        self._probe = None
        self._next = now + self._profile.probe_interval

    def acked(self, seq: int, now: float) -> bool:
        """An answer came, direct or not. Gives whether it was waited for."""
        probe = self._probe
        if probe is None or probe.seq != seq:
            return False
        if probe.direct_until < inf:
            probe.member.timed(now - probe.began)
        self._succeed(now)
        return True

    def nacked(self, seq: int) -> bool:
        """Somebody whom we asked has no answer either, but has told us so."""
        probe = self._probe
        if probe is None or probe.seq != seq:
            return False
        probe.nacks += 1
        return True

    def acked_by_stream(self, seq: int, now: float) -> None:
        """The member answers over a stream."""
        if self._probe is not None and self._probe.seq == seq:
            self._outbox.counts["streamPings"] += 1
            self._succeed(now)

    def _begin(self, now: float) -> None:
        """Ping whose turn it is."""

        def wrapped() -> None:
            for member in self._table.forget(now - self._profile.gossip_to_dead):
                self._gossip.forget(member.name)
                self._outbox.events.append(Forgotten(member))

        member = self._table.next_probed(wrapped)
        if member is None:
            return
        over = now + self._awareness.scale(self._profile.probe_interval)
        seq, incarnation = self._next_seq(), member.incarnation
        self._probe = _Probe(seq, member, incarnation, now, now + self._profile.probe_timeout, over)
        self._outbox.counts["probes"] += 1
        ping = Ping(seq, member.name, self._source)
        if member.state is State.ALIVE:
            self._gossip.send(member.address, ping, member)
            return
        # It should be the first to know what is said of it.
        suspect = Suspect(member.name, incarnation, self._table.me.name)
        parts = (encode(ping), encode(suspect))
        self._outbox.datagrams.append(Datagram(member.address, parts, understands(member.versions, CHECKSUMS)))

    def _ask_others(self, probe: _Probe) -> None:
        """No answer: perhaps the network between us is to blame, or datagrams are."""
        probe.direct_until = inf
        member = probe.member

        def helps(other: Member) -> bool:
            return other.state is State.ALIVE and other is not member

        for other in self._table.sample(self._profile.indirect_checks, helps):
            nack = understands(other.versions, NACKS)
            probe.nacks_wanted += nack
            self._outbox.counts["indirectPings"] += 1
            self._gossip.send(
                other.address, IndirectPing(probe.seq, member.name, member.address, nack, self._source), other
            )
        if self._profile.tcp_pings and understands(member.versions, TCP_PINGS):
            ping = Ping(probe.seq, member.name, self._source)
            self._outbox.streams.append(OpenStream(member.address, ping, probe.over, Purpose.PROBE))

    def _succeed(self, now: float) -> None:
        """All is well. The next probe may have been due long ago: we waited, and did not sleep."""
        self._probe = None
        self._next = max(self._next, now)
        self._awareness.add(-1)

    def _give_up(self, probe: _Probe, now: float) -> None:
        """Suspect it. Where those whom we asked don't answer either, the fault may be ours."""
        self._probe = None
        self._outbox.counts["failedProbes"] += 1
        self._awareness.add(max(0, probe.nacks_wanted - probe.nacks) if probe.nacks_wanted else 1)
        self._membership.suspect(Suspect(probe.member.name, probe.incarnation, self._table.me.name), now)
