"""Lists by name, a page at a time: an answer takes the same time however long the list is, and no turn for itself."""

import re
from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from kapokmq.core.names import LONGEST_NAME
from kapokmq.protocols.api.searching import Limit
from serena.web.refusals import BadRequest

MOST_TOPICS = 1_000  # that one page of groups looks through
A_TURN = 0.005  # seconds of a reactor's turn that are worked for one request

_LONGEST = len("255-") + 2 * LONGEST_NAME
_NAMES = re.compile(r"([0-9]{1,3})-(.*)", re.ASCII | re.DOTALL)

T = TypeVar("T")


class Turns:
    """How long a request has been worked for in this turn of the reactor."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._began = clock.seconds()

    async def rest(self) -> None:
        """Go on in the next turn, if this one has had its share."""
        if self._clock.seconds() - self._began >= A_TURN:
            await deferLater(self._clock, 0)
            self._began = self._clock.seconds()


class NamePage(msgspec.Struct, forbid_unknown_fields=True):
    """How many at most, and where to go on."""

    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=_LONGEST)] | None = None


def write_names(first: str, second: str) -> str:
    """Where a list goes on that is sorted by two names."""
    return f"{len(first)}-{first}{second}"


def read_names(cursor: str | None) -> tuple[str, str]:
    """The same back, two empty names for the beginning. Raises BadRequest."""
    if cursor is None:
        return "", ""
    found = _NAMES.fullmatch(cursor)
    if found is None or int(found[1]) > len(found[2]):
        raise BadRequest("cursor: is none that this list has given")
    length = int(found[1])
    return found[2][:length], found[2][length:]


def first_of(found: Sequence[T], limit: int) -> tuple[Sequence[T], T | None]:
    """The first of these, and the last of those, None where there are no more."""
    return found[:limit], found[limit - 1] if len(found) > limit else None
