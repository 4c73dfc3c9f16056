-- The store of a KapokMQ node, version 1. Look into it with the sqlite3 shell, best with `sqlite3 -readonly FILE`; while a
-- node runs, read only: it does not expect anybody else to write.
--
--   meta               one row: who this store is, and how often it was started
--   topic              a log of messages; `next` is the offset that its next message gets
--   grp                a durable group of a topic's consumers: it is done with every offset below `mark`
--   ack                ... and with the offsets `first` to `last`, both included; rows may overlap or reach below the mark
--   attempt            leases that ended badly, of messages that their group is not done with
--   message            the bodies; never rewritten
--   consumed           every durable group is done with the ids `first` to `last`, both included, since `at`; no row lies
--                      within another, and a row in which no message is left goes
--   hours              what happened to a topic's messages, hour by hour (hours since 1970, UTC)
--   messages_readable  a view for people
--
-- A message's id is topic number << 40 | offset: a topic's messages lie together, in the order they came in. Times are
-- milliseconds since 1970, UTC; `delay` is in seconds, as the producer gave it; `due` is null for what was never delayed.
--
-- The application id is "KAPQ". To change this format: never edit this file, add 002.sql, which makes version 2 out of
-- version 1, and a fixture written by version 1 to the tests.

pragma application_id = 0x4b415051;
pragma user_version = 1;

create table meta (
    only     integer primary key check (only = 1),
    store_id text not null,  -- 16 hex digits, drawn once
    epoch    integer not null
) strict;

create table topic (
    number integer primary key,
    name   text not null unique,
    next   integer not null
) strict;

create table grp (
    number integer primary key,
    topic  integer not null,
    name   text not null,
    kind   text not null,  -- 'default' or 'named'
    mark   integer not null,
    unique (topic, kind, name)
) strict;

create table message (
    id      integer primary key,
    epoch   integer not null,
    created integer not null,
    delay   integer not null,
    due     integer,
    expire  integer,
    key     text,
    headers text,
    data    text not null
) strict;

-- What falls due next; and the same messages in the order of their ids, for searches.
create index message_due on message (due) where due is not null;
create index message_delayed on message (id) where due is not null;

create table ack (
    grp   integer not null,
    first integer not null,
    last  integer not null,
    primary key (grp, first)
) strict, without rowid;

create table attempt (
    grp      integer not null,
    off      integer not null,
    tries    integer not null,
    retry_at integer not null,
    reason   text not null,
    primary key (grp, off)
) strict, without rowid;

create table consumed (
    first integer primary key,
    last  integer not null,
    at    integer not null
) strict;

create table hours (
    topic     integer not null,
    hour      integer not null,
    published integer not null,
    delivered integer not null,
    consumed  integer not null,
    retried   integer not null,
    expired   integer not null,
    deleted   integer not null,
    cleaned   integer not null,
    primary key (topic, hour)
) strict, without rowid;

create view messages_readable as
select
    meta.store_id || printf('%08x', m.epoch) || printf('%016x', m.id) as code,
    t.name as topic,
    m.id & 0xffffffffff as offset,
    datetime(m.created / 1000, 'unixepoch') as created,
    datetime(m.due / 1000, 'unixepoch') as due,
    datetime(case when c.last >= m.id then c.at end / 1000, 'unixepoch') as consumed,
    m.key,
    m.headers,
    m.data
from meta, message m
left join topic t on t.number = m.id >> 40
left join consumed c on c.first = (select max(first) from consumed where first <= m.id);
