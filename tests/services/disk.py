"""The store in a file, whose answers come at once: so that what is tested over the scripted store is tested over it."""

from functools import partialmethod
from pathlib import Path

import apsw
from twisted.internet.defer import Deferred, fail, succeed

from kapokmq.core.commit import GroupRow
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.message import OFFSET_MASK, Message
from kapokmq.storage.sqlite import SQLiteStore
from tests.storage.contract import entropy
from tests.storage.pump import Pump

READS = (
    "read", "fetch", "scheduled", "find", "search", "aged", "aged_delayed", "expired", "inspect", "delayed",
    "due_counts", "dead", "trace", "since", "sent", "hours", "tidy",
)  # fmt: skip


class DiskStore:
    """SQLiteStore, driven to its answer within each call. What tests do with a ScriptedStore that is prompt."""

    paged = True
    held = 0

    def __init__(self, folder):
        self.reads_fail = False
        self.commits_fail = False
        self.asked = None
        self._path = Path(folder) / "kapokmq.db"
        self._pump = Pump()
        self._store = None

    @property
    def naive(self):
        """What is in it."""
        return Contents(self._path)

    def open(self, now):
        self.shut()
        self._store = SQLiteStore(str(self._path), entropy=entropy, callback=self._pump)
        return self._store.open(now)

    def shut(self):
        if self._store is not None:
            self._pump.wait(self._store.close())
            self._store = None

    def close(self):
        return self._answer(self._store.close())

    def commit(self, commit):
        if self.commits_fail:
            return fail(StoreUnavailable("disk full: kapokmq.db"))
        return self._answer(self._store.commit(commit))

    def dropped(self):
        return self._store.dropped()

    def tell(self):
        """Answer what was asked first."""
        waiting, value = self.asked.pop(0)
        waiting.callback(value)

    def _read(self, *args, what, **named):
        if self.reads_fail:
            return fail(StoreUnavailable("i/o error: kapokmq.db"))
        answer = self._answer(getattr(self._store, what)(*args, **named))
        if self.asked is None:
            return answer
        waiting = Deferred()
        answer.addCallback(lambda value: self.asked.append((waiting, value)))
        return waiting

    def _answer(self, asked):
        try:
            return succeed(self._pump.wait(asked))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is the answer
            return fail(error)


class Contents:
    """What a file holds, in NaiveStore's words."""

    def __init__(self, path):
        self._path = path

    def _rows(self, sql):
        connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return list(connection.execute(sql))
        finally:
            connection.close()

    @property
    def messages(self):
        return {row[0]: Message(*row) for row in self._rows("select * from message")}

    @property
    def topics(self):
        return dict(self._rows("select number, name from topic"))

    @property
    def groups(self):
        return {
            row[0]: GroupRow(*row) for row in self._rows("select number, topic, name, kind, start, config from grp")
        }

    @property
    def patterns(self):
        return dict.fromkeys(self._rows("select pattern, name from pattern"))

    @property
    def dead(self):
        return {(group, number & OFFSET_MASK): at for group, number, at in self._rows("select grp, id, at from dead")}

    @property
    def consumed(self):
        runs = self._rows("select first, last from consumed")
        return {one for one in self.messages if any(first <= one <= last for first, last in runs)}


for _name in READS:
    setattr(DiskStore, _name, partialmethod(DiskStore._read, what=_name))


class OnDisk:
    """For an EngineCase: prompt stores are in a file."""

    def new_store(self, **how):
        if how != {"prompt": True}:
            return super().new_store(**how)
        store = DiskStore(self.mktemp())
        self.addCleanup(store.shut)
        return store
