"""How connections end, in memory: what is written, in which order, and that they end at all."""

from twisted.trial.unittest import SynchronousTestCase

from tests.protocols.wire import (
    CLOSE,
    CONSUMER,
    PING,
    PONG,
    PRODUCER,
    MemoryNode,
    close_frame,
    closing,
    frame,
    message,
)

PROTOCOL_ERRORS = {
    "unmasked": frame("{}", masked=False),
    "reserved bit": frame("{}", rsv=4),
    "reserved data opcode": frame("{}", 3),
    "reserved control opcode": frame("", 11),
    "fragmented ping": frame("", PING, fin=False),
    "long ping": frame("x" * 126, PING),
    "continuation of nothing": frame("x", 0),
    "message within a message": frame("x", fin=False) + frame("y"),
    "length not minimal": b"\x81\xfe\x00\x01" + frame("x")[2:],
    "length not minimal, 64 bits": b"\x81\xff" + (5).to_bytes(8, "big") + b"\0\0\0\0",
    "length of 2^63": b"\x81\xff" + (1 << 63).to_bytes(8, "big") + b"\0\0\0\0",
    "close of one byte": frame("x", CLOSE),
    "close code 0": closing(0),
    "close code 999": closing(999),
    "close code 1004": closing(1004),
    "close code 1005": closing(1005),
    "close code 1006": closing(1006),
    "close code 1015": closing(1015),
    "close code 2999": closing(2999),
    "close code 5000": closing(5000),
}


class EndingTests(SynchronousTestCase):
    """Each way to end."""

    def setUp(self):
        self.node = MemoryNode()

    def ends(self, client):
        """The sending half is closed, and the rest when the peer does nothing more."""
        self.assertTrue(client.transport.half_closed)
        self.assertIsNone(client.transport.producer)
        self.assertFalse(client.transport.aborted)
        client.send(message("late"), b"\xff" * 1000)
        self.assertEqual(client.take(), [])
        self.node.clock.advance(5)
        self.assertTrue(client.transport.aborted)
        self.assertEqual(self.node.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.node.connections), 0)

    def test_protocol_errors_are_told_and_what_came_before_them_counts(self):
        for name, data in PROTOCOL_ERRORS.items():
            client = self.node.enter()
            client.send(message(name), data, message("never"))
            self.assertEqual(self.node.engine.data[-1], name)
            self.node.engine.confirm()
            _, (opcode, payload) = client.take()
            self.assertEqual((opcode, payload[:2]), (CLOSE, (1002).to_bytes(2, "big")), name)
            self.assertGreater(len(payload), 10, name)
            self.ends(client)

    def test_protocol_errors_of_consumers_and_strangers(self):
        for come in (lambda: self.node.enter(CONSUMER), self.node.connect):
            client = come()
            client.take()
            client.send(PROTOCOL_ERRORS["unmasked"])
            self.assertEqual(client.take(), [close_frame(1002, "unmasked client-to-server frame")])
            self.ends(client)

    def test_a_goodbye_is_answered_with_its_code(self):
        for code in (1000, 1001, 1003, 1011, 1012, 1014, 3000, 4999):
            client = self.node.enter()
            client.send(closing(code, "tschüß".encode()))
            self.assertEqual(client.take(), [close_frame(code)])
            self.ends(client)

    def test_an_empty_goodbye_stays_empty(self):
        client = self.node.enter()
        client.send(frame("", CLOSE))
        self.assertEqual(client.take(), [(CLOSE, b"")])
        self.ends(client)

    def test_a_reason_that_is_not_utf8(self):
        client = self.node.enter()
        client.send(closing(1000, b"\xff"))
        self.assertEqual(client.take(), [close_frame(1007, "invalid close reason: not UTF-8")])
        self.ends(client)

    def test_a_second_close_changes_nothing(self):
        client = self.node.enter()
        client.send(message("a"))
        client.wire.close(1001, "first")
        client.wire.close(1008, "second")
        client.send(closing())
        self.node.engine.confirm()
        self.assertEqual(client.take()[1:], [close_frame(1001, "first")])
        client.wire.close(1008, "third")
        self.ends(client)

    def test_a_connection_may_go_at_any_stage(self):
        settling = self.node.enter()
        settling.send(message("a"))
        settling.wire.close(1001, "bye")
        ending = self.node.enter()
        ending.wire.close(1001, "bye")
        for client in (settling, ending, self.node.connect(), self.node.enter(CONSUMER)):
            client.transport.lose()
        self.assertEqual(self.node.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.node.engine.detached), 2)

    def test_without_half_closing_the_connection_is_lost_when_all_is_written(self):
        client = self.node.enter()
        client.transport.loseWriteConnection = None
        client.wire.close(1001, "bye")
        self.assertTrue(client.transport.disconnecting)

    def test_pongs_of_a_stalled_transport_do_not_pile_up(self):
        client = self.node.enter()
        client.wire.pauseProducing()
        for n in range(1000):
            client.send(frame(str(n), PING))
        self.assertEqual(client.take(), [])
        client.wire.resumeProducing()
        self.assertEqual(client.take(), [(PONG, b"999")])
        client.send(frame("x", PING))
        self.assertEqual(client.take(), [(PONG, b"x")])


