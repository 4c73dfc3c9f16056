"""A machine alone with a test, which plays all the others, the network and the clock."""

import json
from pathlib import Path
from random import Random

from serena.core.swim.members import Identity
from serena.core.swim.messages import Address, Alive, State
from serena.core.swim.profile import LAN
from serena.core.swim.swim import Swim
from serena.core.swim.versions import PROTOCOL
from serena.core.swim.wire.bodies import decode

VERSIONS = PROTOCOL + bytes(3)
FORMULAS = json.loads((Path(__file__).parents[3] / "vectors/memberlist-vectors.json").read_text())["formulas"]
US = b"us"


def at(number):
    """The address of the nth node."""
    return Address(bytes((10, 0, 0, number)), 7946)


HERE = at(1)


ELSEWHERE = at(99)


def alive(name, number, incarnation=1, *, meta=None, versions=VERSIONS):
    """What the nth node says of itself."""
    return Alive(name, incarnation, at(number), meta, versions)


class Lone:
    """The machine is `swim`, its name US, its address HERE; it starts at 100 seconds unless told not to."""

    def __init__(self, *, profile=LAN, seed=1, versions=VERSIONS, meta=b"", start=True, **options):
        self.now = 100.0
        self.swim = Swim(Identity(US, HERE, meta, versions), profile, random=Random(seed), **options)  # noqa: S311 -- a script
        if start:
            self.swim.start(self.now)

    def hear(self, *messages, source=ELSEWHERE):
        """A datagram comes."""
        self.swim.receive(messages, source, self.now)

    def meet(self, *names):
        """These nodes are alive, at addresses from 2 up; what that makes us do is thrown away."""
        self.hear(*(alive(name, number) for number, name in enumerate(names, 2)))
        self.swim.events()
        self.swim.outgoing()

    def sent(self):
        """What was sent since the last time: pairs of address and messages."""
        return [(one.to, [decode(part) for part in one.parts]) for one in self.swim.outgoing()]

    def told(self, kind):
        """The first message of each datagram since the last time that is of that kind."""
        return [(to, messages[0]) for to, messages in self.sent() if isinstance(messages[0], kind)]

    def events(self):
        """What happened since the last time, by the names of the classes."""
        return [type(event).__name__ for event in self.swim.events()]

    def run(self, seconds, each=lambda: None):
        """Let time pass, calling the machine whenever it wants, and then `each`."""
        end = self.now + seconds
        while (deadline := self.swim.next_deadline()) is not None and deadline <= end:
            self.now = max(deadline, self.now)
            self.swim.advance(self.now)
            each()
        self.now = end

    def until(self, kind, within=60.0):
        """Let time pass until something of that kind is sent. Gives all such of that moment."""
        end = self.now + within
        while True:
            found = [(to, message) for to, messages in self.sent() for message in messages if isinstance(message, kind)]
            if found:
                return found
            deadline = self.swim.next_deadline()
            assert deadline is not None and deadline <= end, f"no {kind.__name__} within {within} s"
            self.now = max(deadline, self.now)
            self.swim.advance(self.now)

    def member(self, name):
        """What is held of that one."""
        return self.swim.members.get(name)

    def state(self, name) -> State | None:
        """Likewise, its state only; None where it is unknown."""
        member = self.member(name)
        return None if member is None else member.state
