"""Forgetting sessions and keys whose time is over, a slice at a time: on the thread that writes, between commits."""

from collections.abc import Sequence

import apsw

from kapokmq.storage.keys import Keys, read_parts
from kapokmq.storage.rows import encoded

# Parameters: time, limit.
SENT = """
delete from sent where (session, publish) in (
    select s.session, s.publish
    from session as n cross join sent as s on s.session = n.name
    where n.last < ?1 limit ?2
)
"""
SESSIONS = """
delete from session where name in (
    select name from session as n
    where last < ?1 and not exists (select 1 from sent where session = n.name) limit ?2
)
"""
# Parameters: [[topic, bucket], …], limit. Parts are over where their topic is gone, and in other buckets than that one
# and the one before it.
_OVER = """
        select t.part from dedup_part as t where t.gone
        union all
        select t.part
        from jsonb_each(cast(?1 as text)) as b
        cross join dedup_part as t
            on t.topic = b.value ->> 0 and t.bucket not in (b.value ->> 1, (b.value ->> 1) - 1) and not t.gone
"""
KEYS = f"""
delete from dedup where (part, key) in (
    select d.part, d.key from ({_OVER}) as o cross join dedup as d on d.part = o.part limit ?2
)
"""  # noqa: S608 -- nothing in it comes from outside
PARTS = f"""
delete from dedup_part where part in (
    select o.part from ({_OVER}) as o where not exists (select 1 from dedup as d where d.part = o.part) limit ?2
)
"""  # noqa: S608 -- likewise


def tidy(
    writer: apsw.Connection, keys: Keys, sessions_before: int, buckets: Sequence[tuple[int, int]], limit: int
) -> int:
    """Take away about `limit` rows, and say how many: see Store.tidy. Raises apsw.Error."""
    given = encoded(buckets) or b"[]"
    taken = 0
    with writer:  # one transaction, one sync
        for sql, first in ((SENT, sessions_before), (SESSIONS, sessions_before), (KEYS, given), (PARTS, given)):
            writer.execute(sql, (first, max(limit - taken, 0)))
            taken += writer.changes()
    keys.tidied(read_parts(writer)[0])
    return taken
