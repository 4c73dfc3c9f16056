"""Searching: newest first over many topics, in slices that look at a bounded number of messages.

Within a topic, create times ascend with the ids, because the broker takes both as messages come in. So the newest
message that a query may want is found by halving the range of ids (HEADS), and from there every topic is walked
downwards; the walks are merged by create time (WALK: the queue of a recursive query is ordered, each message taken out
of it puts its predecessor in). Where the clock was set back while a node ran, what lies around the step is found by a
topic's order of ids and may miss the border of a time range.

To go on behind a message later, one has to know its create time and its id (query.Mark). So that this ends whatever the
clock did, a message counts as created no later than those that were walked over before it.

A status other than the wanted is not walked through: the consumed ones are skipped a run at a time, and so is what lies
between the runs. Delayed ones and dead letters have an index.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kapokmq.core.message import Message, Status, topic_of
from kapokmq.core.query import Mark, MessageQuery, Search, Stored
from kapokmq.storage.rows import Reader, encoded

SLICE = 5_000  # messages looked at in one go
Statement = tuple[str, tuple[bytes | int | None, ...]]

# Parameters: topic or null, end, topic or null. Gives [[topic, id], …]: of each topic the newest message created no
# later than `end`, or earlier than that in topics with a number above ?3.
HEADS = """
with recursive
    newest (number, id, created, until) as (
        select t.number, m.id, m.created, case when t.number > ?3 then ?2 - 1 else ?2 end
        from topic as t cross join message as m on m.id = (
            select max(id) from message where id between t.number << 40 and t.number << 40 | 0xffffffffff
        )
        where ?1 is null or t.number = ?1
    ),
    halving (number, low, high, until) as (
        select number, number << 40, id, until from newest where created > until
        union all
        select
            h.number,
            case when p.created <= h.until then p.id + 1 else h.low end,
            case when p.created <= h.until then h.high else h.low + (h.high - h.low) / 2 - 1 end,
            h.until
        from halving as h left join message as p on p.id = (
            select min(id) from message where id between h.low + (h.high - h.low) / 2 and h.high
        )
        where h.low <= h.high
    )
