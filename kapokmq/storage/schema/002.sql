-- Version 2 of the store, made out of version 1 (001.sql tells the tables that were there before).
--
--   topic.policy, grp.config  what was set for them, as JSON; null: nothing
--   topic.bytes        what its messages take: octet_length(data) + octet_length(headers) + 200 each
--   grp.start          the first offset that the group was due
--   pattern            a group `name` that every topic whose name matches `pattern` is to have
--   dead               messages that a group has given up
--   event              what happened to a message out of the ordinary, in the order of `number`
--   acked              a group is done with the offsets `first` to `last`, both included, since `at`; kept where a topic has
--                      several groups; no row of a group lies within another, and one in which no message is left goes
--   session, sent      publish calls that can be told apart: number `publish` of a session, `count` messages from the id
--                      `first` on; `duplicates` is [[index, id, epoch], …]: what stands for those that were not stored
--   dedup              keys that messages were published with, and which message that was, in parts: one B-tree of all would
--                      have each commit write as many pages as it has keys
--   dedup_part         a part holds keys of one window (`bucket`) of a topic; one that is `gone` does not count any more

alter table topic add column policy text;
alter table topic add column bytes integer not null default 0;
alter table grp add column start integer not null default 0;
alter table grp add column config text;

create table pattern (
    pattern text not null,
    name    text not null,
    config  text,
    primary key (pattern, name)
) strict, without rowid;

create table dead (
    grp    integer not null,
    id     integer not null,
    at     integer not null,
    tries  integer not null,
    reason text not null,
    primary key (grp, id)
) strict, without rowid;

-- Whether a message is a dead letter of any group; and which of a topic's are, in the order of their ids, for searches.
create index dead_message on dead (id);

create table event (
    number integer primary key,
    id     integer not null,
    grp    integer not null,
    at     integer not null,
    kind   text not null,
    tries  integer not null,
    who    text not null,
    reason text not null
) strict;

create index event_message on event (id, grp);

create table acked (
    grp   integer not null,
    first integer not null,
    last  integer not null,
    at    integer not null,
    primary key (grp, first)
) strict, without rowid;

create table session (
    name text primary key not null,
    last integer not null  -- when its last publish call was
) strict, without rowid;

create index session_last on session (last);

create table sent (
    session    text not null,
    publish    integer not null,
    first      integer not null,
    epoch      integer not null,
    count      integer not null,
    crc        integer not null,  -- of its messages
    duplicates text,
    primary key (session, publish)
) strict, without rowid;

create table dedup (
    part integer not null,
    key  text not null,
    id   integer not null,
    primary key (part, key)
) strict, without rowid;

create table dedup_part (
    part   integer primary key,
    topic  integer not null,
    bucket integer not null,
    epoch  integer not null,  -- of its messages
    gone   integer not null default 0
) strict;

create index dedup_part_topic on dedup_part (topic, bucket);
create index dedup_part_gone on dedup_part (part) where gone;

-- What expires next; and a topic's delayed messages by when they fall due.
create index message_expire on message (expire) where expire is not null;
create index message_topic_due on message (id >> 40, due) where due is not null;
-- What was delayed and is old, but for what has a time of its own to go.
create index message_aged on message (due) where due is not null and expire is null;

-- octet_length reads no body, only the page that a row begins in, as the indexes above do. By topic and not `group by`,
-- which would carry the bodies through a sorter. With 1,000,000 messages all of this file took 0.3 s where they have 100
-- bytes, 1.8 s with 2,000, and 8.5 s with 8,000, which is a file of 8 GB; so it is done here, once, and not in slices later.
update topic set bytes = coalesce(
    (
        select sum(octet_length(data) + coalesce(octet_length(headers), 0) + 200)
        from message where id between topic.number << 40 and topic.number << 40 | 0xffffffffff
    ),
    0
);

pragma user_version = 2;
