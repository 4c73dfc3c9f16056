-- A commit is one row put into the view `incoming`: a column for each list of a Commit, as JSON text, null where it is
-- empty. The trigger does the rest, so that a commit is one statement and one call, however large it is: whole or absent
-- because SQLite's statements are, and with a single moment at which the writer's thread lets go of the GIL.
--
-- Made anew in every connection that writes (both are temporary), hence no part of the format of the file.
--
-- `cross join` fixes the order of the loops: the rows handed in outside, a search by key inside.
--
-- What few commits have is put into views of its own from there, as each statement takes its microseconds even if there is
-- nothing for it to do.
--
-- Keys come as keys.py prepared them: `probes` says in which part a key may be remembered, `lookups` up to which part it has
-- to be looked for in each, `twins` which messages follow one with their key in this very commit, `parts` and `keys` where to
-- remember those of which messages. `runs` are those of the ids in `publishes`; these and `removed` are disjoint.

create temp view incoming (
    topics, grps, patterns, parts, probes, lookups, twins, keys, nexts, publishes, runs, sent, dues, marks, acks, consumed,
    acked, attempts, dead, revived, events, removed, forgotten, hours, dropped
) as
select
    null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
    null, null, null, null, null;

create temp view keyed (parts, probes, lookups, twins, sent) as select null, null, null, null, null;

create temp view rare (patterns, dues, acked, dead, revived, events, forgotten) as
select null, null, null, null, null, null, null;

create temp view removal (removed) as select null;

create temp view dropping (dropped) as select null;

-- The messages of the last commit that were not stored, and what stands for each of them.
create temp table duplicate (id integer primary key, original integer not null, epoch integer not null) strict;

-- The groups that a commit does away with.
create temp table gone (number integer primary key, topic integer not null) strict;

