"""The store in memory, and what only it does: it makes room."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import ConsumedRow, HourRow, RemovedRow, TopicRow
from kapokmq.core.message import Status, make_id
from kapokmq.core.query import Mark, Search
from kapokmq.storage import memory_hours, memory_keys, memory_searches
from kapokmq.storage.memory import MemoryStore
from tests.storage.contract import NOW, Harness, StoreContract, entropy, message, messages
from tests.storage.contract_keys import BUCKET, KeyHarness, KeysContract
from tests.storage.contract_lives import LivesContract
from tests.storage.contract_looking import LookingContract


class MemoryHarness:
    """Stores with room for everything."""

    def fresh(self):
        """A new one, open."""
        store = MemoryStore(1 << 40, entropy=entropy)
        store.open(NOW)
        return store


class MemoryStoreTests(MemoryHarness, StoreContract, SynchronousTestCase):
    """The contract of every store."""


class MemoryKeysTests(MemoryHarness, KeysContract, SynchronousTestCase):
    """Keys and sessions."""


class MemoryLivesTests(MemoryHarness, LivesContract, SynchronousTestCase):
    """What befalls messages."""


class MemoryLookingTests(MemoryHarness, LookingContract, SynchronousTestCase):
    """Those who look."""


class BudgetTests(Harness, SynchronousTestCase):
    """A store with room for ten messages of 300 bytes."""

    def fresh(self):
        """The store."""
        store = MemoryStore(3_000, entropy=entropy)
        store.open(NOW)
        return store

    def publish(self, topic, offsets):
        """Messages of 300 bytes each."""
        self.commit(publishes=[message(make_id(topic, offset), "x" * 100) for offset in offsets])

    def consume(self, topic, first, last):
        """Consume offsets, both included."""
        self.commit(consumed=[ConsumedRow(make_id(topic, first), make_id(topic, last), 5)])

    def offsets(self, topic=1):
        """The offsets that can be read."""
        return [one.offset for one in self.page(make_id(topic, 0), make_id(topic + 1, 0)).messages]

    def test_what_it_is_when_opened(self):
        recovered = self.store.open(NOW)
        self.assertEqual((recovered.store_id, recovered.epoch), (int.from_bytes(entropy(8), "big"), 1))
        self.assertEqual((recovered.topics, recovered.groups), ([], []))
        self.assertFalse(self.store.paged)

    def test_held_counts_what_is_not_consumed(self):
        self.publish(1, range(5))
        self.assertEqual(self.store.held, 1_500)
        self.consume(1, 0, 1)
        self.consume(1, 0, 2)
        self.assertEqual(self.store.held, 600)
        self.commit(removed=[RemovedRow(make_id(1, 2), make_id(1, 3))])
        self.assertEqual(self.store.held, 300)
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 9))])
        self.assertEqual(self.store.held, 0)

    def test_consumed_ones_go_when_room_is_short_oldest_first(self):
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")])
        self.publish(1, range(6))
        self.publish(2, range(4))
        self.consume(2, 1, 2)
        self.consume(1, 0, 3)
        self.assertEqual((self.offsets(1), self.offsets(2)), ([*range(6)], [*range(4)]))
        self.publish(1, [6])
        self.assertEqual((self.offsets(1), self.offsets(2)), ([*range(7)], [0, 2, 3]))
        self.publish(1, [7])
        self.assertEqual((self.offsets(1), self.offsets(2)), ([*range(8)], [0, 3]))
        self.publish(1, [8])
        self.assertEqual((self.offsets(1), self.offsets(2)), ([*range(1, 9)], [0, 3]))
        self.assertEqual(self.found_ids(status=Status.CONSUMED), [make_id(1, n) for n in (3, 2, 1)])
        self.assertIsNone(self.wait(self.store.find(make_id(2, 1), NOW)))
        self.assertEqual(self.store.held, 7 * 300)

    def test_what_went_is_told_once(self):
        self.publish(1, range(6))
        self.publish(2, range(4))
        self.consume(2, 1, 2)
        self.consume(1, 0, 3)
        self.assertEqual(self.store.dropped(), [])
        self.publish(1, [6])
        self.assertEqual(self.store.dropped(), [(2, 1)])
        self.assertEqual(self.store.dropped(), [])
        self.publish(1, [7, 8, 9])
        self.publish(1, [10])
        self.assertEqual(self.store.dropped(), [(1, 3), (2, 1)])
        # What is removed on purpose is nobody's news.
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(2, 9))])
        self.assertEqual(self.store.dropped(), [])

    def test_room_is_made_of_several_runs(self):
        self.publish(1, range(10))
        self.consume(1, 0, 0)
        self.consume(1, 2, 4)
        self.publish(1, [10, 11])
        self.assertEqual(self.offsets(), [1, *range(3, 12)])

    def test_what_is_not_consumed_stays_beyond_the_budget(self):
        self.publish(1, range(20))
        self.assertEqual(len(self.offsets()), 20)
        self.consume(1, 0, 19)
        self.assertEqual(self.offsets(), [*range(10, 20)])
        self.assertEqual(self.store.held, 0)

    def test_what_was_removed_takes_no_part(self):
        self.publish(1, range(10))
        self.consume(1, 0, 1)
        self.consume(1, 5, 6)
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 1))])
        self.publish(1, range(10, 13))
        self.assertEqual(self.offsets(), [2, 3, 4, *range(6, 13)])
        self.assertEqual(self.store._oldest[0], (make_id(1, 6), make_id(1, 6)))
        self.commit(removed=[RemovedRow(make_id(1, 6), make_id(1, 6))])
        self.assertFalse(self.store._oldest)
        self.assertEqual(list(self.store._shelf.consumed._runs), [])


class BoundsTests(MemoryHarness, KeyHarness, SynchronousTestCase):
    """What is remembered beside messages does not grow for ever."""

    def test_the_oldest_keys_of_the_oldest_window_are_forgotten(self):
        self.patch(memory_keys, "KEYS", 5)
        self.keyed(*((1, n, str(n)) for n in range(4)), bucket=BUCKET + 1)
        self.keyed(*((2, n, str(n)) for n in range(3)))
        self.assertEqual(self.keyed((2, 9, "2")), {9: 2})
        self.assertEqual(self.keyed((2, 5, "0")), {})
        self.assertEqual(
            self.keyed(*((1, 9 + n, str(n)) for n in range(4)), bucket=BUCKET + 1), {9: 0, 10: 1, 11: 2, 12: 3}
        )

    def test_hours_are_kept_for_a_month(self):
        for hour in (0, 5, memory_hours.KEPT + 4, memory_hours.KEPT + 5):
            self.commit(hours=[HourRow(1, hour, 1, 0, 0, 0, 0, 0, 0)])
        found = self.wait(self.store.hours(1, 0, 1 << 40))
        self.assertEqual([row.at // 3_600_000 for row in found], [memory_hours.KEPT + 4, memory_hours.KEPT + 5])

    def test_one_inspection_looks_at_a_slice(self):
        self.patch(memory_searches, "SLICE", 10)
        self.commit(publishes=messages(1, range(25)))
        page = self.wait(self.store.inspect(Search(NOW, text="1:3")))
        self.assertEqual((page.found, page.next), ([], Mark(NOW, make_id(1, 15))))
        self.patch(memory_searches, "SLICE", 100)
        self.patch(memory_searches, "LOOKED", 5)
        page = self.wait(self.store.inspect(Search(NOW, text="1:3")))
        self.assertEqual((page.found, page.next), ([], Mark(NOW, make_id(1, 23))))
