-- A commit is one row put into the view `incoming`: a column for each list of a Commit, as JSON text, null where it is
-- empty. The trigger does the rest, so that a commit is one statement and one call, however large it is: whole or absent
-- because SQLite's statements are, and with a single moment at which the writer's thread lets go of the GIL.
--
-- Made anew in every connection that writes (both are temporary), hence no part of the format of the file.
--
-- `cross join` fixes the order of the loops: the rows handed in outside, a search by key inside.

create temp view incoming (topics, grps, nexts, publishes, marks, acks, consumed, attempts, removed, hours) as
select null, null, null, null, null, null, null, null, null, null;

create temp trigger apply instead of insert on incoming
begin
    insert into topic (number, name, next)
    select value ->> 0, value ->> 1, 0 from jsonb_each(new.topics);

    insert into grp (number, topic, name, kind, mark)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from jsonb_each(new.grps);

    update topic set next = max(next, n.following)
    from (select value ->> 0 as number, max(value ->> 1) as following from jsonb_each(new.nexts) group by 1) as n
    where topic.number = n.number;

    insert into message (id, epoch, created, delay, due, expire, key, headers, data)
    select
        value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
    from jsonb_each(new.publishes);

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

    insert into attempt (grp, off, tries, retry_at, reason)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from jsonb_each(new.attempts)
    where true
    on conflict (grp, off) do update set
        tries = excluded.tries, retry_at = excluded.retry_at, reason = excluded.reason;

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
end;
