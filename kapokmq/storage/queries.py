"""What is asked of SQLite. Every read gives one row, whatever it finds.

The JSON of the row is put together where the rows are grouped: what a subquery gives is text, not JSON.

One row, because the GIL is let go at every row stepped and a busy reactor takes its time to give it back. The row is a
JSON text that SQLite puts together; it comes as bytes, for text that is not Unicode.

The run of `consumed` that covers a message, if any does, is the last one that begins at or before it.
"""

from kapokmq.core.message import Message
from kapokmq.core.query import Remnant
from kapokmq.storage.rows import Reader
from kapokmq.storage.store import Due

LAST_ID = (1 << 63) - 1

# Parameters: first and last id, limit, bytes. Gives the messages, and how many there are in the range, up to limit + 1.
# octet_length looks at no body.
READ = """
with
    sized as materialized (
        select id, octet_length(data) + coalesce(octet_length(headers), 0) + 200 as size
        from message where id between ?1 and ?2 order by id limit ?3 + 1
    ),
    cut as (
        select id, row_number() over (order by id) as place, sum(size) over (order by id) - size as before from sized
    )
select cast(json_array(
    json_group_array(json_array(m.id, m.epoch, m.created, m.delay, m.due, m.expire, m.key, m.headers, m.data)),
    (select count(*) from sized)
) as blob)
from cut cross join message as m on m.id = cut.id
where cut.place <= ?3 and cut.before < ?4
"""

# Parameters: ids as JSON; bytes; whether with bodies. Gives the first of those messages, and how many there are.
FETCH = """
with
    sized as materialized (
        select
            m.id, case when ?3 then octet_length(m.data) else 0 end + coalesce(octet_length(m.headers), 0) + 200 as size
        from jsonb_each(cast(?1 as text)) as j cross join message as m on m.id = j.value
    ),
    cut as (select id, sum(size) over (order by id) - size as before from sized)
select cast(json_array(
    json_group_array(json_array(
        m.id, m.epoch, m.created, m.delay, m.due, m.expire, m.key, m.headers, case when ?3 then m.data else '' end
    )),
    (select count(*) from sized)
) as blob)
from cut cross join message as m on m.id = cut.id
where cut.before < ?2
"""

# Parameters: due and id, limit. In two parts, as SQLite would look at all that are due at the same time in every page.
SCHEDULED = """
select cast(json_group_array(json_array(due, id)) as blob) from (
    select due, id from (
        select due, id from message where due = ?1 and id > ?2 order by id limit ?3
    )
    union all
    select due, id from (
        select due, id from message where due > ?1 order by due, id limit ?3
    )
    limit ?3
)
"""

# Parameter: id. Gives null where there is no such message, else it, when it was consumed (0: it is not), and whether a
# group has given it up.
FIND = """
select cast(json_array(
    json_array(m.id, m.epoch, m.created, m.delay, m.due, m.expire, m.key, m.headers, m.data),
    case when c.last >= m.id then c.at else 0 end,
    exists (select 1 from dead where id = m.id)
) as blob)
from message as m left join consumed as c on c.first = (select max(first) from consumed where first <= m.id)
where m.id = ?1
union all select cast('null' as blob)
limit 1
"""

# Parameters: first and last id, before, limit, whether those that were delayed as well. Gives the messages; the first
# that is too young; the last looked at.
AGED = """
with
    looked as materialized (
        select id, created, due, octet_length(data) + coalesce(octet_length(headers), 0) + 200 as size
        from message where id between ?1 and ?2 order by id limit ?4
    ),
    ends as materialized (
        select (select min(id) from looked where created >= ?3) as young, (select max(id) from looked) as last
    )
select cast(json_array(
    json_group_array(json_array(id, due, size)), (select young from ends), (select last from ends)
) as blob)
from looked where (?5 or due is null) and ((select young from ends) is null or id < (select young from ends))
"""

# Parameters: before, limit.
AGED_DELAYED = """
select cast(json_group_array(json_array(id, due, size)) as blob) from (
    select id, due, octet_length(data) + coalesce(octet_length(headers), 0) + 200 as size from message
    where due is not null and expire is null and due < ?1 order by due, id limit ?2
)
"""
EXPIRED = """
select cast(json_group_array(json_array(id, due, size)) as blob) from (
    select id, due, octet_length(data) + coalesce(octet_length(headers), 0) + 200 as size from message
    where expire is not null and expire < ?1 order by expire, id limit ?2
)
"""

read_sized = Reader(tuple[list[Message], int])
read_due = Reader(list[Due])
read_found = Reader(tuple[Message, int, int] | None)  # type: ignore[arg-type]  # a union is no type to mypy
read_aged = Reader(tuple[list[Remnant], int | None, int | None])
read_remnants = Reader(list[Remnant])
read_messages = Reader(list[Message])