select cast(json_group_array(json_array(number, id)) as blob) from (
    select number, id from newest where created <= until
    union all
    select number, (select max(id) from message where id between number << 40 and high) as id
    from halving where low > high
) where id is not null
"""

_STEP = """
        min(m.created, {created}), m.id, m.due, case when c.last >= m.id then c.at else 0 end,
        case
            when ?3 and not coalesce(c.last >= m.id, 0) then c.last
            when not ?3 and c.last >= m.id then c.first - 1
            else m.id - 1
        end,
        case when ?5 then octet_length(m.data) else 0 end + coalesce(octet_length(m.headers), 0) + 200,
        exists (select 1 from dead where id = m.id)"""
# Parameters: [[topic, id], …] to begin at, start, whether consumed ones are wanted (null: all the same), limit, whether
# bodies are wanted, the create time of what was walked over before. Gives the messages looked at, newest first: see
# Looked. octet_length looks at no body.
WALK = f"""
with recursive walk (created, id, due, at, below, size, is_dead) as (
    select{_STEP.format(created="?6")}
    from jsonb_each(cast(?1 as text)) as j
    cross join message as m on m.id = (
        select max(id) from message where id between (j.value ->> 0) << 40 and j.value ->> 1
    )
    left join consumed as c on c.first = (select max(first) from consumed where first <= m.id)
    where m.created >= ?2
    union all
    select{_STEP.format(created="w.created")}
    from walk as w
    cross join message as m on m.id = (
        select max(id) from message where id between w.id >> 40 << 40 and w.below
    )
    left join consumed as c on c.first = (select max(first) from consumed where first <= m.id)
    where m.created >= ?2
    order by 1 desc, 2 desc
    limit ?4
)
select cast(json_group_array(json_array(id, created, due, at, is_dead, below, size)) as blob) from walk
"""  # noqa: S608 -- nothing in it comes from outside
# The same for messages that were delayed, and for dead letters.
WALK_DELAYED = WALK.replace(
    "max(id) from message where", "max(id) from message indexed by message_delayed where due is not null and"
)
WALK_DEAD = WALK.replace("max(id) from message where", "max(id) from dead where")


class Looked(NamedTuple):
    """A message that was looked at: when it was created (at the latest), falls due, was consumed (0: was not).

    `below` is the id to go on at or below; `size` the bytes that it would take in an answer.
    """

    id: int
    created: int
    due: int | None
    consumed: int
    dead: int
    below: int | None
    size: int


read_heads = Reader(list[tuple[int, int]])
read_walk = Reader(list[Looked])


class Hit(NamedTuple):
    """A message that a query wants."""

    id: int
    status: Status
    consumed: int


def status_of(due: int | None, consumed: int, now: int, *, dead: bool) -> Status:
    """What is to be said of a message that is due at `due` and was consumed at `consumed` (0: was not).

    `dead`: a group has given it up.
    """
    if consumed:
        return Status.CONSUMED
    if dead:
        return Status.DEAD
    return Status.DELAYED if due is not None and due > now else Status.WAITING


def heads_given(query: MessageQuery | Search, after: Mark | None) -> tuple[int | None, int, int | None]:
    """The parameters of HEADS. What lies behind a mark is older, or as old and has a lower id."""
    if after is None or after.created > query.end:
        return query.topic, query.end, None
    return query.topic, after.created, topic_of(after.id)


class Descent:
    """The way down through the topics, slice by slice: run `slice`, hand what it gave to `looked`."""

    def __init__(self, query: MessageQuery | Search, heads: list[tuple[int, int]], after: Mark | None = None) -> None:
        self._query = query
        self._heads = dict(heads)
        self._created = query.end if after is None else min(after.created, query.end)
        self._asked = 0
        if after is not None and (head := self._heads.get(topic_of(after.id))) is not None:
            self._heads[topic_of(after.id)] = min(head, after.id - 1)

    @property
    def ended(self) -> bool:
        """Whether there is nothing further down."""
        return not self._heads

    def slice(self, wanted: int, *, with_data: bool) -> Statement:
        """What to run in order to look at `wanted` messages, or what can be done at once."""
        # Every slice begins with a look at each topic: with many of them, let it be worth that.
        self._asked = min(max(SLICE, len(self._heads)), wanted)
        status = self._query.status
        consumed = None if status is None else status is Status.CONSUMED
        sql = {Status.DELAYED: WALK_DELAYED, Status.DEAD: WALK_DEAD}.get(status, WALK) if status is not None else WALK
        heads = encoded(list(self._heads.items()))
        return sql, (heads, self._query.start, consumed, self._asked, with_data, self._created)

    def looked(self, rows: list[Looked]) -> None:
        """Take in what the slice found."""
        for row in rows:
            if row.below is None:
                self._heads.pop(topic_of(row.id), None)
            else:
                self._heads[topic_of(row.id)] = row.below
            self._created = row.created
        if len(rows) < self._asked:
            self._heads.clear()

    def status(self, row: Looked) -> Status | None:
        """The status of a message, None where another one is wanted."""
        status = status_of(row.due, row.consumed, self._query.now, dead=bool(row.dead))
        return status if self._query.status in (None, status) else None


class Walk:
    """One query's way down: run `slice`, hand what it gave to `looked`, until `done`."""

    def __init__(self, query: MessageQuery, heads: list[tuple[int, int]]) -> None:
        self.hits: list[Hit] = []
        self._query = query
        self._descent = Descent(query, heads)
        self._passed = 0
        self._bytes = 0
        self.done = query.limit <= 0 or not heads

    def slice(self) -> Statement:
        """What to run next."""
        query = self._query
        wanted = query.offset - self._passed + query.limit - len(self.hits)
        # With a status, each run of the others costs a look.
        return self._descent.slice(wanted if query.status is None else 2 * wanted, with_data=query.with_data)

    def looked(self, rows: list[Looked]) -> None:
        """Take in what the slice found."""
        query = self._query
        self._descent.looked(rows)
        for row in rows:
            status = self._descent.status(row)
            if status is not None:
                self._hit(Hit(row.id, status, row.consumed), row.size)
        self.done = self._descent.ended or len(self.hits) >= query.limit or self._bytes >= query.max_bytes

    def found(self, messages: Sequence[Message]) -> list[Stored]:
        """The answer, once the messages of the hits are read; those that have gone since are left out."""
        answer = stored(self.hits, messages)
        answer.sort(key=newest_first, reverse=True)
        return answer

    def _hit(self, hit: Hit, size: int) -> None:
        query = self._query
        if self._passed < query.offset:
            self._passed += 1
        elif len(self.hits) < query.limit and (self._bytes < query.max_bytes or not self.hits):
            self.hits.append(hit)
            self._bytes += size


def stored(hits: Sequence[Hit], messages: Sequence[Message]) -> list[Stored]:
    """The hits with their messages, as far as they are there."""
    by_id = {message.id: message for message in messages}
    return [Stored(by_id[hit.id], hit.status, hit.consumed) for hit in hits if hit.id in by_id]


def newest_first(found: Stored) -> tuple[int, int]:
    """The key by which an answer is sorted, in reverse."""
    return found.message.created, found.message.id
