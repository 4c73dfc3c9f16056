"""What opening a store reads: topics, groups, the runs and attempts above the marks. Never a message.

One row a table (queries.py says why). The delayed messages are counted in their index, without those that are consumed
(the clock may have been set back since); the lowest offset of a topic is one step down the tree.
"""

import apsw

from kapokmq.core.commit import AttemptRow, RecoveredGroup, RecoveredTopic, Totals
from kapokmq.core.ranges import RangeSet
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
    coalesce(h.cleaned, 0), coalesce(d.delayed, 0)
)) as blob)
from (select number, name, next from topic order by number) as t
left join (
    select
        topic, sum(published) as published, sum(consumed) as consumed, sum(expired) as expired, sum(deleted) as deleted,
        sum(cleaned) as cleaned
    from hours group by topic
) as h on h.topic = t.number
left join (
    select m.id >> 40 as topic, count(*) as delayed from message as m
    where m.due is not null and m.due > ?1 and not coalesce(
        (select c.last >= m.id from consumed as c where c.first <= m.id order by c.first desc limit 1), 0
    )
    group by 1
) as d on d.topic = t.number
"""
GROUPS = """
select cast(json_group_array(json_array(number, topic, name, kind, mark)) as blob)
from (select number, topic, name, kind, mark from grp order by number)
"""
RUNS = """
select cast(json_group_array(json_array(number, first, last)) as blob) from (
    select g.number, max(a.first, g.mark) as first, a.last
    from grp as g cross join ack as a on a.grp = g.number where a.last >= g.mark
)
"""
ATTEMPTS = "select cast(json_group_array(json_array(grp, off, tries, retry_at, reason)) as blob) from attempt"

_read_topics = Reader(list[tuple[int, str, int, int, int, int, int, int, int, int]])
_read_groups = Reader(list[tuple[int, int, str, str, int]])
_read_runs = Reader(list[tuple[int, int, int]])
_read_attempts = Reader(list[AttemptRow])


def read_topics(connection: apsw.Connection, now: int) -> list[RecoveredTopic]:
    """The topics. `now` (wall milliseconds) decides which delayed messages are still to come. Raises apsw.Error."""
    topics = _read_topics(_one(connection, TOPICS, now))
    return [RecoveredTopic(number, name, after, first, Totals(*sums)) for number, name, after, first, *sums in topics]


def read_groups(connection: apsw.Connection) -> list[RecoveredGroup]:
    """The groups, with what they are done with above their marks. Raises apsw.Error."""
    runs: dict[int, RangeSet] = {}
    for group, first, last in _read_runs(_one(connection, RUNS)):
        runs.setdefault(group, RangeSet()).add(first, last)
    attempts: dict[int, list[AttemptRow]] = {}
    for row in _read_attempts(_one(connection, ATTEMPTS)):
        attempts.setdefault(row.group, []).append(row)
    return [
        RecoveredGroup(number, topic, name, kind, mark, list(runs.get(number, ())), attempts.get(number, []))
        for number, topic, name, kind, mark in _read_groups(_one(connection, GROUPS))
    ]


def _one(connection: apsw.Connection, sql: str, *given: int) -> bytes:
    ((value,),) = connection.execute(sql, given)
    return bytes(value)