create temp trigger apply instead of insert on incoming
begin
    -- First, because what is gone leaves its name to what this very commit may bring; and last, for what it has brought.
    insert into dropping (dropped) select new.dropped where new.dropped is not null;

    insert into topic (number, name, next, policy)
    select t.value ->> 0, t.value ->> 1, 0, t.value ->> 2 from jsonb_each(new.topics) as t
    where not exists (
        select 1 from jsonb_each(new.dropped) as d where d.value ->> 0 = 'topic' and d.value ->> 1 = t.value ->> 0
    )
    on conflict (number) do update set policy = excluded.policy;

    insert into grp (number, topic, name, kind, mark, start, config)
    select g.value ->> 0, g.value ->> 1, g.value ->> 2, g.value ->> 3, g.value ->> 4, g.value ->> 4, g.value ->> 5
    from jsonb_each(new.grps) as g
    where not exists (
        select 1 from jsonb_each(new.dropped) as d where d.value ->> 0 = 'group' and d.value ->> 1 = g.value ->> 0
    )
    on conflict (number) do update set config = excluded.config;

    delete from duplicate;

    insert into keyed (parts, probes, lookups, twins, sent)
    select new.parts, new.probes, new.lookups, new.twins, new.sent
    where coalesce(new.parts, new.twins, new.sent) is not null;

    update topic set next = max(next, n.following)
    from (select value ->> 0 as number, max(value ->> 1) as following from jsonb_each(new.nexts) group by 1) as n
    where topic.number = n.number;

    insert into message (id, epoch, created, delay, due, expire, key, headers, data)
    select
        value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
    from jsonb_each(new.publishes)
    where not exists (select 1 from duplicate) or not exists (select 1 from duplicate where id = value ->> 0);

    -- Keys need not be handed in twice: the messages have them. In their order, as neighbours go to the same page.
    insert into dedup (part, key, id)
    select k.value ->> 0, m.key, m.id
    from jsonb_each(new.keys) as k cross join message as m on m.id between k.value ->> 1 and k.value ->> 2
    where m.key is not null order by m.key
    on conflict (part, key) do nothing;

    -- Sized before they are grouped, which would carry the bodies through a sorter.
    update topic set bytes = bytes + n.size
    from (
        select topic, sum(size) as size from (
            select m.id >> 40 as topic, octet_length(m.data) + coalesce(octet_length(m.headers), 0) + 200 as size
            from jsonb_each(new.runs) as r cross join message as m on m.id between r.value ->> 0 and r.value ->> 1
            limit -1
        )
        group by topic
    ) as n
    where topic.number = n.topic;

    update grp set mark = max(mark, n.reached)
    from (select value ->> 0 as number, max(value ->> 1) as reached from jsonb_each(new.marks) group by 1) as n
    where grp.number = n.number;

    delete from ack where (grp, first) in (
        select a.grp, a.first
        from jsonb_each(new.marks) as m
        cross join ack as a on a.grp = m.value ->> 0 and a.first < m.value ->> 1 and a.last < m.value ->> 1
    );

    delete from attempt where (grp, off) in (
        select t.grp, t.off
        from jsonb_each(new.marks) as m
        cross join attempt as t on t.grp = m.value ->> 0 and t.off < m.value ->> 1
    );

    -- A run that touches the one before it lengthens that: a group with one message missing keeps two rows, not one a
    -- commit.
    insert into ack (grp, first, last)
    select
        n.value ->> 0,
        coalesce(
            (
                select case when a.last >= (n.value ->> 1) - 1 then a.first end
                from ack as a
                where a.grp = n.value ->> 0 and a.first <= n.value ->> 1
                order by a.first desc limit 1
            ),
            n.value ->> 1
        ),
        n.value ->> 2
    from jsonb_each(new.acks) as n
    where true
    on conflict (grp, first) do update set last = max(last, excluded.last);

    delete from attempt where (grp, off) in (
        select t.grp, t.off
        from jsonb_each(new.acks) as n
        cross join attempt as t on t.grp = n.value ->> 0 and t.off between n.value ->> 1 and n.value ->> 2
    );

    -- No run of `consumed` may lie within another: whoever looks for the run of a message only looks at the last one that
    -- begins at or before it.
    insert into consumed (first, last, at)
    select n.value ->> 0, n.value ->> 1, n.value ->> 2
    from jsonb_each(new.consumed) as n
    where not exists (
        select 1 from consumed as c
        where c.first = (select max(first) from consumed where first < n.value ->> 0) and c.last >= n.value ->> 1
    )
    on conflict (first) do update set last = max(last, excluded.last);

    delete from consumed where first in (
        select c.first
        from jsonb_each(new.consumed) as n
        cross join consumed as c on c.first > n.value ->> 0 and c.first <= n.value ->> 1 and c.last <= n.value ->> 1
    );

    -- Who is sent again begins anew, even if it was given up a moment ago.
    delete from attempt where (grp, off) in (
        select t.grp, t.off
        from jsonb_each(new.revived) as r
        cross join attempt as t on t.grp = r.value ->> 0 and t.off between r.value ->> 1 and r.value ->> 2
    );

    insert into attempt (grp, off, tries, retry_at, reason)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from jsonb_each(new.attempts)
    where true
    on conflict (grp, off) do update set
        tries = excluded.tries, retry_at = excluded.retry_at, reason = excluded.reason;

    insert into rare (patterns, dues, acked, dead, revived, events, forgotten)
    select new.patterns, new.dues, new.acked, new.dead, new.revived, new.events, new.forgotten
    where
        coalesce(new.patterns, new.dues, new.acked, new.dead, new.revived, new.events, new.forgotten) is not null;

    insert into removal (removed) select new.removed where new.removed is not null;

    insert into hours (topic, hour, published, delivered, consumed, retried, expired, deleted, cleaned)
    select
        value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
    from jsonb_each(new.hours)
    where true
    on conflict (topic, hour) do update set
        published = published + excluded.published,
        delivered = delivered + excluded.delivered,
        consumed = consumed + excluded.consumed,
        retried = retried + excluded.retried,
        expired = expired + excluded.expired,
        deleted = deleted + excluded.deleted,
        cleaned = cleaned + excluded.cleaned;

    -- The hours came with the messages that turned out to be duplicates.
    update hours set published = published - n.count
    from (select id >> 40 as topic, count(*) as count from duplicate group by 1) as n
    where
        coalesce(new.keys, new.twins) is not null
        and hours.topic = n.topic
        and hours.hour = (
            select max(value ->> 1) from jsonb_each(new.hours) where value ->> 0 = n.topic and value ->> 2 > 0
        );

    insert into dropping (dropped) select new.dropped where new.dropped is not null;
