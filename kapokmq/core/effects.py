"""What a broker wants done: values for the engine to carry out, in the order given."""

from collections.abc import Sequence
from typing import NamedTuple

from kapokmq.core.group import Group
from kapokmq.core.member import Member
from kapokmq.core.peers import Delivery, Publisher, Receipt, Receiver
from kapokmq.core.topic import Topic


class Confirm(NamedTuple):
    """Tell a publisher that these are stored as the node promises."""

    publisher: Publisher
    receipts: Sequence[Receipt]


class Refuse(NamedTuple):
    """Tell a publisher that these are not stored, and forgotten."""

    publisher: Publisher
    receipts: Sequence[Receipt]
    reason: Exception


class Deliver(NamedTuple):
    """Write this batch out to each of these members."""

    members: Sequence[Member]
    delivery: Delivery


class Dismiss(NamedTuple):
    """Tell a receiver that nothing comes any more."""

    receiver: Receiver
    reason: Exception


class ReadPage(NamedTuple):
    """Read a topic's messages from the store: ids from `first` to before `end`. Answer with `Arrivals.page_read`."""

    topic: Topic
    group: Group
    first: int
    end: int


class FetchMessages(NamedTuple):
    """Read messages by id. Answer with `Arrivals.fetched`."""

    topic: Topic
    group: Group
    ids: list[int]


class LoadSchedule(NamedTuple):
    """Read the next delayed messages after (due, id). Answer with `Arrivals.schedule_loaded`."""

    after: tuple[int, int]
    limit: int


class Sweep(NamedTuple):
    """Read what is old in a topic, from the id `first` on. Answer with `Broker.swept`.

    `every`: also what was delayed, because all of it, or the oldest, is to go.
    """

    topic: Topic
    first: int
    before: int
    limit: int
    every: bool = False


class SweepDelayed(NamedTuple):
    """Read what was delayed and is old. Answer with `Broker.swept_apart`."""

    before: int
    limit: int


class SweepExpired(NamedTuple):
    """Read what has expired. Answer with `Broker.swept_apart`."""

    before: int
    limit: int


Effect = (
    Confirm | Refuse | Deliver | Dismiss | ReadPage | FetchMessages | LoadSchedule | Sweep | SweepDelayed | SweepExpired
)
