"""How a Commit becomes a statement: its lists as JSON, in the order of the columns of `incoming` (commit.sql)."""

from collections.abc import Sequence
from itertools import pairwise

import apsw

from kapokmq.core.commit import Commit, Duplicate, KeyRow, Outcome, RemovedRow
from kapokmq.core.ranges import RangeSet, runs_of
from kapokmq.storage.keys import Keys
from kapokmq.storage.rows import Reader, encoded

COLUMNS = 25
COMMIT = f"insert into incoming values ({', '.join(f'cast(?{n} as text)' for n in range(1, COLUMNS + 1))})"  # noqa: S608
KEYS_AT = 3  # of the others: the columns that keys.py fills stand before this one
RUNS_AT = 5
REMOVED_AT = 16

# Parameter: topics as JSON. What the last commit's duplicates are, and how many bytes these topics take after it.
OUTCOME = """
select cast(json_array(
    json((select json_group_array(json_array(id, original, epoch) order by id) from duplicate)),
    json((
        select json_group_array(json_array(number, bytes))
        from topic where number in (select value from json_each(cast(?1 as text)))
    ))
) as blob)
"""

_read_outcome = Reader(tuple[list[Duplicate], list[tuple[int, int]]])


class Handed:
    """A commit as it was handed in, ready for the thread that writes."""

    def __init__(self, commit: Commit) -> None:
        lists: tuple[Sequence[object], ...] = (
            commit.topics,
            commit.groups,
            commit.patterns,
            commit.nexts,
            commit.publishes,
            (),  # the runs of their ids
            commit.sent,
            commit.dues,
            commit.marks,
            commit.acks,
            commit.consumed,
            commit.acked,
            commit.attempts,
            commit.dead,
            commit.revived,
            commit.events,
            (),  # removed
            commit.forgotten,
            commit.hours,
            commit.dropped,
        )
        self._lists = [encoded(rows) for rows in lists]
        self._publishes = commit.publishes[:]
        self._removed = commit.removed[:]
        self._keys: list[KeyRow] = commit.keys[:]
        self._sizes = encoded([row.topic for row in commit.sizes])
        self._gone = [row.number for row in commit.dropped if row.kind == "topic"]

    def write(self, writer: apsw.Connection, keys: Keys) -> Outcome:
        """Make it durable, on the thread that writes. Raises apsw.Error."""
        # Here and not where it is handed in: the thread of the reactor has more to do.
        self._lists[RUNS_AT] = encoded(runs_of([message.id for message in self._publishes]))
        self._lists[REMOVED_AT] = encoded(_disjoint(self._removed))
        prepared = keys.prepared(self._keys)
        writer.execute(COMMIT, [*self._lists[:KEYS_AT], *prepared, *self._lists[KEYS_AT:]])
        if self._gone:
            keys.forget(self._gone)
        if not self._keys and self._sizes is None:
            return Outcome()
        ((value,),) = writer.execute(OUTCOME, (self._sizes or b"[]",))
        return Outcome(*_read_outcome(value))


def _disjoint(rows: list[RemovedRow]) -> Sequence[tuple[int, int]]:
    """Runs as disjoint ones: what is taken off a topic's bytes must be counted once."""
    if all(one.last < other.first for one, other in pairwise(rows)):
        return rows
    return list(RangeSet(rows))