end;

create temp trigger apply_keyed instead of insert on keyed
begin
    insert into duplicate (id, original, epoch)
    select p.value ->> 0, d.id, t.epoch
    from jsonb_each(new.probes) as p
    cross join dedup_part as t
        on t.part = p.value ->> 4
        and t.topic = p.value ->> 1
        and t.bucket in (p.value ->> 2, (p.value ->> 2) - 1)
        and not t.gone
    cross join dedup as d on d.part = t.part and d.key = p.value ->> 3
    where true
    on conflict (id) do nothing;

    -- Part by part, and in each in the order of the keys: a page is visited once.
    insert into duplicate (id, original, epoch)
    select p.id, d.id, t.epoch
    from (
        select distinct value ->> 1 as topic, value ->> 2 as bucket, value ->> 4 as until from jsonb_each(new.lookups)
    ) as g
    cross join dedup_part as t
        on t.topic = g.topic and t.bucket in (g.bucket, g.bucket - 1) and t.part <= g.until and not t.gone
    cross join (
        select value ->> 0 as id, value ->> 1 as topic, value ->> 2 as bucket, value ->> 3 as key
        from jsonb_each(new.lookups) order by value ->> 3 limit -1
    ) as p on p.topic = g.topic and p.bucket = g.bucket
    cross join dedup as d on d.part = t.part and d.key = p.key
    where true
    on conflict (id) do nothing;

    insert into duplicate (id, original, epoch)
    select t.value ->> 0, coalesce(d.original, t.value ->> 1), coalesce(d.epoch, t.value ->> 2)
    from jsonb_each(new.twins) as t left join duplicate as d on d.id = t.value ->> 1;

    insert into dedup_part (part, topic, bucket, epoch)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from jsonb_each(new.parts)
    where true
    on conflict (part) do nothing;

    insert into session (name, last)
    select value ->> 0, max(value ->> 5) from jsonb_each(new.sent) group by 1
    on conflict (name) do update set last = max(last, excluded.last);

    insert into sent (session, publish, first, epoch, count, crc, duplicates)
    select
        value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 6,
        (
            select json_group_array(json_array(id - (value ->> 2), original, epoch)) from (
                select id, original, epoch from duplicate
                where id between value ->> 2 and (value ->> 2) + (value ->> 4) - 1 order by id
            )
            having count(*) > 0
        )
    from jsonb_each(new.sent)
    where true
    on conflict (session, publish) do update set
        first = excluded.first, epoch = excluded.epoch, count = excluded.count, crc = excluded.crc,
        duplicates = excluded.duplicates;
end;

