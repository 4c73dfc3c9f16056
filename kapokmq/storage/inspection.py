"""Looking for messages by what is in them, through a bounded number of them: a Search's way down.

The walk itself (searches.py) reads no body. Of those that it meets with the wanted status, bodies are looked into piece
by piece (MATCH), and only if a text is looked for at all.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from kapokmq.core.message import Message
from kapokmq.core.query import Mark, Search, SearchPage
from kapokmq.storage.rows import Reader, encoded
from kapokmq.storage.searches import Descent, Hit, Looked, Statement, stored

R = TypeVar("R")
PIECE = 8 << 20  # bytes of bodies that one statement looks into, or one body that is larger

# Parameters: ids as JSON; text, key, name and value of a header, as UTF-8 bytes, each of them null: any. Gives those
# ids that match. SQLite evaluates from left to right, so that bodies are read last.
MATCH = """
select cast(json_group_array(m.id) as blob)
from jsonb_each(cast(?1 as text)) as j cross join message as m on m.id = j.value
where
    (?3 is null or m.key = cast(?3 as text))
    and (?4 is null or exists (
        select 1 from json_each(case when json_valid(m.headers) then m.headers end) as h
        where h.key = cast(?4 as text) and (?5 is null or h.value = cast(?5 as text))
    ))
    and (?2 is null or instr(m.data, cast(?2 as text)))
"""

read_ids = Reader(list[int])


class Inspection:
    """One Search. While not `done`, run `slice` and hand what it gave to `looked`; each time run every `piece` as well.

    After that `hits` are to be fetched, for the `page`.
    """

    def __init__(self, search: Search, heads: list[tuple[int, int]]) -> None:
        self.hits: list[Hit] = []
        self._search = search
        self._descent = Descent(search, heads, search.after)
        self._left = search.look
        self._bytes = 0
        self._mark = search.after  # of what was looked at last
        self._rows: deque[Looked] = deque()  # of the slice, those that are still to be looked into
        self._piece: list[Looked] = []
        self._more = False  # there are messages that were seen and not looked at

    @property
    def done(self) -> bool:
        """Whether no more is to be looked at."""
        return self._full or self._left <= 0 or self._descent.ended

    def slice(self) -> Statement:
        """What to run next."""
        return self._descent.slice(self._left + 1, with_data=True)  # one more, to know whether there are more

    def looked(self, rows: list[Looked]) -> None:
        """Take in what the slice found."""
        self._descent.looked(rows)
        self._rows.extend(rows[: self._left])
        self._more = len(rows) > self._left
        self._left -= len(self._rows)

    def piece(self) -> Statement | None:
        """What to run in order to look into some of the messages of the slice; None when that is done with all."""
        search = self._search
        while self._rows and not self._full:
            self._piece = cut(self._rows, self._weigh)
            ids = [row.id for row in self._piece if self._descent.status(row) is not None]
            if ids and (search.text, search.key, search.header) != (None, None, None):
                name, value = search.header or (None, None)
                given = (as_bytes(search.text), as_bytes(search.key), as_bytes(name), as_bytes(value))
                return MATCH, (encoded(ids), *given)
            self.matched(ids)
        return None

    def matched(self, ids: list[int]) -> None:
        """Take in which messages of the piece match."""
        matching = set(ids)
        piece = deque(self._piece)
        while piece and not self._full:
            row = piece.popleft()
            self._mark = Mark(row.created, row.id)
            status = self._descent.status(row)
            if status is not None and row.id in matching:
                self.hits.append(Hit(row.id, status, row.consumed))
                self._bytes += row.size
        self._rows.extendleft(reversed(piece))

    def page(self, messages: Sequence[Message]) -> SearchPage:
        """The answer, once the messages of the hits are read; those that have gone since are left out."""
        more = self._more or bool(self._rows) or not self._descent.ended
        return SearchPage(stored(self.hits, messages), self._mark if more else None)

    @property
    def _full(self) -> bool:
        search = self._search
        return len(self.hits) >= search.limit or (self._bytes >= search.max_bytes and bool(self.hits))

    def _weigh(self, row: Looked) -> int:
        return row.size if self._search.text is not None and self._descent.status(row) is not None else 0


def cut(rows: deque[R], weigh: Callable[[R], int]) -> list[R]:
    """Take rows from the left until the bodies to look into amount to a piece."""
    piece: list[R] = []
    size = 0
    while rows and size < PIECE:
        row = rows.popleft()
        piece.append(row)
        size += weigh(row)
    return piece


def as_bytes(text: str | None) -> bytes | None:
    """Text as SQLite has it."""
    return None if text is None else text.encode("utf-8", "surrogatepass")
