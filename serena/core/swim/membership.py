"""What is held of each member: alive, suspected, dead, left. News come in, are believed or not, and are told on."""

from serena.core.deadlines import Deadlines
from serena.core.swim.admission import Admission
from serena.core.swim.awareness import Awareness
from serena.core.swim.events import Conflict, Failed, Joined, Left, Recovered, Suspected, Updated
from serena.core.swim.gossip import Gossip
from serena.core.swim.lost import Lost
from serena.core.swim.members import Member, Table
from serena.core.swim.messages import Address, Alive, Dead, State, Suspect
from serena.core.swim.outbox import Outbox
from serena.core.swim.profile import Profile, suspicion_timeout
from serena.core.swim.rates import Rates
from serena.core.swim.suspicion import Suspicion

LAST_INCARNATION = 2**32 - 1
FARTHEST = 2**20  # incarnations: more than an earlier life gets through
_INSISTENCE = (5.0, 10)  # times a second that we repeat our word to one accuser, and at once
_NOBODY = State.DEAD  # what a member is before its first word is believed


class Membership:
    """The rules by which news change the table.

    An incarnation is a member's own count of its words about itself: of two statements the higher one holds, and of
    equal ones the worse. Only the member itself raises it, when it is accused, or has something new to say.

    Since it must outdo its accusers, one forged accusation could bring it near the last incarnation, after which there
    is nothing to refute with. So an accusation from more than FARTHEST above what is known is ignored, and counted.
    """

    def __init__(
        self,
        profile: Profile,
        table: Table,
        gossip: Gossip,
        awareness: Awareness,
        admission: Admission,
        lost: Lost,
        outbox: Outbox,
    ) -> None:
        self.me = table.me
        self._profile = profile
        self._table = table
        self._gossip = gossip
        self._awareness = awareness
        self._admission = admission
        self._lost = lost
        self._outbox = outbox
        self._insistence = Rates(*_INSISTENCE)
        self._suspicions: dict[bytes, Suspicion] = {}
        self._deadlines: Deadlines[bytes] = Deadlines()

    @property
    def has_left(self) -> bool:
        """Whether we have said that we go."""
        return self.me.state is State.LEFT

    # ------------------------------------------------------------------------------------------- news about others

    def alive(self, said: Alive, now: float, *, tell: bool = True) -> None:
        """Somebody says that a member lives, there, with those properties. Not to `tell`: whoever there is knows."""
        said = said if said.address.port else said._replace(address=Address(said.address.host, self.me.address.port))
        known = self._table.by_name.get(said.node)
        if known is None:
            if not self._admission.admits(said):
                return
            known = Member(said.node, said.address, b"", said.versions, 0, _NOBODY, now)
            self._table.add(known)
        elif known is self.me and self.has_left:
            return
        elif known.address != said.address:
            if not self._is_free(known, now):
                self._outbox.dropped["conflict"] += 1
                self._outbox.events.append(Conflict(known, said.address))
                return
            if not self._admission.admits(said):
                return
        elif known is self.me:
            self._told_of_me(said)
            return
        elif said.incarnation <= known.incarnation or not self._admission.admits(said):
            return
        self._believe(known, said, now, tell=tell)

    def suspect(self, said: Suspect, now: float) -> None:
        """Somebody says that a member does not answer."""
        member = self._table.by_name.get(said.node)
        if member is None or said.incarnation < member.incarnation:
            self._insist(said, now)
            return
        if self._is_far(said.incarnation, member):
            return
        suspicion = self._suspicions.get(said.node)
        if suspicion is not None:
            if suspicion.confirm(said.sender, now + self._profile.probe_interval):
                self._outbox.counts["confirmations"] += 1
                self._deadlines.set(said.node, suspicion.due)
                self._gossip.spread(said)
            return
        if member.state is not State.ALIVE:
            return
        if member is self.me:
            self._refute(said.incarnation)
            return
        self._gossip.spread(said)
        member.incarnation = said.incarnation
        self._turn(member, State.SUSPECT, now)
        self._watch(member, said.sender, now)
        self._outbox.counts["suspicions"] += 1
        self._outbox.events.append(Suspected(member))

    def dead(self, said: Dead, now: float) -> None:
        """Somebody says that a member is dead, or it says itself that it leaves."""
        member = self._table.by_name.get(said.node)
        if member is None or said.incarnation < member.incarnation:
            self._insist(said, now)
            return
        if not member.is_live or self._is_far(said.incarnation, member):
            return
        if member is self.me:
            self._refute(said.incarnation)
            return
        self._clear(said.node)
        self._gossip.spread(said)
        member.incarnation = said.incarnation
        if said.sender == said.node:
            self._turn(member, State.LEFT, now)
            self._lost.discard(said.node)
            self._outbox.events.append(Left(member))
        else:
            self._turn(member, State.DEAD, now)
            self._lost.add(member.name, member.address, now)
            self._outbox.counts["failures"] += 1
            self._outbox.events.append(Failed(member))

    def next_deadline(self) -> float | None:
        """When somebody is to be warned, or dead, in steady seconds."""
        return self._deadlines.next()

    def advance(self, now: float) -> None:
        """Whoever has been suspected for too long is dead; whoever soon will be is told so, as it may not know."""
        for name in self._deadlines.pop(now):
            suspicion, member = self._suspicions[name], self._table.by_name[name]
            if suspicion.deadline <= now:
                self.dead(Dead(name, member.incarnation, self.me.name), now)
            else:
                suspicion.warned(now)
                self._deadlines.set(name, suspicion.due)
                self._gossip.send(member.address, Suspect(name, member.incarnation, self.me.name), member)

    def postpone(self, until: float) -> None:
        """We heard nothing for a while, through our own fault: nobody is dead before that time."""
        for name, suspicion in self._suspicions.items():
            suspicion.extend(until)
            self._deadlines.set(name, suspicion.due)

    # -------------------------------------------------------------------------------------------------- about us

    def announce(self) -> None:
        """Tell all what we are."""
        self._gossip.spread(self.me.alive())

    def change(self, *, meta: bytes | None = None, versions: bytes | None = None) -> None:
        """We have other properties from now on."""
        me = self.me
        me.meta = me.meta if meta is None else meta
        me.versions = me.versions if versions is None else versions
        me.incarnation = min(me.incarnation + 1, LAST_INCARNATION)
        self.announce()

    def leave(self, now: float) -> None:
        """We go. From now on we contradict nobody."""
        self._turn(self.me, State.LEFT, now)
        self._gossip.spread(Dead(self.me.name, self.me.incarnation, self.me.name))

    def _told_of_me(self, said: Alive) -> None:
        """A word about us comes back, or an older life of ours is remembered."""
        me = self.me
        if said.incarnation < me.incarnation:
            return
        if self._is_far(said.incarnation, me):
            return
        if said.incarnation > me.incarnation or (said.meta or b"", said.versions) != (me.meta, me.versions):
            self._refute(said.incarnation)

    def _refute(self, accused: int) -> None:
        """Something else is said of us: tell all what is the case, under an incarnation that outdoes it."""
        if accused >= LAST_INCARNATION:
            self._outbox.dropped["lastIncarnation"] += 1
            return
        self.me.incarnation = min(max(self.me.incarnation, accused) + 1, LAST_INCARNATION)
        self._awareness.add(1)
        self._outbox.counts["refutations"] += 1
        self.announce()

    def _insist(self, said: Suspect | Dead, now: float) -> None:
        """Somebody accuses us of what we have refuted, so our word did not reach it: say it again, to that one."""
        accuser = self._table.by_name.get(said.sender)
        if said.node != self.me.name or accuser is None or accuser is self.me or self.has_left:
            return
        if self._insistence.allows(said.sender, now):
            self._outbox.counts["insisted"] += 1
            self._gossip.send(accuser.address, self.me.alive(), accuser)

    # --------------------------------------------------------------------------------------------------- in detail

    def _is_far(self, incarnation: int, member: Member) -> bool:
        """Whether a member can't have come that far since we heard of it."""
        if incarnation - member.incarnation <= FARTHEST:
            return False
        self._outbox.dropped["farIncarnation"] += 1
        return True

    def _is_free(self, known: Member, now: float) -> bool:
        """Whether the name of a member may go to another address."""
        reclaim = self._profile.reclaim
        return known.state is State.LEFT or (known.state is State.DEAD and 0 < reclaim < now - known.since)

    def _believe(self, member: Member, said: Alive, now: float, *, tell: bool) -> None:
        """A member is what is said of it."""
        self._clear(member.name)
        before, meta = member.state, said.meta or b""
        changed = member.meta != meta
        member.address, member.meta, member.incarnation = said.address, meta, said.incarnation
        member.versions = said.versions or member.versions
        if tell:
            self._gossip.spread(member.alive())
        if before is not State.ALIVE:
            self._turn(member, State.ALIVE, now)
        if before is State.SUSPECT:
            self._outbox.events.append(Recovered(member))
        if before in (State.DEAD, State.LEFT):
            self._lost.discard(member.name)
            self._outbox.events.append(Joined(member))
        elif changed:
            self._outbox.events.append(Updated(member))

    def _watch(self, member: Member, accuser: bytes, now: float) -> None:
        """A suspicion begins."""
        profile, n = self._profile, len(self._table)
        wanted = profile.suspicion_mult - 2
        shortest = suspicion_timeout(profile.suspicion_mult, n, profile.probe_interval)
        suspicion = Suspicion(
            accuser, now, wanted=wanted if n - 2 >= wanted else 0,
            shortest=shortest, longest=profile.suspicion_max_mult * shortest,
            gap=profile.probe_interval,
        )  # fmt: skip
        self._suspicions[member.name] = suspicion
        self._deadlines.set(member.name, suspicion.due)

    def _clear(self, name: bytes) -> None:
        """A suspicion is over."""
        if self._suspicions.pop(name, None) is not None:
            self._deadlines.discard(name)

    @staticmethod
    def _turn(member: Member, state: State, now: float) -> None:
        member.state = state
        member.since = now