create temp trigger apply_rare instead of insert on rare
begin
    insert into pattern (pattern, name, config)
    select value ->> 0, value ->> 1, value ->> 2 from jsonb_each(new.patterns)
    where true
    on conflict (pattern, name) do update set config = excluded.config;

    -- The last row of a pattern counts. SQLite takes the other columns from the row that has the maximum.
    delete from pattern where (pattern, name) in (
        select pattern, name from (
            select value ->> 0 as pattern, value ->> 1 as name, value ->> 3 as is_gone, max(key)
            from jsonb_each(new.patterns) group by 1, 2
        )
        where is_gone
    );

    update message set due = n.due, expire = n.expire
    from (
        select value ->> 0 as id, value ->> 1 as due, value ->> 2 as expire, max(key) from jsonb_each(new.dues) group by 1
    ) as n
    where message.id = n.id and message.due is not null;

    insert into acked (grp, first, last, at)
    select n.value ->> 0, n.value ->> 1, n.value ->> 2, n.value ->> 3
    from jsonb_each(new.acked) as n
    where not exists (
        select 1 from acked as a
        where
            a.grp = n.value ->> 0
            and a.first = (select max(first) from acked where grp = n.value ->> 0 and first < n.value ->> 1)
            and a.last >= n.value ->> 2
    )
    on conflict (grp, first) do update set last = max(last, excluded.last);

    delete from acked where (grp, first) in (
        select a.grp, a.first
        from jsonb_each(new.acked) as n
        cross join acked as a
            on a.grp = n.value ->> 0 and a.first > n.value ->> 1 and a.first <= n.value ->> 2 and a.last <= n.value ->> 2
    );

    -- Only of messages that there are, for what is recorded of a message goes with it.
    insert into dead (grp, id, at, tries, reason)
    select g.number, m.id, d.value ->> 2, d.value ->> 3, d.value ->> 4
    from jsonb_each(new.dead) as d
    cross join grp as g on g.number = d.value ->> 0
    cross join message as m on m.id = g.topic << 40 | (d.value ->> 1)
    where true
    on conflict (grp, id) do update set at = excluded.at, tries = excluded.tries, reason = excluded.reason;

    delete from attempt where (grp, off) in (select value ->> 0, value ->> 1 from jsonb_each(new.dead));

    delete from dead where (grp, id) in (
        select d.grp, d.id
        from jsonb_each(new.revived) as r
        cross join grp as g on g.number = r.value ->> 0
        cross join dead as d
            on d.grp = g.number and d.id between g.topic << 40 | (r.value ->> 1) and g.topic << 40 | (r.value ->> 2)
    );

    insert into event (id, grp, at, kind, tries, who, reason)
    select m.id, g.number, e.value ->> 2, e.value ->> 3, e.value ->> 4, e.value ->> 5, e.value ->> 6
    from jsonb_each(new.events) as e
    cross join grp as g on g.number = e.value ->> 0
    cross join message as m on m.id = g.topic << 40 | (e.value ->> 1);

    -- A message that is tried for ever keeps the last 100 of each group.
    delete from event where number in (
        select e.number
        from (
            select
                g.number as grp,
                g.topic << 40 | n.off as id,
                (
                    select number from event
                    where id = g.topic << 40 | n.off and grp = g.number order by number desc limit 1 offset 100
                ) as last
            from (select distinct value ->> 0 as grp, value ->> 1 as off from jsonb_each(new.events)) as n
            cross join grp as g on g.number = n.grp
            limit -1
        ) as n
        cross join event as e on e.id = n.id and e.grp = n.grp and e.number <= n.last
        where n.last is not null
    );

    delete from sent where (session, publish) in (
        select s.session, s.publish
        from jsonb_each(new.forgotten) as f
        cross join sent as s on s.session = f.value ->> 0 and s.publish <= f.value ->> 1
    );
end;

