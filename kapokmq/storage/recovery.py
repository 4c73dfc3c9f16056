"""What opening a store reads: topics, groups, what they are done with, attempts, dead letters. Never a message.

One row a table (queries.py says why). The delayed messages are counted in their index, without those that are consumed
(the clock may have been set back since); the lowest offset of a topic is one step down the tree.
"""

import apsw

from kapokmq.core.commit import AttemptRow, PatternRow
from kapokmq.core.ranges import RangeSet
from kapokmq.core.recovered import RecoveredGroup, RecoveredTopic, Totals
from kapokmq.storage.rows import Reader

# Parameter: now. A topic's lowest offset is that of its first message, `next` where it has none.
TOPICS = """
select cast(json_group_array(json_array(
    t.number, t.name, t.next,
    coalesce(
        (select min(id) from message where id between t.number << 40 and t.number << 40 | 0xffffffffff) & 0xffffffffff,
        t.next
    ),
    coalesce(h.published, 0), coalesce(h.consumed, 0), coalesce(h.expired, 0), coalesce(h.deleted, 0),
    coalesce(h.cleaned, 0), coalesce(w.delayed, 0), t.policy, t.bytes
)) as blob)
from (select number, name, next, policy, bytes from topic order by number) as t
left join (
    select
        topic, sum(published) as published, sum(consumed) as consumed, sum(expired) as expired, sum(deleted) as deleted,
        sum(cleaned) as cleaned
    from hours group by topic
) as h on h.topic = t.number
left join (
    select m.id >> 40 as topic, count(*) as delayed from message as m indexed by message_due
    where m.due is not null and m.due > ?1 and not coalesce(
        (select c.last >= m.id from consumed as c where c.first <= m.id order by c.first desc limit 1), 0
    )
    group by 1
) as w on w.topic = t.number
"""
# Runs of a commit each, most of which touch: what they cover together, topic by topic.
CONSUMED = """
with
    clipped as (
        select
            t.number, max(c.first, t.number << 40) & 0xffffffffff as first,
            min(c.last, t.number << 40 | 0xffffffffff) & 0xffffffffff as last
        from consumed as c cross join topic as t on t.number between c.first >> 40 and c.last >> 40
    ),
    begun as (
        select
            number, first, last,
            coalesce(first > max(last) over (
                partition by number order by first rows between unbounded preceding and 1 preceding
            ) + 1, 1) as begins
        from clipped
    ),
    islands as (
        select
            number, first, last,
            sum(begins) over (partition by number order by first rows unbounded preceding) as island
        from begun
    )
select cast(json_group_array(json_array(number, first, last)) as blob) from (
    select number, min(first) as first, max(last) as last from islands group by number, island order by number, first
)
"""
PATTERNS = "select cast(json_group_array(json_array(pattern, name, config)) as blob) from pattern"
GROUPS = """
select cast(json_group_array(json_array(number, topic, name, kind, mark, start, config)) as blob)
from (select number, topic, name, kind, mark, start, config from grp order by number)
"""
# Runs of ids without a gap: those whose distance to their place in the order is the same.
DEAD = """
select cast(json_group_array(json_array(grp, first, last)) as blob) from (
    select grp, min(id) & 0xffffffffff as first, max(id) & 0xffffffffff as last from (
        select grp, id, id - row_number() over (partition by grp order by id) as run from dead
    )
    group by grp, run order by grp, first
)
"""
RUNS = """
select cast(json_group_array(json_array(number, first, last)) as blob) from (
    select g.number, max(a.first, g.mark) as first, a.last
    from grp as g cross join ack as a on a.grp = g.number where a.last >= g.mark
)
"""
ATTEMPTS = "select cast(json_group_array(json_array(grp, off, tries, retry_at, reason)) as blob) from attempt"

_read_topics = Reader(list[tuple[int, str, int, int, int, int, int, int, int, int, str | None, int]])
_read_groups = Reader(list[tuple[int, int, str, str, int, int, str | None]])
_read_runs = Reader(list[tuple[int, int, int]])
_read_attempts = Reader(list[AttemptRow])
_read_patterns = Reader(list[PatternRow])


def read_topics(connection: apsw.Connection, now: int) -> list[RecoveredTopic]:
    """The topics. `now` (wall milliseconds) decides which delayed messages are still to come. Raises apsw.Error."""
    consumed = _by_number(connection, CONSUMED)
    return [
        RecoveredTopic(number, name, after, first, Totals(*sums), policy, consumed.get(number, []), size)
        for number, name, after, first, *sums, policy, size in _read_topics(_one(connection, TOPICS, now))
    ]


def read_groups(connection: apsw.Connection) -> list[RecoveredGroup]:
    """The groups, with what they are done with above their marks. Raises apsw.Error."""
    runs: dict[int, RangeSet] = {}
    for group, first, last in _read_runs(_one(connection, RUNS)):
        runs.setdefault(group, RangeSet()).add(first, last)
    attempts: dict[int, list[AttemptRow]] = {}
    for row in _read_attempts(_one(connection, ATTEMPTS)):
        attempts.setdefault(row.group, []).append(row)
    dead = _by_number(connection, DEAD)
    return [
        RecoveredGroup(
            number,
            topic,
            name,
            kind,
            mark,
            list(runs.get(number, ())),
            attempts.get(number, []),
            start,
            config,
            dead.get(number, []),
        )
        for number, topic, name, kind, mark, start, config in _read_groups(_one(connection, GROUPS))
    ]


def read_patterns(connection: apsw.Connection) -> list[PatternRow]:
    """The groups by pattern. Raises apsw.Error."""
    return _read_patterns(_one(connection, PATTERNS))


def _by_number(connection: apsw.Connection, sql: str) -> dict[int, list[tuple[int, int]]]:
    """Runs, by what they belong to."""
    found: dict[int, list[tuple[int, int]]] = {}
    for number, first, last in _read_runs(_one(connection, sql)):
        found.setdefault(number, []).append((first, last))
    return found


def _one(connection: apsw.Connection, sql: str, *given: int) -> bytes:
    ((value,),) = connection.execute(sql, given)
    return bytes(value)
