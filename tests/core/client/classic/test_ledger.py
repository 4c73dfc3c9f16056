"""What was sent, and what became of it."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.classic.ledger import Ledger, Line
from kapokmq.core.errors import BadMessage

STEPS = ("send", "ok", "refuse", "lose", "adopt", "withdraw")


class LedgerTests(SynchronousTestCase):
    def setUp(self):
        self.ledger, self.line = Ledger(most=3, most_bytes=10), Line()

    def send(self, *texts, line=None):
        return [self.ledger.sent(line or self.line, text) for text in texts]

    def adopted(self, line):
        texts = []
        while (text := self.ledger.adopt(line)) is not None:
            texts.append(text)
        return texts

    def test_nothing_was_sent(self):
        self.assertEqual(
            (self.ledger.last, self.ledger.settled, self.ledger.pending, self.ledger.refused), (0, 0, 0, 0)
        )

    def test_oks_settle_the_oldest_first(self):
        self.assertEqual(self.send(b"a", b"b"), [1, 2])
        self.assertEqual(self.ledger.settled, 0)
        self.ledger.confirm(self.line)
        self.assertEqual((self.ledger.settled, self.ledger.pending), (1, 1))
        self.ledger.confirm(self.line)
        self.assertEqual((self.ledger.settled, self.ledger.pending, self.line.size), (2, 0, 0))

    def test_an_ok_too_many_is_refused(self):
        self.assertRaises(BadMessage, self.ledger.confirm, self.line)

    def test_a_line_is_bounded_by_messages_and_by_bytes(self):
        self.assertTrue(self.ledger.room(self.line, 11))
        self.send(b"12345")
        self.assertEqual((self.ledger.room(self.line, 5), self.ledger.room(self.line, 6)), (True, False))
        self.send(b"6", b"7")
        self.assertFalse(self.ledger.room(self.line, 1))
        self.assertTrue(self.ledger.room(Line(), 1))

    def test_what_was_not_confirmed_is_adopted_in_order(self):
        other, third = Line(), Line()
        self.send(b"a", b"b")
        self.send(b"c", line=other)
        self.send(b"d")
        self.ledger.confirm(self.line)
        self.ledger.lose(other)
        self.ledger.lose(self.line)
        self.assertEqual((self.ledger.orphans, self.line.size, self.ledger.settled), (3, 0, 1))
        self.assertEqual(self.adopted(third), [b"b", b"c", b"d"])
        self.assertEqual((self.ledger.orphans, third.size), (0, 3))
        self.send(b"e", line=third)
        for settled in (2, 3, 4, 5):
            self.ledger.confirm(third)
            self.assertEqual(self.ledger.settled, settled)

    def test_settled_means_all_before_it_too(self):
        other = Line()
        self.send(b"a")
        self.send(b"b", line=other)
        self.ledger.confirm(other)
        self.assertEqual((self.ledger.settled, self.ledger.pending), (0, 1))
        self.ledger.confirm(self.line)
        self.assertEqual(self.ledger.settled, 2)

    def test_a_refused_one_is_not_sent_again(self):
        self.send(b"a", b"b")
        self.assertEqual(self.ledger.refuse(self.line), b"a")
        self.ledger.lose(self.line)
        self.assertEqual((self.ledger.refused, self.ledger.settled), (1, 1))
        self.assertEqual(self.adopted(self.line), [b"b"])
        self.assertEqual(self.ledger.refuse(self.line), b"b")
        self.assertIsNone(self.ledger.refuse(self.line))
        self.assertEqual((self.ledger.refused, self.ledger.settled), (2, 2))

    def test_the_newest_refused_counts(self):
        other = Line()
        self.send(b"a")
        self.send(b"b", line=other)
        self.ledger.refuse(other)
        self.ledger.refuse(self.line)
        self.assertEqual(self.ledger.refused, 2)

    def test_what_did_not_go_out_is_had_back(self):
        first, second, third = self.send(b"a", b"b", b"c")
        self.assertTrue(self.ledger.withdraw(self.line, third))
        self.assertEqual((self.line.size, list(self.line.tickets)), (2, [1, 2]))
        self.ledger.lose(self.line)
        self.assertTrue(self.ledger.withdraw(self.line, second))
        self.assertEqual((self.ledger.orphans, self.ledger.pending), (1, 1))
        other = Line()
        self.ledger.adopt(other)
        self.assertFalse(self.ledger.withdraw(self.line, first))
        self.assertEqual((self.ledger.pending, list(other.tickets)), (1, [1]))

    @given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2))))
    def test_every_message_is_in_one_place_or_settled(self, steps):
        ledger, lines = Ledger(), [Line(), Line(), Line()]
        queues, orphans, pending = [[], [], []], [], {}
        for step, n in steps:
            line, queue = lines[n], queues[n]
            if step == "send":
                ticket = ledger.sent(line, b"x" * (n + 1))
                queue.append(ticket)
                pending[ticket] = n + 1
            elif step in ("ok", "refuse") and queue:
                (ledger.confirm if step == "ok" else ledger.refuse)(line)
                del pending[queue.pop(0)]
            elif step == "lose":
                ledger.lose(line)
                orphans = sorted(orphans + queue)
                queue.clear()
            elif step == "adopt" and ledger.adopt(line) is not None:
                queue.append(orphans.pop(0))
            elif step == "withdraw" and queue:
                assert ledger.withdraw(line, queue[-1])
                del pending[queue.pop()]
            self.assertEqual([list(line.tickets) for line in lines], queues)
            self.assertEqual([line.size for line in lines], [sum(pending[t] for t in queue) for queue in queues])
            self.assertEqual((ledger.orphans, ledger.pending), (len(orphans), len(pending)))
            self.assertEqual(ledger.settled, min(pending) - 1 if pending else ledger.last)
