"""The leaves that the stores are made of."""

import threading

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.storage import blocks, faults
from kapokmq.storage.blocks import SortedBlocks
from kapokmq.storage.rows import Reader, encoded
from kapokmq.storage.runs import ConsumedRun, ConsumedRuns
from kapokmq.storage.worker import Worker
from tests.storage.pump import Pump


class SortedBlocksTests(SynchronousTestCase):
    """Against a sorted list."""

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 60), max_size=30), st.integers(0, 9))))
    def test_any_additions_and_removals(self, steps):
        self.patch(blocks, "BLOCK", 3)
        tried, model = SortedBlocks(), []
        for adds, keys, length in steps:
            if adds:
                fresh = sorted(set(keys) - set(model))
                tried.add(fresh)
                model = sorted(model + fresh)
            elif keys:
                gone = [key for key in model if keys[0] <= key <= keys[0] + length]
                self.assertEqual(tried.remove(keys[0], keys[0] + length), gone)
                model = [key for key in model if key not in gone]
            self.assertEqual(list(tried), model)
            for key in range(-1, 62, 5):
                self.assertEqual(tried.ceiling(key), min((one for one in model if one >= key), default=None))
                self.assertEqual(tried.floor(key), max((one for one in model if one <= key), default=None))
                self.assertEqual(list(tried.ascending(key)), [one for one in model if one >= key])


class ConsumedRunsTests(SynchronousTestCase):
    """Runs with their times."""

    def test_runs_are_disjoint_and_keep_their_time(self):
        runs = ConsumedRuns()
        self.assertEqual(runs.add(5, 6, 1), [ConsumedRun(5, 6, 1)])
        self.assertEqual(runs.add(5, 9, 2), [ConsumedRun(7, 9, 1)])
        self.assertEqual(runs.add(1, 12, 3), [ConsumedRun(1, 4, 3), ConsumedRun(10, 12, 3)])
        self.assertEqual(runs.add(2, 8, 4), [])
        self.assertEqual(runs.within(4, 5), [ConsumedRun(1, 4, 3), ConsumedRun(5, 9, 1)])
        self.assertEqual(runs.covering(12), ConsumedRun(10, 12, 3))
        self.assertEqual(runs.below(13), ConsumedRun(10, 12, 3))
        self.assertIsNone(runs.covering(13))
        self.assertIsNone(runs.below(0))
        runs.forget(4, 11, lambda first, last: first == 5)
        self.assertEqual(runs.within(0, 99), [ConsumedRun(1, 4, 3), ConsumedRun(10, 12, 3)])


class RowsTests(SynchronousTestCase):
    """JSON, any text included."""

    def test_round_trips(self):
        read = Reader(list[tuple[int, str]])
        self.assertIsNone(encoded([]))
        for text in ("", "plain", "\0\x1f\x7f\u2028", "é\U0001f600", "\ud83d\ude00", "\udc00 \ud800"):
            self.assertEqual(read(encoded([(1, text)])), [(1, text)])


class WorkerTests(SynchronousTestCase):
    """Work on a thread, results on this one."""

    def setUp(self):
        self.pump = Pump()
        self.worker = Worker("worker-test", self.pump, lambda error: faults.explained("here", error))

    def test_results_and_failures_come_back_in_order(self):
        asked = [self.worker.call(lambda number=number: 6 // number) for number in (1, 0, 2)]
        self.assertEqual(self.pump.wait(asked[0]), 6)
        with self.assertRaisesRegex(faults.MisuseError, "here: ZeroDivisionError"):
            self.pump.wait(asked[1])
        self.assertEqual(self.pump.wait(asked[2]), 3)
        with self.assertRaisesRegex(faults.StoreUnavailable, "No space left"):
            self.pump.wait(self.worker.call(lambda: open("/dev/full", "w", buffering=1).write("x\n")))  # noqa: SIM115, PTH123
        self.pump.wait(self.worker.stop())
        self.assertNotIn("worker-test", [thread.name for thread in threading.enumerate()])

    def test_several_results_are_brought_back_by_one_call(self):
        entered, hold = threading.Event(), threading.Event()

        def first():
            entered.set()
            hold.wait(10)

        asked = [self.worker.call(first), *(self.worker.call(lambda: None) for _ in range(9))]
        ended = self.worker.stop()
        entered.wait(10)
        hold.set()
        self.pump.wait(ended)
        self.assertTrue(all(one.called for one in asked))
        self.assertLessEqual(self.pump.calls, 11)

    def test_a_worker_that_never_worked(self):
        self.assertIsNone(self.pump.wait(self.worker.stop()))
