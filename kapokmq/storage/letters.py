"""Browsing a group's dead letters, ascending, through a bounded number of them."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from kapokmq.core.message import OFFSET_MASK, Message, make_id
from kapokmq.core.query import DeadLetter, DeadPage, DeadQuery
from kapokmq.storage.inspection import MATCH, as_bytes, cut
from kapokmq.storage.rows import Reader, encoded
from kapokmq.storage.searches import SLICE, Statement

# Parameters: group, first and last id, reason as UTF-8 bytes or null, before or null, limit. Gives the dead letters
# looked at: see Letter.
LETTERS = """
select cast(json_group_array(json_array(
    l.id, l.at, l.tries, case when l.wanted then l.reason else '' end, l.wanted,
    octet_length(m.data) + coalesce(octet_length(m.headers), 0) + 200
)) as blob)
from (
    select
        id, at, tries, reason, (?5 is null or at < ?5) and (?4 is null or instr(reason, cast(?4 as text)) > 0) as wanted
    from dead where grp = ?1 and id between ?2 and ?3 order by id limit ?6
) as l
cross join message as m on m.id = l.id
"""


class Letter(NamedTuple):
    """A dead letter without its message; `reason` is left out where it is not wanted. `size` as Message.size."""

    id: int
    at: int
    tries: int
    reason: str
    wanted: int
    size: int


read_letters = Reader(list[Letter])


class Browsing:
    """One DeadQuery. While not `done`, run `slice`, hand what it gave to `looked`; each time run every `piece` as well.

    After that the messages of `hits` are to be fetched, for the `page`.
    """

    def __init__(self, query: DeadQuery) -> None:
        self.hits: list[Letter] = []
        self._query = query
        self._next = make_id(query.topic, query.first)
        self._last = make_id(query.topic, OFFSET_MASK)
        self._left = query.look
        self._asked = 0
        self._ended = False
        self._bytes = 0
        self._rows: deque[Letter] = deque()  # of the slice, those that are still to be looked into
        self._piece: list[Letter] = []

    @property
    def done(self) -> bool:
        """Whether no more is to be looked at."""
        return self._full or self._left <= 0 or self._ended

    def slice(self) -> Statement:
        """What to run next."""
        query = self._query
        self._asked = min(SLICE, self._left + 1)  # one more, to know whether there are more
        return LETTERS, (query.group, self._next, self._last, as_bytes(query.reason), query.before, self._asked)

    def looked(self, rows: list[Letter]) -> None:
        """Take in what the slice found."""
        self._ended = len(rows) < self._asked
        self._rows.extend(rows[: self._left])
        self._left -= len(self._rows)

    def piece(self) -> Statement | None:
        """What to run in order to look into some of the messages of the slice; None when that is done with all."""
        while self._rows and not self._full:
            self._piece = cut(self._rows, self._weigh)
            ids = [row.id for row in self._piece if row.wanted]
            if ids and self._query.text is not None:
                return MATCH, (encoded(ids), as_bytes(self._query.text), None, None, None)
            self.matched(ids)
        return None

    def matched(self, ids: list[int]) -> None:
        """Take in which messages of the piece match."""
        matching = set(ids)
        piece = deque(self._piece)
        while piece and not self._full:
            row = piece.popleft()
            self._next = row.id + 1
            if row.id in matching:
                self.hits.append(row)
                self._bytes += row.size
        self._rows.extendleft(reversed(piece))

    def page(self, messages: Sequence[Message]) -> DeadPage:
        """The answer, once the messages of the hits are read; those that have gone since are left out."""
        by_id = {message.id: message for message in messages}
        found = [DeadLetter(by_id[hit.id], hit.at, hit.tries, hit.reason) for hit in self.hits if hit.id in by_id]
        more = bool(self._rows) or not self._ended
        return DeadPage(found, self._next & OFFSET_MASK if more else None)

    @property
    def _full(self) -> bool:
        query = self._query
        return len(self.hits) >= query.limit or (self._bytes >= query.max_bytes and bool(self.hits))

    def _weigh(self, row: Letter) -> int:
        return row.size if row.wanted and self._query.text is not None else 0
