"""A store whose commits end when a test says so."""

from twisted.internet.defer import Deferred, fail, succeed

from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.message import Status
from kapokmq.core.query import Stored
from kapokmq.storage.store import Due, Page
from tests.core.rig import NaiveStore


class ScriptedStore:
    """NaiveStore behind the Store interface. With `prompt` commits end at once, else with `finish` or `refuse`."""

    def __init__(self, *, prompt=False, paged=True):
        self.naive = NaiveStore()
        self.prompt = prompt
        self.paged = paged
        self.held = 0
        self.pending = []
        self.sizes = []
        self.reads_fail = False
        self.gone = []  # what `dropped` is to say
        self.closed = False

    def open(self, now):
        return self.naive.recover(now)

    def commit(self, commit):
        self.sizes.append(len(commit.publishes))
        if self.prompt:
            self.naive.apply(commit)
            return succeed(None)
        waiting = Deferred()
        self.pending.append((commit, waiting))
        return waiting

    def finish(self):
        commit, waiting = self.pending.pop(0)
        self.naive.apply(commit)
        waiting.callback(None)

    def refuse(self, error=None):
        self.pending.pop(0)[1].errback(error or StoreUnavailable("disk full: kapokmq.db"))

    def _answer(self, value):
        return fail(StoreUnavailable("i/o error: kapokmq.db")) if self.reads_fail else succeed(value)

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
            return Stored(message, Status.CONSUMED, 1)
        return Stored(message, Status.DELAYED if message.due and message.due > now else Status.WAITING, 0)

    def aged(self, topic, first, before, limit):
        ids = [i for i in sorted(self.naive.messages) if i >> 40 == topic and i >= first][:limit]
        old = [self.naive.messages[i] for i in ids if self.naive.messages[i].created < before]
        return self._answer(Page([m for m in old if m.due is None], old[-1].id + 1 if old else first))

    def aged_delayed(self, before, limit):
        return self._answer([m for m in self.naive.messages.values() if m.due and m.due < before][:limit])

    def dropped(self):
        given, self.gone = self.gone, []
        return given

    def close(self):
        self.closed = True
        return succeed(None)
