"""A store whose commits end, and whose reads come back, when a test says so."""

import json
from collections import Counter, defaultdict

from twisted.internet.defer import Deferred, fail, succeed

from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.message import OFFSET_MASK, Status, make_id
from kapokmq.core.query import (
    COMPARED,
    DeadLetter,
    DeadPage,
    DuePage,
    Happened,
    HourCounts,
    Mark,
    SearchPage,
    Stored,
    Trace,
)
from kapokmq.storage.store import Due, Page, Remembered, Remnants
from tests.core.rig import NaiveStore, remnants


class ScriptedStore:
    """NaiveStore behind the Store interface. With `prompt` commits end at once, else with `finish` or `refuse`.

    While `asked` is a list, reads wait in it, each with the answer it had when it was asked, until `tell`.
    """

    def __init__(self, *, prompt=False, paged=True):
        self.naive = NaiveStore()
        self.prompt = prompt
        self.paged = paged
        self.held = 0
        self.pending = []
        self.sizes = []
        self.reads_fail = False
        self.commits_fail = False  # prompt ones
        self.asked = None
        self.consumed_at = {}  # by id
        self.by_hour = defaultdict(lambda: [0] * 7)  # by topic and hour
        self.gone = []  # what `dropped` is to say
        self.closed = False
        self.tidied = []  # what `tidy` was asked
        self.looked_for = []  # what `first_due` was asked
        self.untidy = []  # what it is to say, the last first

    def open(self, now):
        return self.naive.recover(now)

    def commit(self, commit):
        self.sizes.append(len(commit.publishes))
        if self.prompt and self.commits_fail:
            return fail(StoreUnavailable("disk full: kapokmq.db"))
        if self.prompt:
            return succeed(self._apply(commit))
        waiting = Deferred()
        self.pending.append((commit, waiting))
        return waiting

    def finish(self):
        commit, waiting = self.pending.pop(0)
        waiting.callback(self._apply(commit))

    def refuse(self, error=None):
        self.pending.pop(0)[1].errback(error or StoreUnavailable("disk full: kapokmq.db"))

    def tell(self):
        """Answer what was asked first."""
        waiting, value = self.asked.pop(0)
        waiting.callback(value)

    def _apply(self, commit):
        for row in commit.consumed:
            self.consumed_at.update(dict.fromkeys(range(row.first, row.last + 1), row.at))
        for row in commit.hours:
            counts = self.by_hour[row.topic, row.hour]
            counts[:] = [one + other for one, other in zip(counts, row[2:], strict=True)]
        return self.naive.apply(commit)

    def _answer(self, value):
        if self.reads_fail:
            return fail(StoreUnavailable("i/o error: kapokmq.db"))
        if self.asked is None:
            return succeed(value)
        waiting = Deferred()
        self.asked.append((waiting, value))
        return waiting

    def read(self, first, end, limit, max_bytes):
        return self._answer(Page(*self.naive.read(first, end, limit)))

    def fetch(self, ids, max_bytes):
        found = [self.naive.messages[i] for i in sorted(ids) if i in self.naive.messages]
        return self._answer(Page(found, max(ids) + 1))

    def scheduled(self, after, limit):
        due = sorted(Due(m.due, m.id) for m in self.naive.messages.values() if m.due is not None)
        return self._answer([entry for entry in due if entry > after][:limit])

    def find(self, message_id, now):
        message = self.naive.messages.get(message_id)
        return self._answer(None if message is None else self._stored(message, now))

    def search(self, query):
        messages = sorted(self.naive.messages.values(), key=lambda m: (-m.created, -m.id))
        rows = [self._stored(m, query.now) for m in messages if query.topic in {None, m.id >> 40}]
        rows = [row for row in rows if query.status in {None, row.status}]
        return self._answer(rows[query.offset : query.offset + query.limit])

    def _stored(self, message, now):
        if message.id in self.naive.consumed:
            return Stored(message, Status.CONSUMED, self.consumed_at[message.id])
        groups = [number for number, row in self.naive.groups.items() if row.topic == message.id >> 40]
        if any((group, message.offset) in self.naive.dead for group in groups):
            return Stored(message, Status.DEAD, 0)
        return Stored(message, Status.DELAYED if message.due and message.due > now else Status.WAITING, 0)

    def aged(self, topic, first, before, limit, *, every=False):
        ids = [i for i in sorted(self.naive.messages) if i >> 40 == topic and i >= first][:limit]
        old = [self.naive.messages[i] for i in ids if self.naive.messages[i].created < before]
        found = remnants([m for m in old if every or m.due is None])
        return self._answer(Remnants(found, old[-1].id + 1 if old else first))

    def aged_delayed(self, before, limit):
        return self._answer(remnants([m for m in self.naive.messages.values() if m.due and m.due < before][:limit]))

    def expired(self, before, limit):
        late = [m for m in self.naive.messages.values() if m.expire is not None and m.expire < before]
        return self._answer(remnants(late[:limit]))

    def sent(self, session, limit):
        rows = self.naive.remembered(session)
        return self._answer([Remembered(number, *row) for number, row in rows])

    def tidy(self, sessions_before, buckets, limit):
        self.tidied.append((sessions_before, list(buckets)))
        return self._answer(self.untidy.pop() if self.untidy else 0)

    def since(self, topic, created):
        later = [i for i, m in self.naive.messages.items() if i >> 40 == topic and m.created >= created]
        return self._answer(min(later) & OFFSET_MASK if later else None)

    def first_due(self, ranges, now, look):
        self.looked_for.append(list(ranges))
        found = []
        for first, end in ranges:
            ids = sorted(i for i in self.naive.messages if first <= i < end)[:look]
            due = [m for m in map(self.naive.messages.get, ids) if m.due is None or m.due <= now]
            found.append(min((m.since for m in due[:COMPARED]), default=None))
        return self._answer(found)

    def trace(self, message_id):
        offset = message_id & OFFSET_MASK
        groups = [number for number, row in self.naive.groups.items() if row.topic == message_id >> 40]
        acked = [(g, self.naive.acked_at[g, offset]) for g in groups if (g, offset) in self.naive.acked_at]
        dead = [self.naive.dead[g, offset] for g in groups if (g, offset) in self.naive.dead]
        events = [e for e in self.naive.events if e.group in groups and e.offset == offset]
        happened = [Happened(e.group, e.at, e.kind, e.tries, e.who, e.reason) for e in events]
        return self._answer(Trace(acked, [(d.group, d.at, d.tries, d.reason) for d in dead], happened))

    def dead(self, query):
        rows = sorted((d for d in self.naive.dead.values() if d.group == query.group), key=lambda d: d.offset)
        letters = [
            DeadLetter(self.naive.messages[make_id(query.topic, d.offset)], d.at, d.tries, d.reason)
            for d in rows
            if d.offset >= query.first
            and (query.reason or "") in d.reason
            and (query.before is None or d.at < query.before)
        ]
        found = [letter for letter in letters if (query.text or "") in letter.message.data]
        more = len(found) > query.limit
        return self._answer(DeadPage(found[: query.limit], found[query.limit].message.offset if more else None))

    def delayed(self, topic, now, after, limit, max_bytes):
        late = [m for m in self.naive.messages.values() if m.due and m.due > now and topic in {None, m.id >> 40}]
        late.sort(key=lambda m: (m.due, m.id))
        return self._answer([m for m in late if (m.due, m.id) > after][:limit])

    def due_counts(self, query):
        late = [(m.due, m.id) for m in self.naive.messages.values() if m.due and query.topic in {None, m.id >> 40}]
        late = sorted(place for place in late if query.begin <= place and place[0] < query.end)
        counts = Counter((due - query.first) // query.step for due, _ in late[: query.look])
        return self._answer(DuePage(sorted(counts.items()), next(iter(late[query.look :]), None)))

    def inspect(self, search):
        messages = sorted(self.naive.messages.values(), key=lambda m: (-m.created, -m.id))
        messages = [m for m in messages if search.topic in {None, m.id >> 40}]
        messages = [m for m in messages if search.start <= m.created <= search.end]
        if search.after is not None:
            messages = [m for m in messages if (m.created, m.id) < search.after]
        messages = [m for m in messages if (search.text or "") in m.data and search.key in {None, m.key}]
        if search.header is not None:
            name, value = search.header
            headers = [(m, json.loads(m.headers or "{}")) for m in messages]
            messages = [m for m, its in headers if name in its and value in {None, its[name]}]
        rows = [self._stored(m, search.now) for m in messages]
        rows = [row for row in rows if search.status in {None, row.status}]
        page = rows[: search.limit]
        last = page[-1].message if len(rows) > len(page) else None
        return self._answer(SearchPage(page, None if last is None else Mark(last.created, last.id)))

    def hours(self, topic, first, last):
        sums = {}
        for (number, hour), counts in sorted(self.by_hour.items()):
            if topic in {None, number} and first <= hour <= last:
                sums[hour] = [one + other for one, other in zip(sums.get(hour, [0] * 7), counts, strict=True)]
        return self._answer([HourCounts(hour * 3_600_000, *counts) for hour, counts in sorted(sums.items())])

    def dropped(self):
        given, self.gone = self.gone, []
        return given

    def close(self):
        self.closed = True
        return succeed(None)
