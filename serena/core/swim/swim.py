"""SWIM with Lifeguard as one pure machine: messages and time in; datagrams, streams and events out.

The shell feeds what comes (`receive`, `serve`, `stream_done`, `stream_failed`), fetches what is to be done
(`outgoing`, `streams`, `events`) after every call, and calls `advance` when `next_deadline` is reached. The parts:

    membership  what is held of each member, and which news are believed
    probing     finds out who does not answer
    answering   answers pings, and pings for others
    gossip      tells the news
    syncing     exchanges all with one other, over streams

Times are steady seconds. Nothing that a peer says raises an error; what is refused is counted by reason in `dropped`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from math import inf
from types import MappingProxyType

from serena.core.errors import MisuseError
from serena.core.swim.addresses import is_usable, plain
from serena.core.swim.admission import MOST_META, Admission
from serena.core.swim.answering import Answerer
from serena.core.swim.awareness import Awareness
from serena.core.swim.chance import Chance
from serena.core.swim.events import Event, Left, Updated, UserData
from serena.core.swim.gossip import Gossip
from serena.core.swim.lost import Lost
from serena.core.swim.members import Identity, Member, Table
from serena.core.swim.membership import Membership
from serena.core.swim.messages import (
    Ack,
    Address,
    Alive,
    Dead,
    Exchange,
    IndirectPing,
    Message,
    Nack,
    Ping,
    PushPull,
    State,
    Suspect,
    UserMessage,
)
from serena.core.swim.outbox import Datagram, OpenStream, Outbox, Purpose
from serena.core.swim.probing import Prober
from serena.core.swim.profile import Profile
from serena.core.swim.syncing import Syncer
from serena.core.swim.versions import compatible

_SEQ = 2**32 - 1
_LONGEST_NAME = 255
_LAST_PORT = 65_535
_VERSIONS = 6


def _anybody(_host: bytes) -> bool:
    return True


class Swim:
    """One node of a pool.

    `overhead` is how many bytes of a datagram of `size` are not for messages: label and encryption. `allowed` says
    which hosts may take part (4 or 16 bytes; IPv4 always in 4). `adopt_delegates`: see syncing. Of more than
    `most_members` the later ones are not let in.
    """

    def __init__(  # noqa: PLR0913 -- a node has so many sides
        self, identity: Identity, profile: Profile, *, random: Chance, overhead: int = 0, size: int = 1400,
        adopt_delegates: bool = False, allowed: Callable[[bytes], bool] = _anybody, most_members: int = 10_000,
    ) -> None:  # fmt: skip
        _check(identity)
        self._profile = profile
        self._random = random
        self._allowed = allowed
        self.me = Member(identity.name, identity.address, identity.meta, identity.versions, 1, State.ALIVE, 0.0)
        self._out = out = Outbox()
        numbers = count(random.getrandbits(32))  # so that nobody can guess which answers we wait for

        def next_seq() -> int:
            return next(numbers) & _SEQ

        self._awareness = Awareness(profile.awareness_most)
        self._table = table = Table(self.me, random)
        lost = Lost(profile.reconnect_for, random)
        self._gossip = gossip = Gossip(profile, table, out, room=size - overhead)
        admission = Admission(table, out, allowed=allowed, most_members=most_members)
        self._membership = Membership(profile, table, gossip, self._awareness, admission, lost, out)
        self._prober = Prober(profile, table, gossip, self._membership, self._awareness, out, next_seq)
        self._answerer = Answerer(profile, table, gossip, out, next_seq, allowed)
        self._syncer = Syncer(profile, table, self._membership, lost, out, random, adopts=adopt_delegates)

    # ------------------------------------------------------------------------------------------------- what comes

    def start(self, now: float) -> None:
        """Take part from now on."""
        self.me.since = now
        self._membership.announce()
        self._gossip.start(now, self._random)
        self._prober.start(now, self._random)
        self._syncer.start(now)

    def receive(self, messages: Iterable[Message], source: Address, now: float) -> None:
        """The messages of a datagram."""
        if not self._allowed(plain(source.host)):
            self._out.dropped["notAllowed"] += 1
            return
        for message in messages:
            match message:
                case Alive():
                    self._membership.alive(message, now)
                case Ping():
                    self._answerer.ping(message, source, now)
                case Ack() | Nack():
                    self._answered(message, now)
                case Suspect():
                    self._membership.suspect(message, now)
                case Dead():
                    self._membership.dead(message, now)
                case IndirectPing():
                    self._answerer.indirect_ping(message, source, now)
                case _:
                    self._out.events.append(UserData(message.data, source))

    def serve(self, exchange: Exchange, source: Address, now: float) -> Ack | PushPull | None:
        """What a peer asks over a stream. Gives the answer; None: just close."""
        if not self._allowed(plain(source.host)):
            self._out.dropped["notAllowed"] += 1
        elif isinstance(exchange, PushPull):
            return self._syncer.asked(exchange, now)
        elif isinstance(exchange, Ping):
            if exchange.node in (b"", self.me.name):
                self._out.counts["acks"] += 1
                return Ack(exchange.seq)
            self._out.dropped["wrongNode"] += 1
        elif isinstance(exchange, UserMessage):
            if exchange.data:
                self._out.events.append(UserData(exchange.data, source))
        else:
            self._out.dropped["unsolicited"] += 1
        return None

    def join(self, address: Address, now: float) -> None:
        """Get to know whom that one knows. A Contacted event tells how it went."""
        self._syncer.join(address, now)

    def stream_done(self, stream: OpenStream, answer: Exchange, now: float) -> None:
        """A stream of ours was answered."""
        if stream.purpose is not Purpose.PROBE:
            self._syncer.done(stream, answer, now)
        elif isinstance(answer, Ack):
            self._prober.acked_by_stream(answer.seq, now)

    def stream_failed(self, stream: OpenStream, reason: str, now: float) -> None:
        """A stream of ours could not be opened, or was not answered in time."""
        if stream.purpose is not Purpose.PROBE:
            self._syncer.failed(stream, reason)

    # ---------------------------------------------------------------------------------------------- what is wanted

    def leave(self, now: float) -> None:
        """Say that we go; there is no way back. Go on until `has_left`, better a second longer."""
        if not self._membership.has_left:
            self._membership.leave(now)
            self._out.events.append(Left(self.me))

    @property
    def has_left(self) -> bool:
        """Whether enough others were told that we go, or there are none."""
        return self._membership.has_left and (self._table.alone or not self._gossip.tells_of(self.me.name))

    def update_meta(self, meta: bytes, now: float) -> None:
        """Change our metadata. More than 512 bytes: MisuseError."""
        if len(meta) > MOST_META:
            raise MisuseError(f"metadata of {len(meta)} bytes is too long")
        if meta != self.me.meta and not self._membership.has_left:
            self._membership.change(meta=meta)
            self._out.events.append(Updated(self.me))

    def broadcast(self, data: bytes, now: float) -> None:
        """Tell all others something. What fits no datagram: MisuseError."""
        self._gossip.spread_data(data)

    # ------------------------------------------------------------------------------------------------------- time

    def next_deadline(self) -> float | None:
        """When to call `advance`, in steady seconds; None before `start`."""
        deadline = min(self._prober.next_deadline(), self._syncer.next_deadline())
        for part in (self._gossip, self._membership, self._answerer):
            theirs = part.next_deadline()
            if theirs is not None and theirs < deadline:
                deadline = theirs
        return None if deadline == inf else deadline

    def advance(self, now: float) -> None:
        """Do what is due."""
        if now - self._prober.next_deadline() > self._profile.probe_interval:
            self._overslept(now)
        self._answerer.advance(now)
        self._prober.advance(now)
        self._membership.advance(now)
        self._syncer.advance(now)
        self._gossip.advance(now)

    # ---------------------------------------------------------------------------------------- what is to be done

    def outgoing(self) -> list[Datagram]:
        """The datagrams to send now."""
        return self._out.take_datagrams()

    def streams(self) -> list[OpenStream]:
        """The streams to open now; each ends in one `stream_done` or `stream_failed`."""
        return self._out.take_streams()

    def events(self) -> list[Event]:
        """What has happened."""
        return self._out.take_events()

    # ----------------------------------------------------------------------------------------------- what is known

    @property
    def members(self) -> Mapping[bytes, Member]:
        """Everybody whom we know by name, ourselves, the dead and those who left included. A view."""
        return MappingProxyType(self._table.by_name)

    @property
    def counters(self) -> Counter[str]:
        """What was done: probes, acks, nacks, suspicions, refutations, failures and so on."""
        return self._out.counts

    @property
    def dropped(self) -> Counter[str]:
        """What was refused, by reason."""
        return self._out.dropped

    @property
    def health(self) -> int:
        """0: all is well; above, we seem to be slow ourselves (see awareness)."""
        return self._awareness.score

    # --------------------------------------------------------------------------------------------------- in detail

    def _answered(self, answer: Ack | Nack, now: float) -> None:
        if isinstance(answer, Nack):
            waited = self._prober.nacked(answer.seq)
        else:
            waited = self._prober.acked(answer.seq, now) or self._answerer.acked(answer.seq)
        if not waited:
            self._out.counts["late"] += 1

    def _overslept(self, now: float) -> None:
        """The process was stopped, or has too much to do: answers may lie unread, so nobody else is to blame."""
        self._out.counts["overslept"] += 1
        self._awareness.add(1)
        self._prober.abandon(now)
        self._membership.postpone(now + self._profile.probe_interval)


def _check(identity: Identity) -> None:
    """Whether we may say that of ourselves: what others would refuse, or stumble over, is our mistake."""
    if not 1 <= len(identity.name) <= _LONGEST_NAME:
        raise MisuseError("a name has 1 to 255 bytes")
    if not is_usable(identity.address.host) or not 1 <= identity.address.port <= _LAST_PORT:
        raise MisuseError("the address of a node must be one that others reach it at")
    if len(identity.meta) > MOST_META:
        raise MisuseError(f"metadata of {len(identity.meta)} bytes is too long")
    if len(identity.versions) != _VERSIONS or not compatible(identity.versions, identity.versions):
        raise MisuseError("versions are six bytes, twice minimum, maximum and what is spoken between them")
