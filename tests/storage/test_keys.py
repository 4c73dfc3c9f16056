"""Where keys are put and looked for."""

from collections import defaultdict

import apsw
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import Commit, KeyRow
from kapokmq.core.errors import MisuseError, StoreUnavailable
from kapokmq.core.message import make_id
from kapokmq.storage import key_filter, keys
from kapokmq.storage.key_filter import SLOTS, KeyFilter
from kapokmq.storage.rows import Reader
from kapokmq.storage.sqlite import SQLiteStore
from tests.storage.contract import message, messages
from tests.storage.contract_keys import BUCKET, KeyHarness
from tests.storage.test_faults import BrokenDiskHarness
from tests.storage.test_sqlite import SQLiteHarness

read = Reader(list)


class KeyFilterTests(SynchronousTestCase):
    """An estimate may say too much, never too little."""

    def setUp(self):
        self.patch(key_filter, "_STRIP", 1 << 4)

    @settings(deadline=None, max_examples=20)
    @given(st.lists(st.tuples(st.integers(0, SLOTS - 1), st.integers(0, 3), st.text(max_size=3)), max_size=40))
    def test_no_key_is_missed(self, steps):
        tried, model = KeyFilter(1 << 4), defaultdict(set)  # crowded
        for slot, topic, key in steps:
            found = tried.look(topic, [key], slot).get(key, 0)
            for there in model[topic, key]:
                self.assertTrue(found >> there & 1)
            model[topic, key].add(slot)

    def test_most_new_keys_are_in_no_slot(self):
        tried = KeyFilter(1 << 20)
        for slot in range(5):
            self.assertLess(len(tried.look(1, [f"{slot}-{n}" for n in range(20_000)], slot)), 20)

    def test_other_slots_are_emptied(self):
        tried = KeyFilter(1 << 20)
        names = [str(n) for n in range(1_000)]
        for slot in (0, 3, SLOTS - 1):
            tried.look(1, names, slot)
        tried.keep({3})
        self.assertEqual(tried.look(1, names, 3), dict.fromkeys(names, 1 << 3))
        tried.keep({3})
        self.assertEqual(tried.look(1, names, 5), dict.fromkeys(names, 1 << 3))


class PartsTests(SynchronousTestCase):
    """Which part, and where to look."""

    def setUp(self):
        self.patch(keys, "PART", 10)

    def prepare(self, tried, *texts, topic=1, bucket=5, first=0):
        """Prepare rows; gives the prepared columns, read."""
        rows = [KeyRow(topic, bucket, text, make_id(topic, first + n), 1) for n, text in enumerate(texts)]
        prepared = tried.prepared(rows)
        return keys.Prepared(*(None if column is None else read(column) for column in prepared))

    def test_a_full_part_is_followed_by_another(self):
        tried = keys.Keys([(6, 1), (7, 2)], 7)
        tried._unread = []
        names = [[str(n) for n in range(m, m + 6)] for m in range(0, 18, 6)]
        found = [self.prepare(tried, *some).parts for some in names]
        self.assertEqual(found, [[[8, 1, 5, 1]], [[8, 1, 5, 1]], [[9, 1, 5, 1]]])
        self.assertEqual(self.prepare(tried, "a", bucket=6).parts, [[10, 1, 6, 1]])
        self.assertEqual(self.prepare(tried, "a", topic=2).parts, [[11, 2, 5, 1]])
        self.assertEqual(self.prepare(tried, "b").parts, [[9, 1, 5, 1]])

    def test_new_keys_are_looked_for_nowhere_and_others_where_they_may_be(self):
        tried = keys.Keys([], 0)
        first = self.prepare(tried, "a", "b")
        self.assertEqual((first.probes, first.lookups, first.twins), (None, None, None))
        self.assertEqual(first.keys, [[1, make_id(1, 0), make_id(1, 1)]])
        again = self.prepare(tried, "c", "b", "b", first=10)
        self.assertEqual(again.probes, [[make_id(1, 11), 1, 5, "b", 1]])
        self.assertEqual(again.twins, [[make_id(1, 12), make_id(1, 11), 1]])
        self.assertIsNone(self.prepare(tried, "b", topic=2).probes)

    def test_parts_that_are_not_known_yet_are_looked_into(self):
        tried = keys.Keys([(3, 1), (4, 1)], 4)
        self.assertEqual(self.prepare(tried, "a").lookups, [[make_id(1, 0), 1, 5, "a", 4]])
        tried.tidied([(3, 1)])
        self.assertEqual(self.prepare(tried, "b").lookups, [[make_id(1, 0), 1, 5, "b", 3]])
        tried.tidied([])
        self.assertTrue(tried.is_read)
        self.assertIsNone(self.prepare(tried, "c").lookups)
        tried.read(None)  # nothing to do


