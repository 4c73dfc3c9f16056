"""A producer's session, against a naive model."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.classic import encode_oks
from kapokmq.core.errors import BadEncoding
from kapokmq.core.message import Text
from kapokmq.core.session.producer import ProducerSession

GOOD = b'{"MessageData":"%d"}'


class ProducerSessionTests(SynchronousTestCase):
    """Frames in, drafts and `ok`s out."""

    def setUp(self):
        self.session = ProducerSession(1000)

    def test_a_read_is_a_batch_and_each_message_is_owed_an_ok(self):
        self.assertEqual(self.session.receive([GOOD % 1, GOOD % 2]), ([Text("1"), Text("2")], None))
        self.assertFalse(self.session.settled)
        self.session.confirmed(1)
        self.assertEqual((self.session.owed, self.session.ready, self.session.published), (1, 1, 1))
        self.assertEqual(self.session.take(10), encode_oks(1))
        self.assertEqual(self.session.take(10), b"")
        self.session.confirmed(1)
        self.assertFalse(self.session.settled)
        self.assertEqual(self.session.take(10), encode_oks(1))
        self.assertEqual(self.session.published, 2)
        self.assertTrue(self.session.settled)

    def test_oks_are_taken_in_chunks(self):
        self.session.receive([GOOD % 1] * 5)
        self.session.confirmed(5)
        self.assertEqual([self.session.take(2) for _ in range(4)], [encode_oks(n) for n in (2, 2, 1, 0)])

    def test_the_first_fault_ends_it(self):
        drafts, fault = self.session.receive([GOOD % 1, b"junk", GOOD % 2])
        self.assertEqual((drafts, type(fault)), ([Text("1")], BadEncoding))
        self.assertEqual(self.session.receive([GOOD % 3]), ([], None))
        self.session.confirmed(1)
        self.assertEqual(self.session.take(9), encode_oks(1))
        self.assertTrue(self.session.settled)

    def test_what_the_engine_would_not_have_is_not_owed(self):
        self.session.receive([GOOD % 1])
        self.session.receive([GOOD % 2, GOOD % 3])
        self.session.untaken(2)
        self.assertEqual((self.session.owed, self.session.receive([GOOD % 4])), (1, ([], None)))

    def test_nothing_is_owed_once_the_engine_gave_up(self):
        self.session.receive([GOOD % 1, GOOD % 2])
        self.session.confirmed(1)
        self.session.abandoned()
        self.assertEqual((self.session.owed, self.session.ready), (0, 1))
        self.assertEqual(self.session.receive([GOOD % 3]), ([], None))

    @given(
        st.lists(st.sampled_from([GOOD % 1, GOOD % 2, b"{}", b"junk"]), max_size=12),
        st.lists(st.integers(0, 12), max_size=6),
    )
    def test_however_a_stream_is_cut_the_same_is_published_and_confirmed(self, frames, cuts):
        whole = ProducerSession(1000)
        expected, fault = whole.receive(frames)
        session = ProducerSession(1000)
        drafts, faults, oks = [], [], b""
        edges = [0, *sorted(min(cut, len(frames)) for cut in cuts), len(frames)]
        for start, end in pairwise(edges):
            some, wrong = session.receive(frames[start:end])
            drafts += some
            faults += [wrong] if wrong is not None else []
            session.confirmed(len(some))
            oks += session.take(3)
        while not session.settled:
            oks += session.take(3)
        self.assertEqual(drafts, expected)
        self.assertEqual([str(each) for each in faults], [str(fault)] if fault is not None else [])
        self.assertEqual(oks, encode_oks(len(expected)))
