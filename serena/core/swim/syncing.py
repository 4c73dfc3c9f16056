"""Push/pull: all that two nodes know, exchanged over a stream; to join, and every now and then."""

from collections.abc import Iterable, Sequence
from math import inf

from serena.core.swim.chance import Chance
from serena.core.swim.events import Contacted
from serena.core.swim.lost import Lost
from serena.core.swim.members import Member, Table
from serena.core.swim.membership import Membership
from serena.core.swim.messages import Address, Alive, Dead, Entry, Err, Exchange, PushPull, State, Suspect
from serena.core.swim.outbox import OpenStream, Outbox, Purpose
from serena.core.swim.profile import Profile, push_pull_scale
from serena.core.swim.versions import agree, compatible


class Syncer:
    """Opens push/pulls, answers those of others, and merges what comes.

    With `adopts`, a node that has met nobody yet takes over the delegate versions of its first peer, before it tells
    anybody its own: a program above that minds them (serf) refuses others, and one wrong member makes the
    push/pulls of all others fail. So it first asks without saying who it is.

    It may ask several at once. The first whose versions differ decides; from when it tells somebody its own until that
    is answered it changes them no more, and where nobody takes it in it is what it was before. Others of ours that know
    nobody speak what we do, for want of anything better: they must not keep us from a pool that we are about to hear
    of. So while somebody has not answered yet, for a probe interval after the first question, whoever decides nothing
    waits to be joined, and is not let in.
    """

    def __init__(
        self, profile: Profile, table: Table, membership: Membership, lost: Lost, outbox: Outbox, chance: Chance,
        *, adopts: bool,
    ) -> None:  # fmt: skip
        self._profile = profile
        self._table = table
        self._membership = membership
        self._lost = lost
        self._outbox = outbox
        self._chance = chance
        self._adopts = adopts
        self._default = table.me.versions
        self._silent: set[Address] = set()  # who was asked, and has not answered yet
        self._waiting: list[Address] = []  # who has, and is joined later
        self._patient_until = inf
        self._joining = 0  # streams by which we have told who we are
        self._next = inf
        self._settling = inf  # how long to wait between two, while that is less than usual
        self._next_look = inf

    def start(self, now: float) -> None:
        """Begin, at any moment of the first interval."""
        self._next = now + self._chance.random() * self._profile.push_pull_interval
        self._next_look = now + self._chance.random() * self._profile.reconnect_interval

    def join(self, address: Address, now: float) -> None:
        """Get to know whom that one knows. A Contacted tells how it went."""
        if self._membership.has_left:
            self._outbox.events.append(Contacted(address, ok=False, reason="this node has left"))
        elif self._adopts and not self._table.has_met:
            self._patient_until = min(self._patient_until, now + self._profile.probe_interval)
            self._silent.add(address)
            self._open(address, PushPull(join=True, entries=()), Purpose.ASK, now)
        else:
            self._tell(address, now)

    def asked(self, request: PushPull, now: float) -> PushPull | None:
        """Another node exchanges with us. Gives what we know, without what we have just learnt; None: not yet."""
        self._adopt(request.entries)
        if request.entries and self._is_patient(now):
            self._outbox.dropped["notYet"] += 1
            return None
        answer = PushPull(request.join, self._all())
        self._outbox.counts["pushPullsAnswered"] += 1
        self._merge(request.entries, now)
        return answer

    def done(self, stream: OpenStream, answer: Exchange, now: float) -> None:
        """A push/pull of ours was answered."""
        if isinstance(answer, Err):
            self.failed(stream, f"refused: {answer.text}")
        elif not isinstance(answer, PushPull):
            self.failed(stream, "not a push/pull in answer")
        elif stream.purpose is Purpose.ASK:
            self._silent.discard(stream.to)
            self._waiting.append(stream.to)
            self._adopt(answer.entries)
            self._tell_waiting(now)
        else:
            reason = self._merge(answer.entries, now)
            if reason:
                self.failed(stream, reason)
            elif stream.purpose is Purpose.JOIN:
                self._joined()
                self._settle(now)
                self._outbox.events.append(Contacted(stream.to, ok=True))

    def failed(self, stream: OpenStream, reason: str) -> None:
        """A push/pull of ours came to nothing."""
        self._outbox.counts["failedPushPulls"] += 1
        if stream.purpose is Purpose.JOIN:
            self._joined()
        if stream.purpose in (Purpose.ASK, Purpose.JOIN):
            self._outbox.events.append(Contacted(stream.to, ok=False, reason=reason))

    def next_deadline(self) -> float:
        """When to exchange with somebody next, in steady seconds."""
        return min(self._next, self._next_look, self._patient_until if self._waiting else inf)

    def advance(self, now: float) -> None:
        """Exchange with a member drawn by lot, and look for one that is lost, each if it is time."""
        self._tell_waiting(now)
        if self._next <= now:
            usual = push_pull_scale(self._profile.push_pull_interval, len(self._table))
            self._settling = min(2 * self._settling, usual)
            self._next = now + self._settling
            for member in self._table.sample(1, _is_alive):
                self._open(member.address, PushPull(join=False, entries=self._all()), Purpose.SYNC, now)
        if self._next_look <= now:
            self._next_look = now + self._profile.reconnect_interval
            if self._lost and not self._membership.has_left:
                address = self._lost.draw(sum(1 for _ in self._table.others()), now)
                if address is not None:
                    self._open(address, PushPull(join=False, entries=self._all()), Purpose.RECONNECT, now)

    def _settle(self, now: float) -> None:
        """We have just joined. Who came at the same time may have been told of before anybody knew us: ask soon."""
        self._settling = self._profile.probe_interval
        self._next = min(self._next, now + (0.5 + self._chance.random()) * self._settling)

    def _open(self, address: Address, request: PushPull, purpose: Purpose, now: float) -> None:
        self._outbox.counts["pushPulls"] += 1
        self._outbox.streams.append(OpenStream(address, request, now + self._profile.stream_timeout, purpose))

    def _all(self) -> tuple[Entry, ...]:
        """Everybody whom we know, the dead too."""
        return tuple(
            Entry(each.name, each.incarnation, each.address, each.state, each.meta or None, each.versions)
            for each in self._table.by_name.values()
        )

    def _tell(self, address: Address, now: float) -> None:
        """Join by that address, as who we are now."""
        self._joining += 1
        self._open(address, PushPull(join=True, entries=self._all()), Purpose.JOIN, now)

    def _tell_waiting(self, now: float) -> None:
        """Join those who have answered, if there is nothing to wait for any more."""
        while self._waiting and not self._is_patient(now):
            self._tell(self._waiting.pop(0), now)

    def _joined(self) -> None:
        """One attempt to join has ended. If none has led to anything, we are free again to speak otherwise."""
        self._joining -= 1
        if self._is_free and self._table.me.versions != self._default:
            self._membership.change(versions=self._default)

    @property
    def _is_free(self) -> bool:
        """Whether nobody has heard our versions."""
        return self._adopts and not self._table.has_met and not self._joining

    def _is_patient(self, now: float) -> bool:
        """Whether somebody else may still decide which versions we speak."""
        undecided = self._is_free and self._table.me.versions == self._default
        return undecided and bool(self._silent) and now < self._patient_until

    def _adopt(self, entries: Iterable[Entry]) -> None:
        """Speak as the others do, if nobody has heard us yet."""
        if not self._is_free:
            return
        ours = self._table.me
        for entry in entries:
            if entry.state == State.ALIVE and entry.name != ours.name and not compatible(entry.versions, ours.versions):
                versions = ours.versions[:3] + entry.versions[3:6]
                if compatible(entry.versions, versions):
                    self._outbox.counts["adoptedVersions"] += 1
                    self._membership.change(versions=versions)
                return

    def _merge(self, entries: Sequence[Entry], now: float) -> str:
        """Take over what another knows. Gives why not, if so: the pool has others in it than we fit to.

        memberlist refuses all where one member does not fit; we leave out that one, unless it fits to us but to
        nobody else.
        """
        me = self._table.me
        fits = {versions: compatible(versions, me.versions) for versions in {entry.versions for entry in entries}}
        alive = [entry for entry in entries if entry.state == State.ALIVE and entry.name != me.name]
        fitting = {entry.versions for entry in alive if fits[entry.versions]}
        if not agree(fitting | {me.versions} | {member.versions for member in self._table.others()}):
            self._outbox.dropped["incompatible"] += 1
            return "the versions in that pool do not fit each other"
        tell = not self._table.alone  # whoever comes to a pool has no news of it for anybody
        for entry in entries:
            self._apply(entry, now, tell=tell)
        if alive and not any(entry.name in self._table.by_name for entry in alive):
            return "nobody there may be in a pool with us"
        return ""

    def _apply(self, entry: Entry, now: float, *, tell: bool) -> None:
        """One member as another sees it. Whom that one holds dead, we only suspect."""
        if entry.state == State.ALIVE:
            said = Alive(entry.name, entry.incarnation, entry.address, entry.meta, entry.versions)
            self._membership.alive(said, now, tell=tell)
        elif entry.state == State.LEFT:
            self._membership.dead(Dead(entry.name, entry.incarnation, entry.name), now)
        elif entry.state in (State.SUSPECT, State.DEAD):
            self._membership.suspect(Suspect(entry.name, entry.incarnation, self._table.me.name), now)


def _is_alive(member: Member) -> bool:
    return member.state is State.ALIVE
