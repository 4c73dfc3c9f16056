"""What a broker owes to whom, kept in the plainest way: sets of texts, one a group.

A text is a message's body, and no two messages have the same one. `Books` is what a commit makes durable, `World` the
rest: who is connected, who holds what, and what the clocks say.
"""

from dataclasses import dataclass, field

from kapokmq.core.pattern import matches

DEFAULT = "default"
DISCONNECTED, TIMED_OUT, NACKED = "disconnected", "timed out", "nacked"
PENDING, CONFIRMED, DUPLICATE, REFUSED, LOST = "pending", "confirmed", "duplicate", "refused", "lost"


@dataclass(eq=False, repr=False)
class Text:
    """One message, as its publisher gave it, and what became of it. Times in wall milliseconds."""

    body: str
    topic: int  # which one of that name, if it was deleted and made again
    name: str
    delay: int
    expire_in: int
    key: str | None
    headers: str | None
    created: int = 0
    bucket: int = 0  # the window of keys that it falls into
    state: str = PENDING
    code: str = ""

    def __repr__(self) -> str:
        return f"<{self.body} {self.name} {self.state} {self.code[16:]}>"


@dataclass(eq=False, repr=False)
class Share:
    """A group of a topic: what it was not due from the start, what it is done with, what it tries."""

    topic: str
    name: str | None
    broadcast: bool = False
    paused: bool = False
    skipped: set[Text] = field(default_factory=set)
    done: set[Text] = field(default_factory=set)
    dead: set[Text] = field(default_factory=set)
    tries: dict[Text, int] = field(default_factory=dict)
    retry: dict[Text, tuple[float, int]] = field(default_factory=dict)  # not before (steady, wall)
    # Of this life only:
    failed: set[Text] = field(default_factory=set)  # a late acknowledgement counts
    again: set[Text] = field(default_factory=set)  # sent again: comes out of order

    def __repr__(self) -> str:
        return f"<{self.topic} {self.name}>"

    def owes(self, text: Text) -> bool:
        return text not in self.skipped and text not in self.done and text not in self.dead

    def finish(self, text: Text) -> None:
        self.done.add(text)
        self.tries.pop(text, None)
        self.failed.discard(text)
        self.dead.discard(text)

    def revive(self, text: Text) -> None:
        self.dead.discard(text)
        self.again.add(text)

    def copy(self) -> "Share":
        return Share(
            self.topic,
            self.name,
            self.broadcast,
            self.paused,
            set(self.skipped),
            set(self.done),
            set(self.dead),
            dict(self.tries),
            dict(self.retry),
        )


@dataclass(eq=False)
class Books:
    """What is to survive a crash once it is committed."""

    topics: dict[str, int] = field(default_factory=dict)
    deleting: set[str] = field(default_factory=set)  # topics
    shares: dict[tuple[str, str], Share] = field(default_factory=dict)
    patterns: set[tuple[str, str]] = field(default_factory=set)
    gone: set[Text] = field(default_factory=set)
    consumed: set[Text] = field(default_factory=set)
    dues: dict[Text, int] = field(default_factory=dict)

    def of(self, topic: str) -> list[Share]:
        return [share for (name, _), share in self.shares.items() if name == topic]

    def copy(self) -> "Books":
        return Books(
            dict(self.topics),
            set(self.deleting),
            {key: share.copy() for key, share in self.shares.items()},
            set(self.patterns),
            set(self.gone),
            set(self.consumed),
            dict(self.dues),
        )


@dataclass(eq=False)
class Lease:
    text: Text
    topic: str
    until: float | None  # steady seconds


@dataclass(eq=False, repr=False)
class Reader:
    """Somebody connected. `places` are the topics where it has one; private groups live here."""

    consumer: object
    pattern: str
    group: str | None
    left: float
    owes: bool = True
    renews: bool = True
    flowing: bool = True
    level: float = 0
    watching: bool = False
    places: dict[str, Share] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    got: set[Text] = field(default_factory=set)
    acked: set[Text] = field(default_factory=set)
    last: dict[Share, int] = field(default_factory=dict)  # the id of the last one that it was dealt in order

    def __repr__(self) -> str:
        return f"<{self.pattern} {self.group} holds {[lease.text.body for lease in self.leases.values()]}>"

    @property
    def open(self) -> bool:
        return self.left > 0 and self.flowing

    def wants(self, topic: str) -> bool:
        return self.watching and matches(self.pattern, topic)

    def give(self) -> None:
        if self.renews:
            self.left += 1