create temp trigger apply_removal instead of insert on removal
begin
    update topic set bytes = bytes - n.size
    from (
        select topic, sum(size) as size from (
            select m.id >> 40 as topic, octet_length(m.data) + coalesce(octet_length(m.headers), 0) + 200 as size
            from jsonb_each(new.removed) as r cross join message as m on m.id between r.value ->> 0 and r.value ->> 1
            limit -1
        )
        group by topic
    ) as n
    where topic.number = n.topic;

    delete from message where id in (
        select m.id
        from jsonb_each(new.removed) as r
        cross join message as m on m.id between r.value ->> 0 and r.value ->> 1
    );

    delete from consumed where first in (
        select c.first
        from jsonb_each(new.removed) as r
        cross join consumed as c
            on c.first >= coalesce((select max(first) from consumed where first <= r.value ->> 0), r.value ->> 0)
            and c.first <= r.value ->> 1
        where not exists (select 1 from message as m where m.id between c.first and c.last)
    );

    delete from attempt where (grp, off) in (
        select t.grp, t.off
        from jsonb_each(new.removed) as r
        cross join grp as g on g.topic between (r.value ->> 0) >> 40 and (r.value ->> 1) >> 40
        cross join attempt as t
            on t.grp = g.number
            and t.off >= case when g.topic = (r.value ->> 0) >> 40 then (r.value ->> 0) & 0xffffffffff else 0 end
            and t.off <= case when g.topic = (r.value ->> 1) >> 40 then (r.value ->> 1) & 0xffffffffff else t.off end
    );

    delete from dead where (grp, id) in (
        select d.grp, d.id
        from jsonb_each(new.removed) as r cross join dead as d on d.id between r.value ->> 0 and r.value ->> 1
    );

    delete from event where number in (
        select e.number
        from jsonb_each(new.removed) as r cross join event as e on e.id between r.value ->> 0 and r.value ->> 1
    );

    delete from acked where (grp, first) in (
        select a.grp, a.first
        from jsonb_each(new.removed) as r
        cross join grp as g on g.topic between (r.value ->> 0) >> 40 and (r.value ->> 1) >> 40
        cross join acked as a
            on a.grp = g.number
            and a.first <= case when g.topic = (r.value ->> 1) >> 40 then (r.value ->> 1) & 0xffffffffff else a.first end
            and a.first >= case
                when g.topic = (r.value ->> 0) >> 40 then coalesce(
                    (select max(first) from acked where grp = g.number and first <= (r.value ->> 0) & 0xffffffffff), 0
                )
                else 0
            end
        where not exists (
            select 1 from message as m where m.id between g.topic << 40 | a.first and g.topic << 40 | a.last
        )
    );
end;

create temp trigger apply_dropping instead of insert on dropping
begin
    insert into gone (number, topic)
    select g.number, g.topic
    from jsonb_each(new.dropped) as d cross join grp as g on g.number = d.value ->> 1 where d.value ->> 0 = 'group'
    union
    select g.number, g.topic
    from jsonb_each(new.dropped) as d cross join grp as g on g.topic = d.value ->> 1 where d.value ->> 0 = 'topic';

    delete from ack where grp in (select number from gone);

    delete from attempt where grp in (select number from gone);

    delete from dead where grp in (select number from gone);

    delete from acked where grp in (select number from gone);

    delete from event where number in (
        select e.number
        from gone as g
        cross join event as e on e.id between g.topic << 40 and g.topic << 40 | 0xffffffffff and e.grp = g.number
    );

    delete from grp where number in (select number from gone);

    delete from gone;

    -- A topic's number may be given again: nothing may be left that would speak of its messages. Keys may be millions, and
    -- leave later.
    update dedup_part set gone = 1 where part in (
        select t.part
        from jsonb_each(new.dropped) as d cross join dedup_part as t on t.topic = d.value ->> 1
        where d.value ->> 0 = 'topic'
    );

    delete from consumed where first in (
        select c.first
        from jsonb_each(new.dropped) as d
        cross join consumed as c
            on c.first >= (d.value ->> 1) << 40
            and c.first <= (d.value ->> 1) << 40 | 0xffffffffff
            and c.last <= (d.value ->> 1) << 40 | 0xffffffffff
        where d.value ->> 0 = 'topic'
    );

    delete from hours where (topic, hour) in (
        select h.topic, h.hour
        from jsonb_each(new.dropped) as d cross join hours as h on h.topic = d.value ->> 1 where d.value ->> 0 = 'topic'
    );

    delete from topic where number in (
        select value ->> 1 from jsonb_each(new.dropped) where value ->> 0 = 'topic'
    );
end;
