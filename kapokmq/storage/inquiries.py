"""What is asked of SQLite beside pages of messages: the schedule, a message's life, sessions, counts.

Every question gives one row; queries.py says why.
"""

from kapokmq.core.query import DuePage, HourCounts, Trace
from kapokmq.storage.rows import Reader
from kapokmq.storage.store import Remembered

# Parameters: now, due and id to begin behind, limit, bytes; in DELAYED_OF a topic. What falls due at `?2` is read apart
# from what does so later, as SQLite would look at all that are due at the same time in every page. What is consumed is
# not delayed, whatever the clock says.
DELAYED = """
with
    later as materialized (
        select due, id from (
            select due, id from message as m
            where m.due is not null and m.due = ?2 and m.due > ?1 and m.id > ?3 and not coalesce(
                (select c.last >= m.id from consumed as c where c.first <= m.id order by c.first desc limit 1), 0
            )
            order by id limit ?4
        )
        union all
        select due, id from (
            select due, id from message as m
            where m.due is not null and m.due > max(?1, ?2) and not coalesce(
                (select c.last >= m.id from consumed as c where c.first <= m.id order by c.first desc limit 1), 0
            )
            order by due, id limit ?4
        )
        limit ?4
    ),
    sized as (
        select l.due, l.id, octet_length(m.data) + coalesce(octet_length(m.headers), 0) + 200 as size
        from later as l cross join message as m on m.id = l.id
    ),
    cut as (
        select row_number() over (order by due, id) as place, id, sum(size) over (order by due, id) - size as before
        from sized
    )
select cast(json_group_array(
    json_array(m.id, m.epoch, m.created, m.delay, m.due, m.expire, m.key, m.headers, m.data) order by cut.place
) as blob)
from cut cross join message as m on m.id = cut.id
where cut.before < ?5
"""
DELAYED_OF = DELAYED.replace(
    "from message as m\n            where", "from message as m\n            where m.id >> 40 = ?6 and"
)

# Parameters: first, step, due and id to begin at, end, how many to count; in DUE_COUNTS_OF a topic. Read in two ranges
# as DELAYED is, for the same reason; one more is read, where the next page begins.
DUE_COUNTS = """
with
    looked as materialized (
        select due, id from (
            select due, id from message as m
            where m.due is not null and m.due = ?3 and m.due < ?5 and m.id >= ?4
            order by id limit ?6 + 1
        )
        union all
        select due, id from (
            select due, id from message as m
            where m.due is not null and m.due > ?3 and m.due < ?5
            order by due, id limit ?6 + 1
        )
        limit ?6 + 1
    ),
    counted as (
        select (l.due - ?1) / ?2 as step, count(*) as count from (select due, id from looked limit ?6) as l
        where not coalesce(
            (select c.last >= l.id from consumed as c where c.first <= l.id order by c.first desc limit 1), 0
        )
        group by step
    )
select cast(json_array(
    json((select json_group_array(json_array(step, count) order by step) from counted)),
    json((select json_array(due, id) from looked limit 1 offset ?6))
) as blob)
"""
DUE_COUNTS_OF = DUE_COUNTS.replace("where m.due is not null", "where m.id >> 40 = ?7 and m.due is not null")

# Parameter: id. A group is done with a message if the last of its runs that begins at or before it covers it.
TRACE = """
select cast(json_array(
    json((
        select json_group_array(json_array(g.number, a.at) order by g.number)
        from grp as g cross join acked as a
            on a.grp = g.number
            and a.first = (select max(first) from acked where grp = g.number and first <= ?1 & 0xffffffffff)
        where g.topic = ?1 >> 40 and a.last >= ?1 & 0xffffffffff
    )),
    json((select json_group_array(json_array(grp, at, tries, reason) order by grp) from dead where id = ?1)),
    json((
        select json_group_array(json_array(grp, at, kind, tries, who, reason) order by number)
        from (select * from event where id = ?1 order by number desc limit 100)
    ))
) as blob)
"""

# Parameters: topic, create time. Halves the range of ids, as HEADS in searches.py does; `best` is the first that is
# known to be young enough.
SINCE = """
with recursive halving (low, high, best) as (
    select ?1 << 40, id, null from message
    where id = (select max(id) from message where id between ?1 << 40 and ?1 << 40 | 0xffffffffff)
    union all
    select
        case when p.created < ?2 then p.id + 1 else h.low end,
        case when p.created < ?2 then h.high else h.low + (h.high - h.low) / 2 - 1 end,
        case when p.created >= ?2 then p.id else h.best end
    from halving as h left join message as p on p.id = (
        select min(id) from message where id between h.low + (h.high - h.low) / 2 and h.high
    )
    where h.low <= h.high
)
select cast(json_array((select best & 0xffffffffff from halving where low > high)) as blob)
"""

# Parameters: ranges as JSON, now, how many messages to look at in each, how many that are due to compare.
FIRST_DUE = """
select cast(json_group_array((
    select min(since) from (
        select coalesce(due, created) as since from (
            select created, due from message where id >= r.value ->> 0 and id < r.value ->> 1 order by id limit ?3
        )
        where due is null or due <= ?2
        limit ?4
    )
) order by r.key) as blob)
from jsonb_each(cast(?1 as text)) as r
"""

# Parameters: session as UTF-8 bytes, limit. The duplicates are JSON themselves.
SENT = """
select cast(json_group_array(
    json_array(publish, first, epoch, count, crc, json(coalesce(duplicates, '[]'))) order by publish
) as blob)
from (select * from sent where session = cast(?1 as text) order by publish desc limit ?2)
"""

# Parameters: first and last hour; in HOURS_OF a topic.
HOURS = """
select cast(json_group_array(
    json_array(hour * 3600000, published, delivered, consumed, retried, expired, deleted, cleaned) order by hour
) as blob)
from (
    select
        h.hour, sum(h.published) as published, sum(h.delivered) as delivered, sum(h.consumed) as consumed,
        sum(h.retried) as retried, sum(h.expired) as expired, sum(h.deleted) as deleted, sum(h.cleaned) as cleaned
    from topic as t cross join hours as h on h.topic = t.number and h.hour between ?1 and ?2
    group by h.hour
)
"""
HOURS_OF = HOURS.replace("between ?1 and ?2", "between ?1 and ?2 where t.number = ?3")

read_due_counts = Reader(DuePage)
read_trace = Reader(Trace)
read_since = Reader(tuple[int | None])
read_first_due = Reader(list[int | None])
read_sent = Reader(list[Remembered])
read_hours = Reader(list[HourCounts])