class ReadingTests(SQLiteHarness, KeyHarness, SynchronousTestCase):
    """What the store makes of keys that it has from before."""

    def setUp(self):
        self.patch(keys, "PART", 4)
        self.patch(keys, "WORDS_OF_FEW", 1 << 10)
        self.patch(keys, "WORDS_OF_MANY", 1 << 12)
        self.patch(key_filter, "_STRIP", 1 << 10)
        super().setUp()

    def publish(self, first, names, bucket=BUCKET):
        """Publish names from the offset `first` on."""
        return self.keyed(*((1, first + n, name) for n, name in enumerate(names)), bucket=bucket)

    def test_keys_are_found_before_they_are_read_and_after(self):
        names = [str(n) for n in range(40)]
        for first in range(0, 40, 4):
            self.publish(first, names[first : first + 4])
        self.again()
        tried = self.store._opened.keys
        at = 100
        while not tried.is_read:
            self.assertEqual(self.publish(at, [*names[::7], f"new{at}"]), {at + n: 7 * n for n in range(6)})
            at += 10
        self.assertGreater(at, 120)
        self.assertEqual(self.publish(at, [*names[::7], f"new{at}"]), {at + n: 7 * n for n in range(6)})
        self.assertEqual(self.publish(at + 50, ["new100", "newer"]), {at + 50: 106})

    def test_slots_are_used_again(self):
        self.patch(keys, "TOGETHER", 1)
        for n in range(3 * SLOTS):
            self.assertEqual(self.publish(10 * n, [f"{n}-{m}" for m in range(4)], bucket=n), {})
            self.assertEqual(self.publish(10 * n + 4, [f"{n}-3"], bucket=n + 1), {10 * n + 4: 10 * n + 3})
            self.tidy(buckets=[(1, n + 1)])
        parts = list(self.store._opened.files.writer.execute("select part from dedup_part"))
        self.assertLess(len(parts), 5)

    def test_closing_does_not_wait_until_all_is_read(self):
        self.publish(0, [str(n) for n in range(4)])
        for first in range(4, 80, 4):
            self.publish(first, [str(n) for n in range(first, first + 4)])
        self.wait(self.store.close())
        self.store = self.make(self.path)
        self.store.open(0)
        self.wait(self.store.close())
        self.assertFalse(self.store._opened.keys.is_read)

    def test_a_part_of_a_failed_commit(self):
        self.publish(0, ["a"])
        with self.assertRaises(MisuseError):  # the id is there already
            self.publish(0, ["b", "c", "d", "e", "f"])
        self.assertEqual(self.publish(10, ["b", "a"]), {11: 0})
        self.tidy(buckets=[(1, BUCKET)])
        self.assertEqual(self.publish(20, ["c", "b"]), {21: 10})

    def test_a_larger_estimate_learns_everything_anew(self):
        self.patch(keys, "FEW", 5)
        names = [str(n) for n in range(60)]
        tried = self.store._opened.keys
        unread = []
        for first in range(0, 60, 4):
            self.assertEqual(self.publish(2 * first, names[first : first + 4]), {})
            unread.append(not tried.is_read)
            self.assertEqual(
                self.publish(2 * first + 4, names[:first:11]),
                {2 * first + 4 + n: 2 * at - at % 4 for n, at in enumerate(range(0, first, 11))},
            )
        self.assertTrue(any(unread))
        self.assertTrue(tried._is_large)
        while not tried.is_read:
            self.page(0, 1)
        self.assertEqual(
            self.publish(500, names[::9]), {500 + n: 2 * at - at % 4 for n, at in enumerate(range(0, 60, 9))}
        )


class BrokenDiskTests(BrokenDiskHarness, KeyHarness, SynchronousTestCase):
    """Keys on a disk that fails."""

    def test_a_failed_commit_with_keys_can_be_retried(self):
        for operation, allowed in (("write", 0), ("write", 4), ("sync", 0)):
            first = len(self.page().messages)
            given = messages(1, range(first, first + 500), headers="x" * 100)
            for one in given:
                one.key = str(one.id)
            keyed = Commit(publishes=given, keys=[KeyRow(1, 5, one.key, one.id, 1) for one in given])
            self.disk.failing, self.disk.allowed = {operation: apsw.FullError}, allowed
            with self.assertRaises(StoreUnavailable):
                self.wait(self.store.commit(keyed))
            self.disk.failing = {}
            self.assertEqual(self.wait(self.store.commit(keyed)).duplicates, [])
            self.assertEqual(len(self.page().messages), first + 500)
            again = [message(one.id + 10_000, key=one.key) for one in given]
            keyed = Commit(publishes=again, keys=[KeyRow(1, 6, one.key, one.id, 1) for one in again])
            self.assertEqual(len(self.wait(self.store.commit(keyed)).duplicates), 500)

    def test_keys_that_cannot_be_read_are_looked_for_all_the_same(self):
        given = [message(make_id(1, 0), key="k")]
        self.commit(publishes=given, keys=[KeyRow(1, 5, "k", given[0].id, 1)])
        warnings = []
        self.patch(SQLiteStore, "_log", Logger(observer=warnings.append))
        self.patch(keys, "KEYS_OF", "select key from nowhere where part = ?1")
        self.again()
        repeated = [message(make_id(1, 1), key="k")]
        outcome = self.commit(publishes=repeated, keys=[KeyRow(1, 5, "k", repeated[0].id, 1)])
        self.assertEqual([one.original for one in outcome.duplicates], [given[0].id])
        self.assertEqual(len(warnings), 1)
