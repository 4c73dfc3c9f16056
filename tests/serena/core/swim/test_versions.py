"""Who fits into one pool."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.versions import agree, are_sound, compatible, understands

VECTORS = st.binary(min_size=6, max_size=6)


def both(minimum, maximum, current):
    """The same for protocol and delegate."""
    return bytes((minimum, maximum, current) * 2)


class VersionsTests(SynchronousTestCase):
    def test_memberlists_matrix(self):
        for one, other, fits in (
            (both(1, 5, 2), both(1, 5, 2), True),
            (both(1, 5, 2), both(2, 2, 2), True),
            (both(1, 5, 5), both(1, 4, 4), False),  # speaks what the other does not understand
            (both(1, 3, 3), both(3, 5, 5), False),
            (both(1, 3, 3), both(3, 5, 3), True),
            (both(0, 0, 0), both(1, 5, 2), False),
        ):
            for pair in permutations((one, other)):
                self.assertEqual(agree(pair), fits, pair)

    def test_delegates_count_as_protocols_do(self):
        ours = bytes((1, 5, 2, 0, 0, 0))
        self.assertFalse(agree((ours, bytes((1, 5, 2, 2, 5, 5)))))
        self.assertFalse(compatible(bytes((1, 5, 2, 2, 5, 5)), ours))
        self.assertTrue(compatible(ours, ours))

    def test_what_no_member_has(self):
        for versions in (b"", b"\x01\x05\x02", bytes(6), bytes((0, 5, 2, 0, 0, 0)), bytes((3, 2, 3, 0, 0, 0))):
            self.assertFalse(are_sound(versions))
            self.assertFalse(compatible(versions, bytes((1, 5, 2, 0, 0, 0))))

    def test_who_understands_what(self):
        self.assertTrue(understands(bytes((1, 5, 2, 0, 0, 0)), 5))
        self.assertFalse(understands(bytes((1, 4, 2, 0, 0, 0)), 5))
        self.assertFalse(understands(b"", 1))

    def test_nobody_agrees(self):
        self.assertTrue(agree(()))

    @given(st.lists(VECTORS, max_size=5), VECTORS)
    def test_who_does_not_fit_two_does_not_fit_more(self, vectors, more):
        if not agree(vectors):
            self.assertFalse(agree([*vectors, more]))
        self.assertEqual(agree(vectors), agree(reversed(vectors)))
        self.assertEqual(agree(vectors), agree(vectors + vectors))
