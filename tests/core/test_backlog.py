"""Where what waits for a group begins."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.backlog import STEPS, gap_end, seek
from kapokmq.core.memory import Memory
from kapokmq.core.position import Position

OFFSETS = st.sets(st.integers(0, 40))


def a_position(done=(), dead=(), mark=0):
    position = Position(Memory(1), mark, dead=[(offset, offset) for offset in dead])
    for offset in done:
        position.done.add(offset, offset)
    return position


class BacklogTests(SynchronousTestCase):
    @given(OFFSETS, OFFSETS, OFFSETS, st.integers(0, 45))
    def test_it_is_the_first_that_is_nothing_else(self, done, dead, delayed, start):
        position = a_position(done, dead - done)
        taken = done | dead | delayed
        expected = next(offset for offset in range(start, 99) if offset not in taken)
        self.assertEqual(seek(position, start, sorted(delayed)), (expected, True))
        end = next((offset for offset in range(expected, 50) if offset in done | dead), 50)
        self.assertEqual(gap_end(position, expected, 50), end)
        self.assertEqual(gap_end(position, expected, expected), expected)

    def test_a_long_way_is_gone_in_parts(self):
        count = 3 * STEPS
        position = a_position(range(0, count, 2), range(1, count, 2))
        offset, found, parts = 0, False, 0
        while not found:
            before = offset
            offset, found = seek(position, offset, [])
            parts += 1
            self.assertLessEqual(offset - before, 2 * STEPS + 1)
        self.assertEqual(offset, count)
        self.assertGreater(parts, 1)
