"""Telling the news: to a few members at random every now and then, and on the back of whatever else is sent."""

from serena.core.errors import MisuseError
from serena.core.swim.broadcasts import Broadcasts
from serena.core.swim.chance import Chance
from serena.core.swim.members import Member, Table
from serena.core.swim.messages import Address, Alive, Dead, Message, State, Suspect, UserMessage
from serena.core.swim.outbox import Datagram, Outbox
from serena.core.swim.profile import Profile, retransmit_limit
from serena.core.swim.versions import CHECKSUMS, understands
from serena.core.swim.wire.bodies import encode

_MOST_PARTS = 127  # old peers misread more
_HEAD = 2  # bytes of a compound,
_LENGTH = 2  # and of each of its parts
_CHECKSUM = 5
_MOST_USER = 1024  # messages of the program above that wait


class Gossip:
    """What is to be told, and to whom. `room` is what a datagram has for messages, in bytes.

    While there is nothing to tell it has no deadline. What then comes goes out at once, and what follows an interval
    later: a single piece of news runs through the cluster as fast as the network, many still share datagrams.
    """

    def __init__(self, profile: Profile, table: Table, outbox: Outbox, *, room: int) -> None:
        self._profile = profile
        self._table = table
        self._outbox = outbox
        self._room = room
        self._next = 0.0
        self._news = Broadcasts()
        self._user = Broadcasts()

    def start(self, now: float, chance: Chance) -> None:
        """Begin to tell, at any moment of the first interval."""
        self._next = now + chance.random() * self._profile.gossip_interval

    def spread(self, message: Alive | Suspect | Dead) -> None:
        """Tell all, instead of what was to be told about the same member."""
        data = encode(message)
        if len(data) > self._room - _HEAD - _LENGTH - _CHECKSUM:
            self._outbox.dropped["tooLong"] += 1  # it would never leave, and stay for ever
            return
        self._news.put(data, message.node)

    def spread_data(self, data: bytes) -> None:
        """Tell all something of the program above. Too much for a datagram: MisuseError."""
        message = encode(UserMessage(data))
        if len(message) > self._room - _HEAD - _LENGTH - _CHECKSUM:
            raise MisuseError(f"a message of {len(data)} bytes fits no datagram")
        self._user.put(message)
        self._outbox.dropped["queueFull"] += self._user.prune(_MOST_USER)

    def forget(self, name: bytes) -> None:
        """Nobody knows that member any more, so that there is never news about more members than are known."""
        self._news.discard(name)

    def tells_of(self, name: bytes) -> bool:
        """Whether there is news about that member still to be told."""
        return self._news.tells_of(name)

    def send(self, to: Address, message: Message, member: Member | None = None) -> None:
        """Send a message; to a member also some news."""
        part = encode(message)
        crc = member is not None and understands(member.versions, CHECKSUMS)
        if member is None:
            self._outbox.datagrams.append(Datagram(to, (part,), crc))
            return
        extras = self._taken(self._room - _LENGTH - len(part) - _CHECKSUM, _MOST_PARTS - 1)
        self._outbox.datagrams.append(Datagram(to, (part, *extras), crc))

    def next_deadline(self) -> float | None:
        """When to tell what there is, in steady seconds."""
        if len(self._table) == 1 or not (self._news or self._user):
            return None
        return self._next

    def advance(self, now: float) -> None:
        """Tell a few of the others, if it is time."""
        deadline = self.next_deadline()
        if deadline is None or deadline > now:
            return
        self._next = now + self._profile.gossip_interval
        dead_since = now - self._profile.gossip_to_dead

        def listens(member: Member) -> bool:
            return member.is_live or (member.state is State.DEAD and member.since >= dead_since)

        for member in self._table.sample(self._profile.gossip_nodes, listens):
            parts = self._taken(self._room - _CHECKSUM, _MOST_PARTS)
            if not parts:
                break
            crc = understands(member.versions, CHECKSUMS)
            self._outbox.datagrams.append(Datagram(member.address, tuple(parts), crc))

    def _taken(self, room: int, most: int) -> list[bytes]:
        """News for one datagram, then what else there is."""
        if not (self._news or self._user):
            return []
        limit = retransmit_limit(self._profile.retransmit_mult, len(self._table))
        room -= _HEAD
        taken = self._news.take(room, overhead=_LENGTH, limit=limit, most=most)
        if self._user and len(taken) < most:
            room -= sum(map(len, taken)) + _LENGTH * len(taken)
            taken += self._user.take(room, overhead=_LENGTH, limit=limit, most=most - len(taken))
        return taken
