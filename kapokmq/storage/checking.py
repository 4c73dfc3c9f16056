"""Looking a store over: whether its file is whole, and whether what is in it fits together.

All is read in one snapshot, so that a node may go on writing meanwhile; its log can't be folded until then, and grows.
Nothing is changed, neither in the file nor beside it.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import apsw

from kapokmq.core.errors import BadMessage, StoreRefused
from kapokmq.core.policy import DELETING, GroupConfig, TopicPolicy, read_policy
from kapokmq.storage import foreign, schema
from kapokmq.storage.foreign import Kind

MOST = 20  # faults of one kind that are told

# What must be true, asked for what is not: a query gives a text a fault. Parted by empty lines.
RULES = """
select 'meta: there are ' || count(*) || ' rows, and there must be one' from meta having count(*) <> 1

select 'meta: ' || quote(store_id) || ' is no store id'
from meta where length(store_id) <> 16 or store_id glob '*[^0-9a-f]*'

select 'topic ' || number || ': its number is out of range' from topic where number not between 0 and 8388607

select 'message ' || m.id || ': its topic ' || (m.id >> 40) || ' does not exist'
from message as m where not exists (select 1 from topic where number = m.id >> 40)

select 'topic ' || t.number || ': its next offset is ' || t.next || ', and there is a message at '
    || (select max(id) & 0xffffffffff from message where id between t.number << 40 and t.number << 40 | 0xffffffffff)
from topic as t
where exists (
    select 1 from message where id between t.number << 40 | t.next and t.number << 40 | 0xffffffffff
)

select 'message ' || m.id || ': its epoch ' || m.epoch || ' is yet to come'
from message as m cross join meta where m.epoch > meta.epoch

select 'message ' || id || ': its headers are no JSON' from message where not json_valid(coalesce(headers, '{}'))

select 'group ' || number || ': its topic ' || topic || ' does not exist'
from grp where not exists (select 1 from topic where number = grp.topic)

select 'group ' || g.number || ': is done up to ' || g.mark || ', and its topic ends at ' || t.next
from grp as g join topic as t on t.number = g.topic where g.mark > t.next

select 'group ' || number || ': it is neither default nor named' from grp where kind not in ('default', 'named')

select 'ack: group ' || grp || ' does not exist'
from (select distinct grp from ack) where not exists (select 1 from grp as g where g.number = grp)

select 'attempt: group ' || grp || ' does not exist'
from (select distinct grp from attempt) where not exists (select 1 from grp as g where g.number = grp)

select 'ack: ' || first || ' is above ' || last from ack where first > last

select 'consumed: ' || first || ' is above ' || last from consumed where first > last

select 'ack: group ' || a.grp || ' has acknowledged ' || a.last || ', and its topic ends at ' || t.next
from ack as a join grp as g on g.number = a.grp join topic as t on t.number = g.topic where a.last >= t.next
"""
# Those of what version 2 of the format brought.
RULES_2 = """
select 'dead: group ' || grp || ' does not exist'
from (select distinct grp from dead) where not exists (select 1 from grp as g where g.number = grp)

select 'dead: message ' || id || ' does not exist'
from (select distinct id from dead) as d where not exists (select 1 from message as m where m.id = d.id)

select 'dead: message ' || d.id || ' is of another topic than its group ' || d.grp
from dead as d join grp as g on g.number = d.grp where d.id >> 40 <> g.topic

select 'event: group ' || grp || ' does not exist'
from (select distinct grp from event) where not exists (select 1 from grp as g where g.number = grp)

select 'event: message ' || id || ' does not exist'
from (select distinct id from event) as e where not exists (select 1 from message as m where m.id = e.id)

select 'acked: group ' || grp || ' does not exist'
from (select distinct grp from acked) where not exists (select 1 from grp as g where g.number = grp)

select 'acked: ' || first || ' is above ' || last from acked where first > last

select 'topic ' || number || ': is said to take ' || bytes || ' bytes, and its messages take ' || size
from (
    select t.number, t.bytes, coalesce(
        (
            select sum(octet_length(data) + coalesce(octet_length(headers), 0) + 200)
            from message where id between t.number << 40 and t.number << 40 | 0xffffffffff
        ),
        0
    ) as size
    from topic as t
)
where bytes <> size

