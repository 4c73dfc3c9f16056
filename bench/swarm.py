"""Many SWIM machines in one process: a clock that leaps from event to event, a network that loses what it is told to.

Everything is drawn from one seed, so that a run can be had again. Times are seconds of that clock, which begins at 0.
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import heappop, heappush
from itertools import count as numbers
from random import Random

from serena.core.swim.events import Contacted, Failed, Joined, Left, Recovered, Suspected, Updated
from serena.core.swim.members import Identity
from serena.core.swim.messages import Address, PushPull, State
from serena.core.swim.profile import LAN
from serena.core.swim.swim import Swim
from serena.core.swim.versions import PROTOCOL
from serena.core.swim.wire import bodies

VERSIONS = PROTOCOL + bytes(3)
_RESEND = 0.2  # seconds until TCP sends a lost segment again; doubled each time
_SEGMENTS = 5  # one after the other, until a short exchange is done
_CHECKSUM = 5  # bytes
_ENTRY = 110  # bytes or so of a member in a push/pull


@lru_cache(maxsize=1 << 16)
def _read(part):
    return bodies.decode(part)


@dataclass(eq=False)
class Node:
    """A machine, whether it runs, and when it is to be woken."""

    name: bytes
    address: Address
    machine: Swim
    up: bool = True
    armed: float | None = None
    again: dict = field(default_factory=dict)  # seconds, by the address of whoever is to be joined


@dataclass
class Traffic:
    """What was sent: datagrams, their bytes, and streams with theirs."""

    datagrams: int = 0
    bytes: int = 0
    streams: int = 0
    stream_bytes: int = 0


class Swarm:
    """A pool of `count` nodes that don't know each other yet (see `gather`).

    `loss`: the share of datagrams that get lost, and of TCP's segments, which are sent again. `latency`: seconds one
    way, from and to. `options` go to every machine.
    """

    def __init__(self, count=0, *, seed=1, profile=LAN, loss=0.0, latency=(0.0002, 0.002), **options):
        self.random = Random(seed)  # noqa: S311 -- a simulation
        self.profile = profile
        self.loss = loss
        self.now = 0.0
        self.nodes = {}
        self.log = []
        self.traffic = Traffic()
        self._at = {}
        self._latency = latency
        self._options = options
        self._sides = {}
        self._heap = []
        self._order = numbers()
        for _ in range(count):
            self.add()

    # ------------------------------------------------------------------------------------------------------- nodes

    def add(self, name=None, *, meta=b"", versions=VERSIONS, address=None, **options):
        """One more node, which has started and knows nobody."""
        number = len(self.nodes)
        name = name or b"node-%d" % number
        address = address or Address(bytes((10, 0, number >> 8, number & 255)), 7946)
        identity = Identity(name, address, meta, versions)
        random = Random(self.random.random())  # noqa: S311 -- likewise
        machine = Swim(identity, self.profile, random=random, **{**self._options, **options})
        node = self.nodes[name] = self._at[address] = Node(name, address, machine)
        machine.start(self.now)
        self._fetch(node)
        return node

    def join(self, node, other, again=None):
        """A node joins by another's address; if that fails, once more after so many seconds, for ever."""
        if again is not None:
            node.again[other.address] = again
        self._join(node, other.address)

    def gather(self, over=2.0, within=120.0):
        """All join by the first, spread over some seconds; run until everybody knows everybody. Gives how long."""
        begin, nodes = self.now, list(self.nodes.values())
        for number, node in enumerate(nodes[1:], 1):
            self.at(begin + over * number / len(nodes), lambda node=node: self.join(node, nodes[0]))
        return self.run_until(lambda: self.now > begin + over and self.is_whole(), within, every=0.1)

    def kill(self, node):
        """A node is gone without a word."""
        node.up = False

    def leave(self, node, within=10.0):
        """A node says that it goes, and then does. Gives how long it told others."""
        node.machine.leave(self.now)
        self._fetch(node)
        took = self.run_until(lambda: node.machine.has_left, within)
        self.kill(node)
        return took

    def restart(self, node):
        """A node that was killed, or left, comes back under its name and address, remembering nothing."""
        self.kill(node)
        return self.add(node.name, meta=node.machine.me.meta, versions=node.machine.me.versions, address=node.address)

    def cut(self, nodes):
        """These nodes reach each other, and the others each other, but neither the other side."""
        self._sides = {node.address: True for node in nodes}

    def heal(self):
        """The network is one again."""
        self._sides = {}

    def call(self, node, what):
        """Do something to a node's machine: `what(machine, now)`."""
        what(node.machine, self.now)
        self._fetch(node)

    # -------------------------------------------------------------------------------------------------------- time

    def at(self, when, what):
        """Call something at that time."""
        heappush(self._heap, (when, next(self._order), what))

    def run(self, seconds):
        """Let that much time pass."""
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            self.now, _, what = heappop(self._heap)
            what()
        self.now = end

    def run_until(self, condition, within, every=0.02):
        """Let time pass until something is the case. Gives how long it took; AssertionError if too long."""
        begin = self.now
        while not condition():
            assert self.now - begin < within, f"not within {within} s"
            self.run(every)
        return self.now - begin

    # ------------------------------------------------------------------------------------------------ what is known

    @property
    def up(self):
        """The nodes that run."""
        return [node for node in self.nodes.values() if node.up]

    def is_whole(self):
        """Whether all nodes that run hold each other alive, and nobody else."""
        names = {node.name for node in self.up}
        return all(self.alive(node) == names for node in self.up)

    @staticmethod
    def alive(node):
        """The names that a node holds alive, or suspects."""
        return {name for name, member in node.machine.members.items() if member.state <= State.SUSPECT}

    def states(self, name):
        """What those who run hold of a member: a Counter of states, None where it is unknown."""
        found = (node.machine.members.get(name) for node in self.up if node.name != name)
        return Counter(None if member is None else member.state for member in found)

    def seen(self, kind, name, since=0.0):
        """When nodes, by name, first saw this happen to a member."""
        seen = {}
        for when, who, event in self.log:
            if when >= since and isinstance(event, kind) and event.member.name == name:
                seen.setdefault(who, when)
        return seen

    def count(self, kind, since=0.0):
        """How often something was seen, by anybody."""
        return sum(when >= since and isinstance(event, kind) for when, _, event in self.log)

    # ----------------------------------------------------------------------------------------------------- the wires

    def _join(self, node, address):
        if node.up:
            node.machine.join(address, self.now)
            self._fetch(node)

    def _fetch(self, node):
        """Do what a machine wants, and wake it when it says so."""
        machine = node.machine
        for datagram in machine.outgoing():
            self._send(node, datagram)
        for stream in machine.streams():
            self._open(node, stream)
        for event in machine.events():
            if isinstance(event, _LOGGED):
                self.log.append((self.now, node.name, event))
            elif isinstance(event, Contacted) and not event.ok and event.address in node.again:
                self.at(self.now + node.again[event.address], lambda to=event.address: self._join(node, to))
        deadline = machine.next_deadline()
        if deadline is not None and deadline != node.armed:
            node.armed = deadline
            self.at(max(deadline, self.now), lambda: self._wake(node, deadline))

    def _wake(self, node, deadline):
        if node.up and node.armed == deadline:
            node.armed = None
            node.machine.advance(self.now)
            again = node.machine.next_deadline()
            assert again is None or again > self.now, "a machine that wants to be called for ever"
            self._fetch(node)

    def _send(self, node, datagram):
        size = sum(map(len, datagram.parts)) + _CHECKSUM * datagram.crc
        if len(datagram.parts) > 1:
            size += 2 + 2 * len(datagram.parts)
        assert 1 <= len(datagram.parts) <= 127
        assert all(datagram.parts)
        self.traffic.datagrams += 1
        self.traffic.bytes += size
        if not self._reaches(node.address, datagram.to) or self.random.random() < self.loss:
            return
        messages = [_read(part) for part in datagram.parts]
        self.at(self._delay(), lambda: self._receive(datagram.to, messages, node.address))

    def _receive(self, to, messages, source):
        node = self._at.get(to)
        if node is not None and node.up:
            node.machine.receive(messages, source, self.now)
            self._fetch(node)

    def _open(self, node, stream):
        self.traffic.streams += 1
        self._count(stream.request)
        took = 0.0
        for _ in range(_SEGMENTS):
            took += self.random.uniform(*self._latency)
            wait = _RESEND
            while self.random.random() < self.loss:
                took += wait
                wait *= 2
        if self._reaches(node.address, stream.to) and self.now + took < stream.deadline:
            self.at(self.now + took, lambda: self._serve(node, stream))
        elif self._reaches(node.address, stream.to) and stream.to in self._at and not self._at[stream.to].up:
            self.at(self.now + took, lambda: self._failed(node, stream))  # refused at once
        else:
            self.at(stream.deadline, lambda: self._failed(node, stream))

    def _serve(self, node, stream):
        other = self._at.get(stream.to)
        if not node.up:
            return
        answer = None
        if other is not None and other.up:
            answer = other.machine.serve(stream.request, node.address, self.now)
            self._fetch(other)
        if answer is None:
            self._failed(node, stream)
            return
        self._count(answer)
        node.machine.stream_done(stream, answer, self.now)
        self._fetch(node)

    def _failed(self, node, stream):
        if node.up:
            node.machine.stream_failed(stream, "no answer", self.now)
            self._fetch(node)

    def _count(self, exchange):
        self.traffic.stream_bytes += _ENTRY * len(exchange.entries) if isinstance(exchange, PushPull) else 60

    def _delay(self):
        return self.now + self.random.uniform(*self._latency)

    def _reaches(self, one, other):
        return self._sides.get(one, False) == self._sides.get(other, False)


_LOGGED = (Joined, Updated, Suspected, Recovered, Failed, Left)
