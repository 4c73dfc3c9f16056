"""A consumer in a group, and what it holds."""

from collections import deque
from math import inf

from kapokmq.core.engine import Receiver
from kapokmq.core.message import Message


class Batch:
    """Messages dealt together: they share a deadline (steady seconds, None: none) until they are acknowledged.

    `open` counts the leases in it that have not ended, over all `members` that it was dealt to.
    """

    __slots__ = ("codes", "deadline", "members", "open")

    def __init__(self, members: "list[Member]", codes: list[str], deadline: float | None) -> None:
        self.members = members
        self.codes = codes
        self.deadline = deadline
        self.open = len(members) * len(codes)


Lease = tuple[Message, Batch]


class Member:
    """A receiver's place in a group, which is also its subscription.

    `credit` is how many more messages it may hold. One that `owes` nothing has acknowledged what was written to it.
    `flowing` is False while its transport takes no more. `leases` is what it holds, by code, in the order dealt.
    `backlog` is what a broadcast has assigned to it and not dealt yet.
    """

    __slots__ = ("backlog", "credit", "flowing", "leases", "owes", "receiver", "topic")

    def __init__(self, receiver: Receiver, topic: str, credit: int | None) -> None:
        self.receiver = receiver
        self.topic = topic
        self.owes = credit is not None
        self.credit: float = inf if credit is None else credit
        self.flowing = True
        self.leases: dict[str, Lease] = {}
        self.backlog: deque[Message] = deque()
