"""Searching: newest first over many topics, in slices that look at a bounded number of messages.

Within a topic, create times ascend with the ids, because the broker takes both as messages come in. So the newest
message that a query may want is found by halving the range of ids (HEADS), and from there every topic is walked
downwards; the walks are merged by create time (WALK: the queue of a recursive query is ordered, each message taken out
of it puts its predecessor in). Where the clock was set back while a node ran, what lies around the step is found by a
topic's order of ids and may miss the border of a time range.

A status other than the wanted is not walked through: the consumed ones are skipped a run at a time, and so is what lies
between the runs. Delayed ones have an index.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kapokmq.core.message import Message, Status, topic_of
from kapokmq.core.query import MessageQuery, Stored
from kapokmq.storage.rows import Reader, encoded

SLICE = 5_000  # messages looked at in one go
Statement = tuple[str, tuple[bytes | int | None, ...]]
Looked = tuple[int, int | None, int, int | None, int]  # id, due, when consumed (0: not), the id to go on below, size

# Parameters: topic or null, end. Gives [[topic, id], …]: of each topic the newest message created no later than `end`.
HEADS = """
with recursive
    newest (number, id, created) as (
        select t.number, m.id, m.created
        from topic as t cross join message as m on m.id = (
            select max(id) from message where id between t.number << 40 and t.number << 40 | 0xffffffffff
        )
        where ?1 is null or t.number = ?1
    ),
    halving (number, low, high) as (
        select number, number << 40, id from newest where created > ?2
        union all
        select
            h.number,
            case when p.created <= ?2 then p.id + 1 else h.low end,
            case when p.created <= ?2 then h.high else h.low + (h.high - h.low) / 2 - 1 end
        from halving as h left join message as p on p.id = (
            select min(id) from message where id between h.low + (h.high - h.low) / 2 and h.high
        )
        where h.low <= h.high
    )
select cast(json_group_array(json_array(number, id)) as blob) from (
    select number, id from newest where created <= ?2
    union all
    select number, (select max(id) from message where id between number << 40 and high) as id
    from halving where low > high
) where id is not null
"""

# Parameters: [[topic, id], …] to begin at, start, whether consumed ones are wanted (null: all the same), limit, whether
# bodies are wanted. Gives the messages looked at, newest first: id, due, when consumed (0: not), the id to go on below,
# and the bytes that it would take. octet_length looks at no body.
WALK = """
with recursive walk (created, id, due, at, below, size) as (
    select
        m.created, m.id, m.due, case when c.last >= m.id then c.at else 0 end,
        case
            when ?3 and not coalesce(c.last >= m.id, 0) then c.last
            when not ?3 and c.last >= m.id then c.first - 1
            else m.id - 1
        end,
        case when ?5 then octet_length(m.data) else 0 end + 200
    from jsonb_each(cast(?1 as text)) as j
    cross join message as m on m.id = (
        select max(id) from message where id between (j.value ->> 0) << 40 and j.value ->> 1
    )
    left join consumed as c on c.first = (select max(first) from consumed where first <= m.id)
    where m.created >= ?2
    union all
    select
        m.created, m.id, m.due, case when c.last >= m.id then c.at else 0 end,
        case
            when ?3 and not coalesce(c.last >= m.id, 0) then c.last
            when not ?3 and c.last >= m.id then c.first - 1
            else m.id - 1
        end,
        case when ?5 then octet_length(m.data) else 0 end + 200
    from walk as w
    cross join message as m on m.id = (
        select max(id) from message where id between w.id >> 40 << 40 and w.below
    )
    left join consumed as c on c.first = (select max(first) from consumed where first <= m.id)
    where m.created >= ?2
    order by 1 desc, 2 desc
    limit ?4
)
select cast(json_group_array(json_array(id, due, at, below, size)) as blob) from walk
"""
# The same for messages that were delayed.
WALK_DELAYED = WALK.replace(
    "max(id) from message where", "max(id) from message indexed by message_delayed where due is not null and"
)

read_heads = Reader(list[tuple[int, int]])
read_walk = Reader(list[Looked])


class Hit(NamedTuple):
    """A message that a query wants."""

    id: int
    status: Status
    consumed: int


def status_of(due: int | None, consumed: int, now: int) -> Status:
    """What is to be said of a message that is due at `due` and was consumed at `consumed` (0: was not)."""
    if consumed:
        return Status.CONSUMED
    return Status.DELAYED if due is not None and due > now else Status.WAITING


class Walk:
    """One query's way down through the topics: run `slice`, hand what it gave to `looked`, until `done`."""

    def __init__(self, query: MessageQuery, heads: list[tuple[int, int]]) -> None:
        self.hits: list[Hit] = []
        self._query = query
        self._heads = dict(heads)
        self._passed = 0
        self._asked = 0
        self._bytes = 0
        self.done = query.limit <= 0 or query.status is Status.DEAD or not heads

    def slice(self) -> Statement:
        """What to run next."""
        query = self._query
        wanted = query.offset - self._passed + query.limit - len(self.hits)
        # Every slice begins with a look at each topic: with many of them, let it be worth that. With a status, each run
        # of the others costs a look.
        self._asked = min(max(SLICE, len(self._heads)), wanted if query.status is None else 2 * wanted)
        consumed = None if query.status is None else query.status is Status.CONSUMED
        sql = WALK_DELAYED if query.status is Status.DELAYED else WALK
        return sql, (encoded(list(self._heads.items())), query.start, consumed, self._asked, query.with_data)

    def looked(self, rows: list[Looked]) -> None:
        """Take in what the slice found."""
        query = self._query
        for message_id, due, at, below, size in rows:
            if below is None:
                self._heads.pop(topic_of(message_id), None)
            else:
                self._heads[topic_of(message_id)] = below
            status = status_of(due, at, query.now)
            if query.status is None or status is query.status:
                self._hit(Hit(message_id, status, at), size)
        full = len(self.hits) >= query.limit or self._bytes >= query.max_bytes
        self.done = full or len(rows) < self._asked or not self._heads

    def found(self, messages: Sequence[Message]) -> list[Stored]:
        """The answer, once the messages of the hits are read; those that have gone since are left out."""
        by_id = {message.id: message for message in messages}
        answer = [Stored(by_id[hit.id], hit.status, hit.consumed) for hit in self.hits if hit.id in by_id]
        answer.sort(key=newest_first, reverse=True)
        return answer

    def _hit(self, hit: Hit, size: int) -> None:
        query = self._query
        if self._passed < query.offset:
            self._passed += 1
        elif len(self.hits) < query.limit and (self._bytes < query.max_bytes or not self.hits):
            self.hits.append(hit)
            self._bytes += size


def newest_first(stored: Stored) -> tuple[int, int]:
    """The key by which an answer is sorted, in reverse."""
    return stored.message.created, stored.message.id
