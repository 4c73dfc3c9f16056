"""Where a list goes on: short texts that mean nothing to clients, who hand them back as they came."""

import re

from kapokmq.core.query import Mark
from serena.web.refusals import BadRequest

LONGEST = 40  # characters

_ONE = re.compile(r"[0-9]{1,18}", re.ASCII)
_TWO = re.compile(r"([0-9]{1,18})-([0-9]{1,19})", re.ASCII)
_LARGEST = (1 << 63) - 1


def write_pair(first: int, second: int) -> str:
    """Where a list goes on that is sorted by time and id."""
    return f"{first}-{second}"


def read_pair(cursor: str) -> Mark:
    """The same back. Raises BadRequest."""
    found = _TWO.fullmatch(cursor)
    if found is None or int(found[2]) > _LARGEST:
        raise _unknown()
    return Mark(int(found[1]), int(found[2]))


def write_offset(offset: int | None) -> str | None:
    """Where a list goes on that is sorted by offset; None where it does not."""
    return None if offset is None else str(offset)


def read_offset(cursor: str | None) -> int:
    """The same back. Raises BadRequest."""
    if cursor is None:
        return 0
    if _ONE.fullmatch(cursor) is None:
        raise _unknown()
    return int(cursor)


def _unknown() -> BadRequest:
    return BadRequest("cursor: is none that this list has given")