select 'sent: session ' || quote(session) || ' does not exist'
from (select distinct session from sent) as s where not exists (select 1 from session where name = s.session)

select 'dedup: part ' || part || ' does not exist'
from (select distinct part from dedup) as d where not exists (select 1 from dedup_part as p where p.part = d.part)
"""


TOPIC_POLICIES = "select number, policy from topic where policy is not null and policy <> ?"
GROUP_CONFIGS = """
select 'group ' || number, config from grp where config is not null
union all
select 'pattern ' || quote(pattern) || ' ' || quote(name), config from pattern where config is not null
"""

P = TypeVar("P", GroupConfig, TopicPolicy)


class Census(NamedTuple):
    """What a store holds. `version` is its format's, `epoch` how often it was started, `faults` a text each."""

    version: int
    store_id: str
    epoch: int
    topics: int
    groups: int
    messages: int
    bytes: int
    faults: list[str]


def check_store(path: Path) -> Census:
    """Look a store over. Raises StoreRefused where it is none, is of a later release, or can't be read at all."""
    looked = foreign.look(path)
    if looked.kind is Kind.EMPTY:
        raise StoreRefused(f"{path} is not there, or empty")
    foreign.refuse_others(path, looked.kind)
    try:
        with closing(connected(path)) as connection:
            return _census(path, connection)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise foreign.damaged(path, error) from error
    except (apsw.Error, OSError) as error:
        raise StoreRefused(f"{path} can't be read ({error}): as which user does the node run?") from error


def connected(path: Path) -> apsw.Connection:
    """A connection that reads, and leaves no trace: a log that is there stays, and none that it makes does.

    It is opened for writing where that is allowed, since SQLite then removes what it has put beside the file.
    """
    log = path.with_name(path.name + "-wal")
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(log.exists() and log.stat().st_size > 0))
    connection.set_busy_timeout(5_000)
    connection.execute("pragma query_only = on; pragma temp_store = memory")
    return connection


def _census(path: Path, connection: apsw.Connection) -> Census:
    connection.execute("begin")
    version, newest = schema.version_of(connection), schema.steps()[-1][0]
    if version is None:
        raise foreign.somebody_elses(path)
    if version > newest:
        raise foreign.newer(path, version, newest)
    if version == 0:
        raise StoreRefused(f"{path} has no tables: the making of a store was broken off")
    faults = [str(text) for (text,) in connection.execute(f"pragma integrity_check({MOST})") if text != "ok"]
    if not faults:  # what is not whole need not fit together
        faults = [*_misfits(connection, version)]
    store_id, epoch = next(connection.execute("select store_id, epoch from meta"), ("", 0))
    counted = "select (select count(*) from topic), (select count(*) from grp), (select count(*) from message)"
    ((topics, groups, messages),) = cast("list[tuple[int, int, int]]", connection.execute(counted).fetchall())
    size = connection.pragma("page_count") * connection.pragma("page_size")
    return Census(version, store_id, epoch, topics, groups, messages, size, faults)


def _misfits(connection: apsw.Connection, version: int) -> Iterator[str]:
    rules = [*RULES.strip().split("\n\n"), *(RULES_2.strip().split("\n\n") if version > 1 else [])]
    for query in rules:
        found = [str(text) for (text,) in connection.execute(query + " limit ?", (MOST + 1,))]
        yield from found[:MOST]
        if len(found) > MOST:
            yield "… and more of that kind"
    if version > 1:
        yield from _policies(connection)


def _policies(connection: apsw.Connection) -> Iterator[str]:
    """What was set for topics and groups must be readable, or the node does not start."""
    for name, text in connection.execute(TOPIC_POLICIES, (DELETING,)):
        yield from _unread(f"topic {name}", text, TopicPolicy)
    for name, text in connection.execute(GROUP_CONFIGS):
        yield from _unread(str(name), text, GroupConfig)


def _unread(what: str, text: Any, shape: type[P]) -> Iterator[str]:
    try:
        read_policy(text, shape)
    except BadMessage as error:
        yield f"{what}: {error}"