class HeartbeatTests(SynchronousTestCase):
    """Pings after silence."""

    def setUp(self):
        self.node = MemoryNode()

    def test_a_silent_consumer_is_pinged_and_then_closed(self):
        client = self.node.enter(CONSUMER)
        self.node.clock.advance(30)
        self.assertEqual(client.take(), [(PING, b"")])
        self.node.clock.advance(19.9)
        self.assertEqual(client.take(), [])
        self.node.clock.advance(0.2)
        self.assertEqual(client.take(), [close_frame(1008, "no answer to a ping within 20 s")])

    def test_those_who_came_one_after_the_other_are_pinged_in_one_turn(self):
        clients = []
        for _ in range(3):
            self.node.clock.advance(0.02)
            clients.append(self.node.enter(CONSUMER))
        self.node.clock.advance(30 - 0.01)
        self.assertEqual([client.take() for client in clients], [[], [], []])
        self.node.clock.advance(0.1)
        self.assertEqual([client.take() for client in clients], [[(PING, b"")]] * 3)

    def test_an_answer_or_any_bytes_keep_it(self):
        for answer in (frame("", PONG), frame("code"), frame("code")[:1]):
            client = self.node.enter(CONSUMER)
            self.node.clock.advance(30)
            client.send(answer)
            self.node.clock.pump([1] * 29)
            self.assertEqual(client.take(), [(PING, b"")])
            self.node.clock.advance(25)
            self.assertEqual(client.take(), [(PING, b"")])
            client.transport.lose()

    def test_who_talks_is_not_pinged(self):
        client = self.node.enter(CONSUMER)
        for _ in range(10):
            self.node.clock.advance(20)
            client.send(frame("code"))
        self.assertEqual(client.take(), [])

    def test_a_producer_that_never_reads_is_borne(self):
        # The Go client's producers read nothing after the log-in (spec, 6).
        client = self.node.enter(PRODUCER)
        for _ in range(5):
            self.node.clock.advance(30)
            self.assertEqual(client.take(), [(PING, b"")])
            self.node.clock.advance(20)
        client.send(message("a"))
        self.assertEqual(self.node.engine.data, ["a"])

    def test_a_producer_that_used_to_answer_is_not(self):
        client = self.node.enter(PRODUCER)
        client.send(frame("", PONG))
        self.node.clock.advance(30)
        self.node.clock.advance(20)
        self.assertEqual(client.take(), [(PING, b""), close_frame(1008, "no answer to a ping within 20 s")])


class CloseAllTests(SynchronousTestCase):
    """A node that stops."""

    def setUp(self):
        self.node = MemoryNode()

    def test_every_socket_is_told_and_then_gone(self):
        clients = [self.node.connect(), self.node.enter(), self.node.enter(CONSUMER)]
        gone = self.node.connections.close_all(self.node.clock)
        for client in clients:
            self.assertEqual(client.take()[-1], close_frame(1001, "this node stops"))
            self.assertNoResult(gone)
            client.transport.lose()
        self.successResultOf(gone)
        self.assertEqual(self.node.clock.getDelayedCalls(), [])

    def test_no_more_are_taken(self):
        self.node.connections.close_all(self.node.clock)
        self.assertTrue(self.node.connect().answer.startswith(b"HTTP/1.1 503 "))

    def test_who_does_not_go_is_cut_off(self):
        client = self.node.enter()
        client.send(message("a"))
        gone = self.node.connections.close_all(self.node.clock, within=2.0)
        self.node.clock.advance(2)
        self.assertTrue(client.transport.aborted)
        self.successResultOf(gone)
        self.assertEqual(self.node.clock.getDelayedCalls(), [])
