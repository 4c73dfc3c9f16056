"""Requests that come before the answer to the one before."""

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.protocols.http_fakes import FakeNode, post, receipt
from tests.protocols.test_site import PING, PONG, timeless


class PipelineTests(SynchronousTestCase):
    """Requests that come together."""

    def setUp(self):
        self.node = FakeNode()
        self.wire = self.node.connect()

    def answers(self):
        return self.wire.received().count(b"HTTP/1.1 ")

    def read(self, raw):
        """One read, and nothing of the turns after it."""
        self.wire.protocol.dataReceived(raw)

    def test_each_has_a_turn_of_its_own(self):
        turns = []
        self.wire.protocol.callLater = lambda seconds, call: (
            turns.append((seconds, call)) or self.node.clock.callLater(1000, call)
        )
        self.read(PING * 3)
        for number in (1, 2, 3):
            self.assertEqual(self.answers(), number)
            calls = [call for seconds, call in turns if seconds == 0]
            turns.clear()
            if number < 3:
                (turn,) = calls
                turn()
        self.assertEqual(calls, [])

    def test_none_is_looked_at_while_the_peer_does_not_read(self):
        self.wire.protocol.pauseProducing()
        self.read(PING * 3)
        self.node.clock.advance(0)
        self.assertEqual(self.answers(), 1)
        self.assertEqual(self.wire.transport.producerState, "paused")
        self.read(PING)  # TLS hands on what it had
        self.node.clock.advance(50)
        self.assertEqual(self.answers(), 1)
        self.wire.protocol.resumeProducing()
        self.node.clock.advance(0)
        self.assertEqual(timeless(self.wire.received()), PONG * 4)
        self.assertEqual(self.wire.transport.producerState, "producing")

    def test_a_peer_that_stops_reading_while_the_next_waits(self):
        self.read(PING * 3)
        self.wire.protocol.pauseProducing()
        self.node.clock.advance(0)
        self.assertEqual(self.answers(), 1)
        self.wire.protocol.resumeProducing()
        self.node.clock.advance(0)
        self.assertEqual(self.answers(), 3)

    def test_a_peer_that_never_reads_is_cut_off(self):
        self.wire.protocol.pauseProducing()
        self.read(PING * 3)
        self.node.clock.advance(599)
        self.assertFalse(self.wire.closed)
        self.node.clock.advance(2)
        self.assertTrue(self.wire.closed)

    def test_behind_a_body_and_behind_an_answer_that_takes_its_time(self):
        self.node.engine.held = Deferred()
        self.wire.send(post("/Producer/Send", "topic=t&messageData=x&delayTime=0") + PING + PING[:20])
        self.wire.send(PING[20:])
        self.assertEqual(self.answers(), 0)
        self.node.engine.held.callback(receipt())
        self.node.clock.advance(0)
        self.assertEqual(self.answers(), 3)

    def test_who_leaves_takes_its_turn_along(self):
        self.read(PING * 3)
        self.wire.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.node.clock.getDelayedCalls(), [])
